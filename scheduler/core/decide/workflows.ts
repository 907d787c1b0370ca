// Workflows: taken in as a whole or refused as a whole; tasks are released as those before them end, or end with them.
import { formatTaskId, type TaskId, taskId } from '../../protocol/brands.ts';
import type { CancelTask, SubmitWorkflow } from '../../protocol/events.ts';
import { askClassesMax, liveTasksMax } from '../../protocol/limits.ts';
import { workflowsMax } from '../../protocol/workflowLimits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import type { TaskRecord } from '../../protocol/task.ts';
import { linksOf, whyNoMember, type WorkflowTask } from '../../protocol/workflow.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import {
  memberIdOf,
  standingOf,
  type Ended,
  type WorkflowMember,
  type WorkflowRow,
} from '../state/workflowTable.ts';
import { homeOf } from '../state/workflowRecord.ts';
import { awaitTime } from './delay.ts';
import { groupEnd } from './groupEnd.ts';
import { stopTask } from './stopTask.ts';
import { whyNotTakenIn } from './submit.ts';
import type { Turn } from './turn.ts';

/** The id of the workflow; its tasks have those that follow, in the order in which they are given. */
export function submitWorkflow(turn: Turn, { workflow, actor }: SubmitWorkflow): Outcome<TaskId, Refusal> {
  const { state } = turn;
  const known = workflow.key === undefined ? undefined : state.tasks.byKey(workflow.key);
  if (known !== undefined) return repeat(state, workflow.key ?? '', known);
  const reason = whyNotTaken(state, workflow.tasks);
  if (reason) return refused(reason);
  const id = taskId(state.nextTaskId);
  const lastTaskId = taskId(id + workflow.tasks.length);
  turn.emit({ kind: 'workflow_admitted', taskId: id, lastTaskId, workflow, submitter: actor });
  for (const [at, { spec }] of workflow.tasks.entries())
    if (spec.notBeforeMs !== undefined) awaitTime(turn, taskId(id + 1 + at));
  return accepted(id);
}

function repeat(state: SchedulerState, key: string, known: TaskId): Outcome<TaskId, Refusal> {
  if (!state.tasks.get(known) && !state.arrays.get(known)) return accepted(known);
  const said = `key "${key}" belongs to ${formatTaskId(known)}, which is no workflow; use another key`;
  return refused(refusal('key_conflict', said, { field: 'key' }));
}

function whyNotTaken(state: SchedulerState, tasks: readonly WorkflowTask[]): Refusal | undefined {
  const links = linksOf(tasks);
  if (!links.ok) return links.reason;
  if (state.workflows.live >= workflowsMax)
    return refusal('too_many', `${String(workflowsMax)} workflows have not ended; wait for one of them`);
  for (const [at, { spec }] of tasks.entries()) {
    const bad = whyNoMember(spec);
    if (bad) {
      const field = `tasks.${String(at)}.spec.${bad[0]}`;
      return refusal('bad_message', `${field}: ${bad[1]}`, { field });
    }
    const reason = whyNotTakenIn(state, spec);
    if (reason) return inTask(at, reason);
  }
  if (state.tasks.size + state.arrays.size + tasks.length > liveTasksMax) {
    const said = `there is no room for ${String(tasks.length)} tasks at once; come back when some have ended`;
    return refusal('queue_full', said, { field: 'tasks', retryAfterMs: 1_000 });
  }
  if (state.classes.hasRoomForAsks(tasks.map(({ spec }) => spec))) return undefined;
  const said = `its tasks have too many different asks: at most ${String(askClassesMax)} are live at a time`;
  return refusal('class_limit', said, { field: 'tasks' });
}

function inTask(at: number, reason: Refusal): Refusal {
  const field = `tasks.${String(at)}.spec${reason.field === undefined ? '' : `.${reason.field}`}`;
  return { ...reason, message: `${field}: ${reason.message}`, field };
}

/** Releases or ends what the ends of others decide, and closes workflows that are done. */
export function tendWorkflows(turn: Turn): void {
  const { workflows } = turn.state;
  for (const row of workflows.due) {
    workflows.due.delete(row);
    tend(turn, row);
    if (row.live === 0 && !workflows.isClosed(row)) end(turn, row);
  }
}

/** Without a record where nothing is known of its tasks: they ended in a part of the journal that was lost. */
function end(turn: Turn, { groupId, members, cancelReason, last }: WorkflowRow): void {
  const count = (how: Ended): number => members.filter(({ ended }) => ended === how).length;
  const ended = {
    succeeded: count('succeeded'),
    dead_letter: count('dead_letter'),
    cancelled: count('cancelled'),
    unknown: count('unknown'),
  };
  const record = last && { end: { ...groupEnd(ended, cancelReason), ...homeOf(last) } };
  turn.emit({ kind: 'workflow_ended', groupId, ...record });
}

/** Ends of members make others due while it goes on. */
function tend(turn: Turn, row: WorkflowRow): void {
  for (const at of row.due) {
    row.due.delete(at);
    const member = row.members[at];
    const task = turn.state.tasks.get(memberIdOf(row, at));
    if (!member || task?.state !== 'held' || task.untilMs > 0) continue;
    const { taskId } = task;
    const standing = standingOf(row, member);
    if (standing === 'never') turn.emit({ kind: 'task_cancelled', taskId, reason: whyNever(row, member) });
    if (standing !== 'start') continue;
    turn.emit({ kind: 'task_released', taskId });
    awaitTime(turn, taskId);
  }
  turn.state.workflows.due.delete(row);
}

const endWords: Readonly<Record<Exclude<Ended, 'succeeded'>, string>> = {
  dead_letter: 'failed',
  cancelled: 'was cancelled',
  unknown: 'ended in a part of the journal that was lost',
};
/** `needs a, which failed`. */
function whyNever({ members }: WorkflowRow, { after, when }: WorkflowMember): string {
  const before = after.flatMap((at) => members[at] ?? []);
  if (when === 'any_success')
    return `needs one of ${before.map(({ ref }) => ref).join(', ')}; none succeeded`;
  const bad = before.find(({ ended }) => ended !== undefined && ended !== 'succeeded');
  const how = bad?.ended === undefined || bad.ended === 'succeeded' ? '' : endWords[bad.ended];
  return `needs ${bad?.ref ?? ''}, which ${how}`;
}

/** A person's cancel of all that has not ended. At once: it is no more than one submit was. */
export function cancelWorkflow(turn: Turn, row: WorkflowRow, { actor, reason: why }: CancelTask): void {
  const reason = why === '' ? `cancelled by ${actor}` : why;
  turn.emit({ kind: 'workflow_cancelled', groupId: row.groupId, actor, reason });
  for (const task of [...turn.state.tasks.groups.of(row.groupId).tasks])
    stopTask(turn, task, { actor, reason });
}

/** Why an ended member cannot be put back by itself. */
export function whyNoWayBack({ workflows }: SchedulerState, { group }: TaskRecord): string | undefined {
  const found = workflows.of(group);
  if (!found || standingOf(found.row, found.member) !== 'never') return undefined;
  const id = formatTaskId(found.row.groupId);
  return `it ${whyNever(found.row, found.member)}; retry workflow ${id} as a whole`;
}
