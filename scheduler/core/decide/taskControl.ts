// What people do to tasks: cancel one that is live, put an ended one back in its queue.
import { formatTaskId, type TaskId } from '../../protocol/brands.ts';
import type { CancelTask, RequeueTask } from '../../protocol/events.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import { isEnded, type TaskRecord } from '../../protocol/task.ts';
import { cancelArray, notBegun } from './arrays.ts';
import { awaitTime } from './delay.ts';
import { cancelGang } from './gang.ts';
import { stopTask } from './stopTask.ts';
import { cancelWorkflow, whyNoWayBack } from './workflows.ts';
import { whyNotTakenIn } from './submit.ts';
import type { Turn } from './turn.ts';

/** Of a task, or of all of an array, a gang or a workflow that has not ended. */
export function cancelTask(turn: Turn, command: CancelTask): Outcome<undefined, Refusal> {
  const { tasks, arrays, gangs } = turn.state;
  const task = tasks.get(command.taskId);
  const array = arrays.get(command.taskId);
  const gang = task ? gangs.of(task) : gangs.get(command.taskId);
  const reason = command.reason === '' ? `cancelled by ${command.actor}` : command.reason;
  if (gang) {
    cancelGang(turn, gang, { actor: command.actor, reason });
    return accepted(undefined);
  }
  if (array) {
    cancelArray(turn, array, command);
    return accepted(undefined);
  }
  const workflow = turn.state.workflows.get(command.taskId);
  if (workflow && workflow.live > 0) {
    cancelWorkflow(turn, workflow, command);
    return accepted(undefined);
  }
  if (!task) return refused(refusal('wrong_state', notLive(turn, command.taskId), { field: 'taskId' }));
  stopTask(turn, task, { actor: command.actor, reason });
  return accepted(undefined);
}

function notLive({ state: { arrays } }: Turn, taskId: TaskId): string {
  const element = arrays.unbegun(taskId);
  if (element) return notBegun(taskId, element.row.groupId);
  return `${formatTaskId(taskId)} is not live: it has ended or never existed`;
}

/** Refuses `wrong_state` for a task that is live, or that succeeded: that one is submitted anew instead. */
export function requeueTask(turn: Turn, command: RequeueTask): Outcome<undefined, Refusal> {
  const { record } = command;
  const said = whyNotPutBack(turn, record);
  if (said !== undefined) return refused(refusal('wrong_state', said));
  const reason = whyNotTakenIn(turn.state, record.spec);
  if (reason) return refused(reason);
  turn.emit({ kind: 'task_requeued', record, actor: command.actor });
  awaitTime(turn, record.taskId);
  return accepted(undefined);
}

function whyNotPutBack({ state }: Turn, record: TaskRecord): string | undefined {
  const { tasks, arrays } = state;
  const name = formatTaskId(record.taskId);
  if (tasks.get(record.taskId) || arrays.get(record.taskId) || !isEnded(record.state))
    return `${name} is live; only an ended task can be put back`;
  if (record.state === 'succeeded') return `${name} has succeeded; submit it again as a new task`;
  if (record.group?.kind === 'gang')
    return `${name} is a member of a gang; submit the gang again as a new one`;
  if (record.workflow) return `${name} is a workflow: retry it as a whole, or put back its tasks`;
  if (record.spec.array) return `${name} is an array: put back those of its elements that failed`;
  const array = arrays.of(record.group);
  if (array?.cancelReason !== undefined) return `${name} belongs to an array that is being cancelled`;
  const why = whyNoWayBack(state, record);
  return why === undefined ? undefined : `${name} cannot run: ${why}`;
}
