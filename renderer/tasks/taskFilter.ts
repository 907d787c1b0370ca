// The filter of the task list: what the address says <-> what the host is asked.
import type { LocationQuery, LocationQueryRaw } from 'vue-router';
import { ms, queueName, taskId } from '../../scheduler/protocol/brands.ts';
import type { TaskState } from '../../scheduler/protocol/task.ts';

/** Chips of states as an operator thinks of them. */
export const stateChips = {
  waiting: ['ready', 'held'],
  retry: ['backoff'],
  running: ['dispatched', 'running', 'cancelling'],
  succeeded: ['succeeded'],
  failed: ['dead_letter'],
  cancelled: ['cancelled'],
} as const satisfies Record<string, readonly TaskState[]>;
export type StateChip = keyof typeof stateChips;
export const chipNames = Object.keys(stateChips) as StateChip[];

const windows = {
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 604_800_000,
  all: undefined,
  custom: undefined,
} as const;
export type WindowName = keyof typeof windows;
export const windowNames = Object.keys(windows) as WindowName[];

export interface FilterChoice {
  readonly states: readonly StateChip[];
  readonly queue: string;
  readonly node: string;
  readonly text: string;
  readonly window: WindowName;
  readonly tenant: string;
  /** A task has all of these labels with these values. */
  readonly labels: Readonly<Record<string, string>>;
  /** Submitted from then on and before then; used where the window is `custom`. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Members of this array, gang or workflow. */
  readonly group: number | undefined;
  /** Only those that missed their deadline. */
  readonly isLate: boolean;
}

/** Nothing chosen, all of time. */
export const everyTask: FilterChoice = {
  states: [],
  queue: '',
  node: '',
  text: '',
  window: 'all',
  tenant: '',
  labels: {},
  from: undefined,
  to: undefined,
  group: undefined,
  isLate: false,
};

const single = (value: LocationQuery[string] | undefined): string => (typeof value === 'string' ? value : '');

function wholeFrom(value: LocationQuery[string] | undefined): number | undefined {
  const time = Number(single(value));
  return Number.isSafeInteger(time) && time > 0 ? time : undefined;
}

/** `line=4` as somebody types it; undefined where there is no name, or no sign between. */
export function labelFrom(typed: string): readonly [name: string, value: string] | undefined {
  const at = typed.indexOf('=');
  const name = typed.slice(0, at).trim();
  return at < 1 || name === '' ? undefined : [name, typed.slice(at + 1).trim()];
}

export function choiceFrom(query: LocationQuery): FilterChoice {
  const named = single(query['state']).split(',');
  return {
    states: chipNames.filter((chip) => named.includes(chip)),
    queue: single(query['queue']),
    node: single(query['node']),
    text: single(query['text']),
    window: windowNames.find((name) => name === query['since']) ?? '24h',
    tenant: single(query['tenant']),
    labels: Object.fromEntries(new URLSearchParams(single(query['label']))),
    from: wholeFrom(query['from']),
    to: wholeFrom(query['to']),
    group: wholeFrom(query['group']),
    isLate: query['late'] === '1',
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
    ...(choice.tenant ? { tenant: choice.tenant } : {}),
    ...(hasLabels(choice) ? { label: new URLSearchParams(choice.labels).toString() } : {}),
    ...(choice.from === undefined ? {} : { from: String(choice.from) }),
    ...(choice.to === undefined ? {} : { to: String(choice.to) }),
    ...(choice.group === undefined ? {} : { group: String(choice.group) }),
    ...(choice.isLate ? { late: '1' } : {}),
  };
}

const hasLabels = ({ labels }: FilterChoice): boolean => Object.keys(labels).length > 0;

/** What the host is asked; the window's start is fixed to a minute, so that pages of one list agree. */
export function filterFrom(choice: FilterChoice, nowMs: number) {
  return {
    ...(choice.states.length > 0 ? { states: choice.states.flatMap((chip) => [...stateChips[chip]]) } : {}),
    ...(choice.queue ? { queue: queueName(choice.queue) } : {}),
    ...(choice.node ? { nodeId: choice.node } : {}),
    ...(choice.text ? { text: choice.text } : {}),
    ...(choice.tenant ? { tenant: choice.tenant } : {}),
    ...(hasLabels(choice) ? { labels: choice.labels } : {}),
    ...(choice.group === undefined ? {} : { groupId: taskId(choice.group) }),
    ...(choice.isLate ? { missedDeadline: true as const } : {}),
    ...timesOf(choice, nowMs),
  };
}

function timesOf({ window, from, to }: FilterChoice, nowMs: number) {
  if (window === 'custom')
    return {
      ...(from === undefined ? {} : { sinceMs: ms(from) }),
      ...(to === undefined ? {} : { untilMs: ms(to) }),
    };
  const span = windows[window];
  const minuteMs = 60_000;
  return span === undefined ? {} : { sinceMs: ms(Math.floor((nowMs - span) / minuteMs) * minuteMs) };
}
