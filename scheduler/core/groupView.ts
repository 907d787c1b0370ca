// Arrays as windows see them, and their elements that are no tasks yet, made when asked.
import type { TaskId } from '../protocol/brands.ts';
import { ms } from '../protocol/brands.ts';
import type { GroupRow } from '../protocol/groups.ts';
import type { TaskRecord } from '../protocol/task.ts';
import { type ArrayRow, arrayRecordOf, elementRef } from './state/arrayTable.ts';
import type { SchedulerState } from './state/schedulerState.ts';
import { recordOf, type Task } from './state/taskTable.ts';
import { unlistedTask } from './state/taskMaking.ts';

/** Newest first. */
export const groupRows = (state: SchedulerState): readonly GroupRow[] =>
  [...state.arrays.all()].map((row) => arrayRow(state, row)).sort((a, b) => b.groupId - a.groupId);

export function groupRow(state: SchedulerState, groupId: TaskId): GroupRow | undefined {
  const row = state.arrays.get(groupId);
  return row && arrayRow(state, row);
}

function arrayRow({ tasks }: SchedulerState, row: ArrayRow): GroupRow {
  const { groupId, spec, submitter, submittedAtMs, size, next, ended, cancelReason } = row;
  const { succeeded, dead_letter: deadLetter, cancelled, unknown } = ended;
  const runningMax = spec.array?.runningMax;
  return {
    groupId,
    kind: 'array',
    name: spec.name,
    queue: spec.queue,
    tenant: spec.tenant,
    submitter,
    submittedAtMs,
    size,
    waiting: size - next,
    live: { ...tasks.groups.of(groupId).counts },
    ended: { succeeded, deadLetter, cancelled, unknown: Math.max(0, unknown) },
    ...(runningMax !== undefined && { runningMax }),
    ...(cancelReason !== undefined && { cancelReason }),
  };
}

/** A live task, or one that stands for an array or an element of it that has not begun. O(arrays). */
export function recordById(state: SchedulerState, taskId: TaskId): TaskRecord | undefined {
  const task = state.tasks.get(taskId);
  if (task) return recordOf(task);
  const array = state.arrays.get(taskId);
  if (array) return arrayRecordOf(array);
  const element = heldElement(state, taskId);
  return element && recordOf(element);
}

/** An element that has not begun, as a task that is held; undefined where the id is of none. */
export function heldElement(state: SchedulerState, taskId: TaskId): Task | undefined {
  const found = state.arrays.unbegun(taskId);
  if (!found || found.row.gone.has(found.index)) return undefined;
  return standIn(state, found.row, { taskId, group: elementRef(found.row, found.index) });
}
/** The array itself, as a task: held until its first element gets into line. */
export function arrayAsTask(state: SchedulerState, taskId: TaskId): Task | undefined {
  const row = state.arrays.get(taskId);
  if (!row) return undefined;
  const task = standIn(state, row, { taskId, group: undefined });
  if (row.next > 0) task.state = 'running';
  return task;
}

function standIn(
  state: SchedulerState,
  row: ArrayRow,
  { taskId, group }: Pick<Task, 'taskId' | 'group'>,
): Task {
  const { element: spec, submitter, submittedAtMs, askClass } = row;
  const task = unlistedTask(state, { taskId, spec, submitter, group, askClass, bytes: 0 }, submittedAtMs);
  task.state = 'held';
  const untilMs = spec.notBeforeMs ?? 0;
  if (untilMs > state.lastBatchAtMs) task.untilMs = ms(untilMs);
  return task;
}
