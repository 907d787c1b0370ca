// Which tasks a command is about: the filter of list, count and export.
import type { Given, Options } from './command.ts';
import { pairsOf } from './specOptions.ts';

export const filterOptions: Options = {
  state: { type: 'string', value: 'STATE', multiple: true, about: 'ready, running, dead_letter, ...' },
  queue: { type: 'string', value: 'NAME', about: 'in this queue' },
  tenant: { type: 'string', value: 'NAME', about: 'of this tenant' },
  node: { type: 'string', value: 'NAME', about: 'placed on this node' },
  label: { type: 'string', value: 'NAME=VALUE', multiple: true, about: 'with this label' },
  text: { type: 'string', value: 'TEXT', about: 'part of the name, the program line or a label' },
  since: { type: 'string', value: 'TIME', about: 'submitted so long ago at most, like 2h' },
  until: { type: 'string', value: 'TIME', about: 'submitted so long ago at the least' },
};

/** As the methods of the hub take it; what was not given is absent. */
export function filterOf(given: Given) {
  const states = given.texts('state').flatMap((one) => one.split(','));
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
  };
}

/** The same as query parameters. */
export function filterQueryOf(given: Given) {
  const { states, labels = {}, ...others } = filterOf(given);
  const label = Object.entries(labels).map(([name, value]) => `${name}:${value}`);
  return { ...others, state: states, label };
}
