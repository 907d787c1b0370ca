// Options of `submit` for where a task runs -> its placement rules and licences.
import type { TaskSpecInput } from '../../protocol/task.ts';
import { type Given, type Options, wrongUsage } from './command.ts';

const texts = (value: string, about: string) => ({ type: 'string', value, multiple: true, about }) as const;
const text = (value: string, about: string) => ({ type: 'string', value, about }) as const;

export const placementOptions: Options = {
  avoid: texts('LABEL=V,V', 'never on nodes whose label has one of these values'),
  prefer: texts('LABEL=V,V[:WEIGHT]', 'rather on these nodes (weight 1 to 100, default 1)'),
  together: text('SCOPE:NAME=VALUE', 'in the node, cell, line or area of tasks with this label'),
  apart: text('SCOPE:NAME=VALUE', 'not in the node, cell, line or area of tasks with this label'),
  spread: text('SCOPE:NAME=VALUE', 'evenly over nodes, cells, lines or areas, among tasks with this label'),
  exclusive: { type: 'boolean', about: 'a node for itself' },
  licence: texts('NAME[=N]', 'hold so many of this licence while it runs (default 1)'),
};

type Placement = NonNullable<TaskSpecInput['placement']>;
type Scope = NonNullable<Placement['together']>['within'];
const scopes: readonly Scope[] = ['node', 'cell', 'line', 'area'];

/** What was not given is absent. */
export function placementOf(given: Given): Pick<TaskSpecInput, 'placement' | 'licences'> {
  const spread = neighboursOf(given, 'spread');
  const together = neighboursOf(given, 'together');
  const apart = neighboursOf(given, 'apart');
  const avoid = given.texts('avoid').map((pair) => labelOf('avoid', pair));
  const prefer = given.texts('prefer').map(preferenceOf);
  const placement: Placement = {
    ...(avoid.length > 0 && { avoid: Object.fromEntries(avoid) }),
    ...(prefer.length > 0 && { prefer }),
    ...(together && { together }),
    ...(apart && { apart }),
    ...(spread && { spread: { labels: spread.labels, over: spread.within } }),
    ...(given.flag('exclusive') && { isExclusive: true }),
  };
  const licences = given.texts('licence').map(licenceOf);
  return {
    ...(Object.keys(placement).length > 0 && { placement }),
    ...(licences.length > 0 && { licences: Object.fromEntries(licences) }),
  };
}

function labelOf(option: string, pair: string): [string, string[]] {
  const at = pair.indexOf('=');
  if (at < 1) throw wrongUsage(`--${option} ${pair}: it is LABEL=VALUE,VALUE`);
  return [pair.slice(0, at), pair.slice(at + 1).split(',')];
}

function preferenceOf(pair: string): NonNullable<Placement['prefer']>[number] {
  const [, labels = pair, weight = '1'] = /^(.*):(\d{1,3})$/.exec(pair) ?? [];
  return { labels: Object.fromEntries([labelOf('prefer', labels)]), weight: Number(weight) };
}

function neighboursOf(given: Given, option: string): Placement['together'] {
  const said = given.text(option);
  if (said === undefined) return undefined;
  const [, word, name, value] = /^(\w+):([^=]+)=(.*)$/.exec(said) ?? [];
  const within = scopes.find((scope) => scope === word);
  if (within === undefined || name === undefined || value === undefined)
    throw wrongUsage(`--${option} ${said}: it is SCOPE:NAME=VALUE, and SCOPE is one of ${scopes.join(', ')}`);
  return { labels: { [name]: value }, within };
}

function licenceOf(said: string): [string, number] {
  const [, name = said, amount = '1'] = /^(.+)=(\d{1,9})$/.exec(said) ?? [];
  return [name, Number(amount)];
}
