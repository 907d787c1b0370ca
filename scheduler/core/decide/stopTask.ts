// Ending a live task before its time: at once where it waits, by its agent where it runs.
import { attemptsOf, type Task } from '../state/taskTable.ts';
import type { Turn } from './turn.ts';

/** A waiting task ends at once; a placed one is asked to stop and ends when its agent says so, or its lease does. */
export function stopTask(
  turn: Turn,
  task: Task,
  { actor, reason }: { readonly actor: string; readonly reason: string },
): void {
  const { taskId } = task;
  if (!task.live) {
    turn.emit({ kind: 'task_cancelled', taskId, reason });
    return;
  }
  if (task.state !== 'cancelling') turn.emit({ kind: 'task_cancel_requested', taskId, actor, reason });
  for (const { nodeId, token } of attemptsOf(task)) turn.effect({ kind: 'stop', nodeId, token });
}
