// Arrays: elements get into line as those before them leave it, what was cancelled ends, and so does the array at last.
import { formatTaskId, type TaskId } from '../../protocol/brands.ts';
import type { CancelTask } from '../../protocol/events.ts';
import { arrayBackoffMax, arrayReadyMax, cancelsPerTurnMax, liveTasksMax } from '../../protocol/limits.ts';
import { type ArrayRow, roomIn } from '../state/arrayTable.ts';
import type { Members } from '../state/groupMembers.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import { groupEnd } from './groupEnd.ts';
import { stopTask } from './stopTask.ts';
import type { Turn } from './turn.ts';

/** Keeps the line of every array filled. True where more is to be done at once. O(arrays). */
export function tendArrays(turn: Turn): boolean {
  const { arrays } = turn.state;
  if (arrays.size === 0) return false;
  let budget = cancelsPerTurnMax;
  for (const row of arrays.all()) {
    const members = turn.state.tasks.groups.of(row.groupId);
    if (row.cancelReason !== undefined) budget -= cancelLive(turn, members, { row, most: budget });
    else if (!isDelayed(row, turn.nowMs)) letIn(turn, row, members);
    if (row.next === row.size && turn.state.tasks.groups.of(row.groupId).tasks.size === 0) end(turn, row);
  }
  return budget <= 0;
}

export const isDelayed = ({ spec }: ArrayRow, nowMs: number): boolean => (spec.notBeforeMs ?? 0) > nowMs;

/** Those that were held back first, then the next ones. */
function letIn(turn: Turn, row: ArrayRow, members: Members<Task>): void {
  if (members.counts.held > 0) releaseHeld(turn, members, roomIn(row, members));
  if (row.next >= row.size) return;
  const now = turn.state.tasks.groups.of(row.groupId);
  const { ready, backoff } = now.counts;
  if (ready >= arrayReadyMax / 2 || backoff >= arrayBackoffMax) return;
  const { tasks, arrays } = turn.state;
  const count = Math.min(
    nextGone(row) - row.next,
    arrayReadyMax - ready,
    roomIn(row, now),
    liveTasksMax - tasks.size - arrays.size,
  );
  if (count > 0) turn.emit({ kind: 'array_elements_begun', groupId: row.groupId, from: row.next, count });
}

function nextGone({ gone, size }: ArrayRow): number {
  let next = size;
  for (const index of gone) next = Math.min(next, index);
  return next;
}

function releaseHeld(turn: Turn, { tasks }: Members<Task>, most: number): void {
  let left = most;
  for (const task of tasks) {
    if (left <= 0) return;
    if (task.state !== 'held') continue;
    turn.emit({ kind: 'task_ready', taskId: task.taskId });
    left -= 1;
  }
}

/** Waiting ones first, or they would be placed meanwhile. Gives how many it cancelled. */
function cancelLive(
  turn: Turn,
  { tasks }: Members<Task>,
  { row, most }: { readonly row: ArrayRow; readonly most: number },
): number {
  const cancel = { actor: row.submitter, reason: row.cancelReason ?? '' };
  let done = 0;
  for (const isPlaced of [false, true])
    for (const task of tasks) {
      if (done >= most) return done;
      if (task.state === 'cancelling' || (task.live !== undefined) !== isPlaced) continue;
      stopTask(turn, task, cancel);
      done += 1;
    }
  return done;
}

function end(turn: Turn, { groupId: taskId, ended, cancelReason }: ArrayRow): void {
  turn.emit({ kind: 'array_ended', taskId, ...groupEnd(ended, cancelReason) });
}

/** A person's cancel of the whole array. Its elements end in this turn and those that follow. */
export function cancelArray(turn: Turn, row: ArrayRow, { actor, reason }: CancelTask): void {
  if (row.cancelReason !== undefined) return;
  const said = reason === '' ? `cancelled by ${actor}` : reason;
  turn.emit({ kind: 'array_cancelled', groupId: row.groupId, actor, reason: said });
}

/** Whether a task that could get into line again may do so, or its array runs as many as it may. */
export function mayEnterLine({ arrays, tasks }: SchedulerState, { group }: Task): boolean {
  const row = arrays.of(group);
  return !row || roomIn(row, tasks.groups.of(row.groupId)) > 0;
}

/** Why an element that has not begun cannot be cancelled or put back by itself. */
export const notBegun = (taskId: TaskId, groupId: TaskId): string =>
  `${formatTaskId(taskId)} is an element of array ${formatTaskId(groupId)} and has not begun; ` +
  'only the whole array can be cancelled until then';
