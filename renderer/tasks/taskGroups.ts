// A group of a count <-> the filter that shows its tasks.
import type { Grouping } from '../../scheduler/protocol/view.ts';
import { chipNames, type FilterChoice, type StateChip, stateChips } from './taskFilter.ts';

const hourMs = 3_600_000;

export function chipOf(state: string): StateChip | undefined {
  return chipNames.find((chip) => stateChips[chip].some((one) => one === state));
}

/** The filter narrowed to one group; undefined where no filter can say it. */
export function narrowedTo(choice: FilterChoice, by: Grouping, key: string): FilterChoice | undefined {
  if (key === '') return undefined;
  switch (by) {
    case 'state': {
      const chip = chipOf(key);
      return chip && { ...choice, states: [chip] };
    }
    case 'queue':
    case 'tenant':
    case 'node':
      return { ...choice, [by]: key };
    case 'hour':
      return between(choice, Date.parse(`${key}:00Z`), hourMs);
    case 'day':
      return between(choice, Date.parse(`${key}T00:00Z`), 24 * hourMs);
    case 'kind':
      return undefined;
  }
}

function between(choice: FilterChoice, from: number, spanMs: number): FilterChoice | undefined {
  return Number.isNaN(from) ? undefined : { ...choice, window: 'custom', from, to: from + spanMs };
}
