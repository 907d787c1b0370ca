// Live tasks as lists and counts ask for them: filtered, newest first, or counted by group.
import type { NodeId, TaskId } from '../protocol/brands.ts';
import type { TaskSpec, TaskState } from '../protocol/task.ts';
import type { Kind } from '../protocol/work.ts';
import { searchTextOf } from '../protocol/taskRow.ts';
import type { Grouping, LivePage, TaskFilter, TaskRow } from '../protocol/view.ts';
import type { SchedulerState } from './state/schedulerState.ts';
import type { Task } from './state/taskTable.ts';

export function liveTasksOfKind(state: SchedulerState, kind: Kind, limit: number) {
  const taskIds: TaskId[] = [];
  let total = 0;
  for (const { spec, taskId } of state.tasks.all()) {
    if (spec.work.kind !== kind) continue;
    total += 1;
    if (taskIds.length < limit) taskIds.push(taskId);
  }
  return { taskIds, total };
}

/** Counts by group, O(live tasks): a million in about 0.2 s. */
export function liveGroups(
  state: SchedulerState,
  filter: TaskFilter,
  by: Grouping,
): ReadonlyMap<string, number> {
  const counts = new Map<string | number, number>();
  const keyOf = keys[by];
  for (const task of matching(state, filter)) {
    const key = keyOf(task);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const named = (key: string | number): string =>
    typeof key === 'string' ? key : by === 'day' ? dayText(key / hoursPerDay) : hourText(key);
  return new Map([...counts].map(([key, count]) => [named(key), count]));
}

const hourMs = 3_600_000;
const hoursPerDay = 24;
/** Times are counted by number and named at the end: a date's text costs more than all the rest. */
const keys: Readonly<Record<Grouping, (task: Task) => string | number>> = {
  state: ({ state }) => state,
  queue: ({ spec }) => spec.queue,
  tenant: ({ spec }) => spec.tenant,
  node: (task) => newestNode(task) ?? '',
  kind: ({ spec }) => spec.work.kind,
  hour: ({ submittedAtMs }) => Math.floor(submittedAtMs / hourMs),
  day: ({ submittedAtMs }) => Math.floor(submittedAtMs / hourMs / hoursPerDay) * hoursPerDay,
};

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** `2026-11-23T10` of hours since 1970, in UTC. */
const hourText = (hours: number): string =>
  `${dayText(Math.floor(hours / hoursPerDay))}T${padded(hours % hoursPerDay, 2)}`;

/** `2026-11-23` of days since 1970 in the Gregorian calendar (H. Hinnant's civil_from_days, public domain). */
function dayText(days: number): string {
  const shifted = days + 719_468; // days since 0000-03-01
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const leaps = Math.floor(ofEra / 1_460) - Math.floor(ofEra / 36_524) + Math.floor(ofEra / 146_096);
  const year = Math.floor((ofEra - leaps) / 365);
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const month = Math.floor((5 * ofYear + 2) / 153); // from March
  const day = ofYear - Math.floor((153 * month + 2) / 5) + 1;
  const isNextYear = month > 9;
  return [
    padded(year + era * 400 + (isNextYear ? 1 : 0), 4),
    padded(month + (isNextYear ? -9 : 3), 2),
    padded(day, 2),
  ].join('-');
}

interface LiveQuery {
  readonly filter: TaskFilter;
  readonly before: number | undefined;
  readonly limit: number;
}

/** Newest first, below `before`. O(live tasks): the core keeps no order by id beside the one of arrival. */
export function liveTasks(
  state: SchedulerState,
  { filter, before, limit }: LiveQuery,
  rowOf: (task: Task) => TaskRow,
): LivePage {
  const below = before ?? Number.POSITIVE_INFINITY;
  const found: Task[] = [];
  let total = 0;
  for (const task of matching(state, filter)) {
    total += 1;
    if (task.taskId < below) found.push(task);
  }
  found.sort((a, b) => b.taskId - a.taskId);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    rows: page.map(rowOf),
    total,
    ...(last && found.length > limit ? { nextBefore: last.taskId } : {}),
  };
}

/** In no order. Of one group its members alone are looked at. */
export function* matching(state: SchedulerState, filter: TaskFilter): Generator<Task> {
  const { tasks, ready } = state;
  const among = filter.groupId === undefined ? tasks.all() : tasks.groups.of(filter.groupId).tasks;
  for (const task of among) if (matches(task, filter, ready.nowMs)) yield task;
}

function matches(task: Task, filter: TaskFilter, nowMs: number): boolean {
  return (
    isIn(filter.states, task.state) &&
    isEqual(filter.nodeId, newestNode(task)) &&
    matchesOrigin(task, filter, nowMs)
  );
}

/** As far as what was submitted, and when, tells. */
export function matchesOrigin(
  { spec, submittedAtMs }: Pick<Task, 'spec' | 'submittedAtMs'>,
  filter: TaskFilter,
  nowMs: number,
): boolean {
  return (
    isEqual(filter.queue, spec.queue) &&
    isEqual(filter.tenant, spec.tenant) &&
    submittedAtMs >= (filter.sinceMs ?? 0) &&
    submittedAtMs < (filter.untilMs ?? Number.POSITIVE_INFINITY) &&
    (filter.missedDeadline !== true || (spec.deadlineMs ?? nowMs) < nowMs) &&
    hasLabels(spec, filter.labels) &&
    hasText(spec, filter.text)
  );
}
const isEqual = (wanted: string | undefined, has: string | undefined): boolean =>
  wanted === undefined || wanted === has;
const isIn = (wanted: TaskFilter['states'], has: TaskState): boolean => !wanted || wanted.includes(has);
const hasLabels = (spec: TaskSpec, labels: TaskFilter['labels'] = {}): boolean =>
  Object.entries(labels).every(([label, value]) => spec.labels[label] === value);
const hasText = (spec: TaskSpec, text = ''): boolean =>
  text === '' || searchTextOf(spec).includes(text.toLowerCase());
const newestNode = (task: Task): NodeId | undefined => task.live?.nodeId ?? task.past.at(-1)?.nodeId;
