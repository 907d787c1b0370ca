// What becomes of a task whose attempt has ended: done, tried again after a backoff, or set aside for a person.
import { type Ms, ms, type TaskId } from '../../protocol/brands.ts';
import { platformRetriesMax } from '../../protocol/limits.ts';
import { type AttemptEnd, isPlatformLoss, isSuccess } from '../../protocol/attempt.ts';
import { ownAttempts, type Task } from '../state/taskTable.ts';
import type { Turn } from './turn.ts';

const jitterShare = 0.25; // +-25 %: tasks that failed together do not come back together

/** Emits the event that follows an ended attempt. The attempt is in `task.past` already. */
export function settle(turn: Turn, task: Task, end: AttemptEnd): void {
  const { taskId } = task;
  if (isSuccess(end)) {
    turn.emit({ kind: 'task_succeeded', taskId });
    return;
  }
  if (task.state === 'cancelling') {
    turn.emit({ kind: 'task_cancelled', taskId, reason: task.cancelReason ?? '' });
    return;
  }
  const stop = whyNoRetry(task, end);
  if (stop !== undefined) {
    turn.emit({ kind: 'task_dead_lettered', taskId, reason: `${stop}: ${describe(end)}` });
    return;
  }
  const untilMs = backoffUntil(turn, task);
  turn.emit({ kind: 'task_backed_off', taskId, untilMs });
  turn.state.timers.add({ dueMs: untilMs, kind: 'backoff', id: taskId });
}

export const backoffUntil = (turn: Turn, task: Task): Ms =>
  ms(Math.round(turn.nowMs + backoffOf(task, turn.random.next())));

/** The backoff is over, unless the task has left it meanwhile. */
export function backoffTimer(turn: Turn, taskId: TaskId): void {
  const task = turn.state.tasks.get(taskId);
  if (task?.state === 'backoff' && task.untilMs <= turn.nowMs) turn.emit({ kind: 'task_ready', taskId });
}

export function whyNoRetry(task: Task, end: AttemptEnd): string | undefined {
  const { retry, delivery } = task.spec;
  if (delivery === 'at_most_once' && end.reason !== 'refused') return 'runs at most once and may have run';
  if (isPlatformLoss(end.reason))
    return task.platformLosses > platformRetriesMax
      ? `lost ${String(task.platformLosses)} times (at most ${String(platformRetriesMax)} are repeated)`
      : undefined;
  const attempts = ownAttempts(task);
  return attempts >= retry.attemptsMax
    ? `${String(attempts)} of ${String(retry.attemptsMax)} attempts failed`
    : undefined;
}

/** Doubles from `backoffMs` with each failure up to `backoffCapMs`, then +-25 % jitter. Milliseconds. */
function backoffOf(task: Task, random: number): number {
  const { backoffMs, backoffCapMs } = task.spec.retry;
  const failures = Math.max(0, task.past.length - task.forgiven - 1);
  const plain = Math.min(backoffCapMs, backoffMs * 2 ** Math.min(failures, 30));
  return plain * (1 - jitterShare + 2 * jitterShare * random);
}

/** An attempt's end in words. */
export function describe(end: AttemptEnd): string {
  const more = end.message === undefined ? '' : ` (${end.message})`;
  switch (end.reason) {
    case 'exit':
      return `exit code ${String(end.exitCode ?? 'unknown')}${more}`;
    case 'signal':
      return `ended by ${end.signal ?? 'a signal'}${more}`;
    case 'timeout':
      return `ran longer than its timeout${more}`;
    case 'cancelled':
      return `was stopped${more}`;
    case 'spawn_failed':
      return `could not be started${more}`;
    case 'refused':
      return `the agent refused it${more}`;
    case 'agent_lost':
      return `the agent stopped while it ran${more}`;
    case 'lost':
      return `the node went silent${more}`;
  }
}
