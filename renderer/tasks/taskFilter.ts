// The filter of the task list: what the address says <-> what the host is asked.
import type { LocationQuery, LocationQueryRaw } from 'vue-router';
import { ms, queueName } from '../../scheduler/protocol/brands.ts';
import type { TaskState } from '../../scheduler/protocol/task.ts';

/** Chips of states as an operator thinks of them. */
const stateChips = {
  waiting: ['ready'],
  retry: ['backoff'],
  running: ['dispatched', 'running', 'cancelling'],
  succeeded: ['succeeded'],
  failed: ['dead_letter'],
  cancelled: ['cancelled'],
} as const satisfies Record<string, readonly TaskState[]>;
export type StateChip = keyof typeof stateChips;
export const chipNames = Object.keys(stateChips) as StateChip[];

const windows = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000, all: undefined } as const;
export type WindowName = keyof typeof windows;
export const windowNames = Object.keys(windows) as WindowName[];

export interface FilterChoice {
  readonly states: readonly StateChip[];
  readonly queue: string;
  readonly node: string;
  readonly text: string;
  readonly window: WindowName;
}

const single = (value: LocationQuery[string] | undefined): string => (typeof value === 'string' ? value : '');

export function choiceFrom(query: LocationQuery): FilterChoice {
  const named = single(query['state']).split(',');
  return {
    states: chipNames.filter((chip) => named.includes(chip)),
    queue: single(query['queue']),
    node: single(query['node']),
    text: single(query['text']),
    window: windowNames.find((name) => name === query['since']) ?? '24h',
  };
}

/** Only what differs from the default is written into the address. */
export function queryFrom(choice: FilterChoice): LocationQueryRaw {
  return {
    ...(choice.states.length > 0 ? { state: choice.states.join(',') } : {}),
    ...(choice.queue ? { queue: choice.queue } : {}),
    ...(choice.node ? { node: choice.node } : {}),
    ...(choice.text ? { text: choice.text } : {}),
    ...(choice.window === '24h' ? {} : { since: choice.window }),
  };
}

/** What the host is asked; the window's start is fixed to a minute, so that pages of one list agree. */
export function filterFrom(choice: FilterChoice, nowMs: number) {
  const span = windows[choice.window];
  const minuteMs = 60_000;
  return {
    ...(choice.states.length > 0 ? { states: choice.states.flatMap((chip) => [...stateChips[chip]]) } : {}),
    ...(choice.queue ? { queue: queueName(choice.queue) } : {}),
    ...(choice.node ? { nodeId: choice.node } : {}),
    ...(choice.text ? { text: choice.text } : {}),
    ...(span === undefined ? {} : { sinceMs: ms(Math.floor((nowMs - span) / minuteMs) * minuteMs) }),
  };
}
