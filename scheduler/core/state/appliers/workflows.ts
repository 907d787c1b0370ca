// Events of workflows.
import { linksOf } from '../../../protocol/workflow.ts';
import { addTask, enterLineInTime, newTask } from '../taskMaking.ts';
import type { SchedulerState } from '../schedulerState.ts';
import type { Task } from '../taskTable.ts';
import {
  memberIdOf,
  memberRef,
  type Ended,
  type WorkflowOrigin,
  type WorkflowRow,
} from '../workflowTable.ts';
import type { Appliers } from './types.ts';

type WorkflowEvents = 'workflow_admitted' | 'task_released' | 'workflow_cancelled' | 'workflow_ended';

export const workflowAppliers: Appliers<WorkflowEvents> = {
  workflow_admitted(state, event, atMs) {
    state.nextTaskId = Math.max(state.nextTaskId, event.lastTaskId + 1);
    const { taskId: groupId, submitter } = event;
    const { name, key, tasks } = event.workflow;
    const links = linksOf(tasks);
    if (!links.ok) throw new Error(links.reason.message); // refused in decide/workflows
    const origin = { groupId, name, key, submitter, submittedAtMs: atMs };
    const row = addWorkflow(state, { ...origin, tasks, links: links.value });
    for (const [at, { spec }] of tasks.entries()) {
      const from = { taskId: memberIdOf(row, at), spec, submitter, group: memberRef(row, at) };
      const task = newTask(state, from, atMs);
      addTask(state, task);
      if (row.members[at]?.after.length === 0) enterLineInTime(state, task, atMs);
      else state.tasks.setState(task, 'held');
    }
  },
  task_released(state, event, atMs) {
    enterLineInTime(state, state.tasks.mustGet(event.taskId), atMs);
  },
  workflow_cancelled(state, event) {
    state.workflows.mustGet(event.groupId).cancelReason = event.reason;
  },
  workflow_ended(state, event) {
    const row = state.workflows.mustGet(event.groupId);
    if (row.key !== undefined) state.tasks.releaseKey(row.key, row.groupId);
    state.workflows.close(row);
  },
};

export function addWorkflow(state: SchedulerState, origin: WorkflowOrigin): WorkflowRow {
  if (origin.key !== undefined) state.tasks.claimKey(origin.key, origin.groupId);
  return state.workflows.add(origin);
}

/** Keeps how a member ended; undefined: it is live again. */
export function setMemberEnded(state: SchedulerState, group: Task['group'], ended: Ended | undefined): void {
  const found = state.workflows.of(group);
  if (found && group) state.workflows.setEnded(found.row, group.index, ended);
}
/** The same, of a task that ended where all can see it. */
export function setTaskEnded(state: SchedulerState, { group, spec }: Task, ended: Ended): void {
  setMemberEnded(state, group, ended);
  const found = state.workflows.of(group);
  if (found) found.row.last = spec;
}
