// What people do to tasks: cancel one that is live, put an ended one back in its queue.
import { formatTaskId } from '../../protocol/brands.ts';
import type { CancelTask, RequeueTask } from '../../protocol/events.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import { isEnded } from '../../protocol/task.ts';
import { attemptsOf } from '../state/taskTable.ts';
import { whyNotTakenIn } from './submit.ts';
import type { Turn } from './turn.ts';

/** A waiting task ends at once; a placed one is asked to stop and ends when its agent says so, or its lease does. */
export function cancelTask(turn: Turn, command: CancelTask): Outcome<undefined, Refusal> {
  const task = turn.state.tasks.get(command.taskId);
  if (!task) {
    const said = `${formatTaskId(command.taskId)} is not live: it has ended or never existed`;
    return refused(refusal('wrong_state', said, { field: 'taskId' }));
  }
  const { taskId } = task;
  const reason = command.reason === '' ? `cancelled by ${command.actor}` : command.reason;
  if (!task.live) {
    turn.emit({ kind: 'task_cancelled', taskId, reason });
    return accepted(undefined);
  }
  if (task.state !== 'cancelling')
    turn.emit({ kind: 'task_cancel_requested', taskId, actor: command.actor, reason });
  for (const { nodeId, token } of attemptsOf(task)) turn.effect({ kind: 'stop', nodeId, token });
  return accepted(undefined);
}

/** Refuses `wrong_state` for a task that is live, or that succeeded: that one is submitted anew instead. */
export function requeueTask(turn: Turn, command: RequeueTask): Outcome<undefined, Refusal> {
  const { record } = command;
  const name = formatTaskId(record.taskId);
  if (turn.state.tasks.get(record.taskId) || !isEnded(record.state))
    return refused(refusal('wrong_state', `${name} is live; only an ended task can be put back`));
  if (record.state === 'succeeded')
    return refused(refusal('wrong_state', `${name} has succeeded; submit it again as a new task`));
  const reason = whyNotTakenIn(turn.state, record.spec);
  if (reason) return refused(reason);
  turn.emit({ kind: 'task_requeued', record, actor: command.actor });
  return accepted(undefined);
}
