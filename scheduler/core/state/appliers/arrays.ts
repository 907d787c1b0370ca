// Events of arrays and of the elements that they put into line.
import type { Ms } from '../../../protocol/brands.ts';
import type { EndState, TaskRecord } from '../../../protocol/task.ts';
import {
  type ArrayOrigin,
  type ArrayRow,
  elementIdOf,
  elementRef,
  endUnbegun,
  passGone,
} from '../arrayTable.ts';
import type { SchedulerState } from '../schedulerState.ts';
import { addTask, enterLine, newTask, releaseAsk } from '../taskMaking.ts';
import type { Appliers } from './types.ts';

type ArrayEvents = 'array_admitted' | 'array_elements_begun' | 'array_cancelled' | 'array_ended';

export const arrayAppliers: Appliers<ArrayEvents> = {
  array_admitted(state, event, atMs) {
    state.nextTaskId = Math.max(state.nextTaskId, event.lastTaskId + 1);
    const { taskId: groupId, spec, submitter } = event;
    addArray(state, { groupId, spec, submitter, submittedAtMs: atMs });
  },
  array_elements_begun(state, event, atMs) {
    const row = state.arrays.mustGet(event.groupId);
    if (event.from !== row.next)
      throw new Error(`array ${String(event.groupId)}: elements begun out of order`);
    for (let index = event.from; index < event.from + event.count; index += 1)
      beginElement(state, row, { index, atMs });
    row.next = event.from + event.count;
    passGone(row);
  },
  array_cancelled(state, event) {
    const row = state.arrays.mustGet(event.groupId);
    row.cancelReason = event.reason;
    endUnbegun(row);
  },
  array_ended(state, event) {
    removeArray(state, state.arrays.mustGet(event.taskId));
  },
};

/** Lists an array. Its queue is there: it was when the array was admitted, and it cannot go before the array does. */
export function addArray(state: SchedulerState, origin: Omit<ArrayOrigin, 'askClass'>): ArrayRow {
  const askClass = state.classes.useAskClass(origin.spec);
  if (!askClass) throw new Error('ask class table is full'); // refused in decide/submit
  const { key } = origin.spec;
  if (key !== undefined) state.tasks.claimKey(key, origin.groupId);
  return state.arrays.add({ ...origin, askClass });
}

export function removeArray(state: SchedulerState, row: ArrayRow): void {
  state.arrays.remove(row.groupId);
  releaseAsk(state, row.askClass);
  const { key } = row.spec;
  if (key !== undefined) state.tasks.releaseKey(key, row.groupId);
}

/** It shares the array's spec, so it holds no JSON of its own. */
function beginElement(
  state: SchedulerState,
  row: ArrayRow,
  { index, atMs }: { readonly index: number; readonly atMs: Ms },
): void {
  const { element: spec, submitter, submittedAtMs, askClass } = row;
  const origin = { taskId: elementIdOf(row, index), spec, submitter, group: elementRef(row, index) };
  const task = newTask(state, { ...origin, bytes: 0, askClass }, submittedAtMs);
  addTask(state, task);
  enterLine(state, task, atMs);
}

/** Counts the end of an element with its array, where that lives. */
export function countElementEnd(
  state: SchedulerState,
  group: TaskRecord['group'],
  how: EndState | 'unknown',
): void {
  const row = state.arrays.of(group);
  if (row) row.ended[how] += 1;
}
/** An ended element is live again. */
export function uncountElementEnd(state: SchedulerState, { group, state: was }: TaskRecord): void {
  const row = state.arrays.of(group);
  if (!row) return;
  const isGone = (group?.index ?? 0) >= row.next;
  const how = was in row.ended && !isGone ? (was as EndState) : 'unknown';
  // One whose end the journal lost is counted as unknown, whatever history says of it.
  row.ended[row.ended[how] > 0 ? how : 'unknown'] -= 1;
}
