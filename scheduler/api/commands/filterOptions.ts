// Which tasks a command is about: the filter of list, count and export.
import { type Given, type Options, readTaskId } from './command.ts';
import { pairsOf } from './workOptions.ts';

export const filterOptions: Options = {
  state: { type: 'string', value: 'STATE', multiple: true, about: 'ready, running, dead_letter, ...' },
  queue: { type: 'string', value: 'NAME', about: 'in this queue' },
  tenant: { type: 'string', value: 'NAME', about: 'of this tenant' },
  node: { type: 'string', value: 'NAME', about: 'placed on this node' },
  label: { type: 'string', value: 'NAME=VALUE', multiple: true, about: 'with this label' },
  text: { type: 'string', value: 'TEXT', about: 'part of the name, the program line or a label' },
  since: { type: 'string', value: 'TIME', about: 'submitted so long ago at most, like 2h' },
  until: { type: 'string', value: 'TIME', about: 'submitted so long ago at the least' },
  group: { type: 'string', value: 'ID', about: 'members of this array, gang or workflow' },
  late: { type: 'boolean', about: 'ended after their deadline, or live and past it' },
};

/** As the methods of the hub take it; what was not given is absent. */
export function filterOf(given: Given) {
  const states = given.texts('state').flatMap((one) => one.split(','));
  const group = given.text('group');
  const ago = (name: string): number | undefined => {
    const agoMs = given.durationMs(name);
    return agoMs === undefined ? undefined : Date.now() - agoMs;
  };
  return {
    states: states.length > 0 ? states : undefined,
    queue: given.text('queue'),
    tenant: given.text('tenant'),
    nodeId: given.text('node'),
    labels: given.texts('label').length > 0 ? pairsOf(given, 'label') : undefined,
    text: given.text('text'),
    sinceMs: ago('since'),
    untilMs: ago('until'),
    groupId: group === undefined ? undefined : readTaskId(group),
    missedDeadline: given.flag('late') ? true : undefined,
  };
}

/** The same as query parameters. */
export function filterQueryOf(given: Given) {
  const { states, labels = {}, missedDeadline, ...others } = filterOf(given);
  const label = Object.entries(labels).map(([name, value]) => `${name}:${value}`);
  return { ...others, state: states, label, missedDeadline: missedDeadline ? 1 : undefined };
}
