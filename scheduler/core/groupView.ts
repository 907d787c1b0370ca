// Arrays and workflows as windows see them, and elements that are no tasks yet, made when asked.
import type { TaskId } from '../protocol/brands.ts';
import { ms } from '../protocol/brands.ts';
import type { GroupDetail, GroupRow, MemberRow } from '../protocol/groups.ts';
import type { TaskRecord } from '../protocol/task.ts';
import { type ArrayRow, arrayRecordOf, elementRef } from './state/arrayTable.ts';
import type { SchedulerState } from './state/schedulerState.ts';
import { homeOf, workflowRecordOf } from './state/workflowRecord.ts';
import { recordOf, type Task } from './state/taskTable.ts';
import { unlistedTask } from './state/taskMaking.ts';
import { type Ended, memberIdOf, type WorkflowRow } from './state/workflowTable.ts';

/** Newest first. Workflows stay for a while after their end. */
export const groupRows = (state: SchedulerState): readonly GroupRow[] =>
  [
    ...[...state.arrays.all()].map((row) => arrayRow(state, row)),
    ...[...state.workflows.all()].map((row) => workflowRow(state, row)),
  ].sort((a, b) => b.groupId - a.groupId);

export function groupDetail(state: SchedulerState, groupId: TaskId): GroupDetail | undefined {
  const array = state.arrays.get(groupId);
  if (array) return { group: arrayRow(state, array) };
  const workflow = state.workflows.get(groupId);
  return workflow && { group: workflowRow(state, workflow), members: memberRows(state, workflow) };
}

function workflowRow({ tasks }: SchedulerState, row: WorkflowRow): GroupRow {
  const { groupId, name, submitter, submittedAtMs, members, cancelReason } = row;
  const count = (how: Ended): number => members.filter(({ ended }) => ended === how).length;
  return {
    ...{ groupId, kind: 'workflow', name, submitter, submittedAtMs, size: members.length, waiting: 0 },
    live: { ...tasks.groups.of(groupId).counts },
    ended: {
      succeeded: count('succeeded'),
      deadLetter: count('dead_letter'),
      cancelled: count('cancelled'),
      unknown: count('unknown'),
    },
    ...(cancelReason !== undefined && { cancelReason }),
  };
}

function memberRows({ tasks }: SchedulerState, row: WorkflowRow): readonly MemberRow[] {
  return row.members.map(({ ref, after, when, ended }, at) => {
    const taskId = memberIdOf(row, at);
    const refs = after.flatMap((before) => row.members[before]?.ref ?? []);
    return { taskId, ref, after: refs, when, state: tasks.get(taskId)?.state ?? ended ?? 'unknown' };
  });
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

/** A live task, or one that stands for a group or an element of an array that has not begun. O(arrays). */
export function recordById(state: SchedulerState, taskId: TaskId): TaskRecord | undefined {
  const task = state.tasks.get(taskId);
  if (task) return recordOf(task);
  const array = state.arrays.get(taskId);
  if (array) return arrayRecordOf(array);
  const workflow = liveWorkflow(state, taskId);
  if (workflow) return workflow;
  const element = heldElement(state, taskId);
  return element && recordOf(element);
}

/** One that has not ended, or whose tasks were put back. */
function liveWorkflow({ workflows, tasks }: SchedulerState, groupId: TaskId): TaskRecord | undefined {
  const row = workflows.get(groupId);
  const [first] = tasks.groups.of(groupId).tasks;
  return row && first && workflowRecordOf(row, homeOf(first.spec));
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
