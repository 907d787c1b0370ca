// Tasks that are not to start before their time: held until then.
import type { TaskId } from '../../protocol/brands.ts';
import type { Turn } from './turn.ts';

/** Sets the timer of a task, or an array, that came in before its time. Elsewhere it does nothing. */
export function awaitTime({ state, nowMs }: Turn, taskId: TaskId): void {
  const task = state.tasks.get(taskId);
  const dueMs = task?.state === 'held' ? task.untilMs : (state.arrays.get(taskId)?.spec.notBeforeMs ?? 0);
  if (dueMs > nowMs) state.timers.add({ dueMs, kind: 'delayed', id: taskId });
}

/** Its time has come, unless it has left meanwhile. The elements of an array get into line by themselves. */
export function delayTimer(turn: Turn, taskId: TaskId): void {
  const task = turn.state.tasks.get(taskId);
  if (task?.state === 'held' && task.untilMs > 0 && task.untilMs <= turn.nowMs)
    turn.emit({ kind: 'task_ready', taskId });
}
