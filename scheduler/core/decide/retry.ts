// What becomes of a task whose attempt has ended: done, tried again after a backoff, or set aside for a person.
import { type Ms, ms, type TaskId } from '../../protocol/brands.ts';
import { platformRetriesMax, poisonNodesMax } from '../../protocol/limits.ts';
import { type AttemptEnd, isSuccess } from '../../protocol/attempt.ts';
import { retryClassOf, ruleFor } from '../../protocol/retry.ts';
import { preemptionsOf } from '../preempt/preemptible.ts';
import { ownAttempts, type Task } from '../state/taskTable.ts';
import { mayEnterLine } from './arrays.ts';
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
  if (end.reason === 'preempted') {
    goBackInLine(turn, task);
    return;
  }
  const stop = whyNoRetry(task, end);
  if (stop === undefined) backOff(turn, task, end);
  else turn.emit({ kind: 'task_dead_lettered', taskId, reason: `${stop}: ${describe(end)}` });
}

/** It was stopped for another task: nothing to wait for, and nothing that counts against it. */
function goBackInLine(turn: Turn, task: Task): void {
  const { taskId } = task;
  turn.emit({ kind: 'task_backed_off', taskId, untilMs: turn.nowMs });
  turn.emit({ kind: mayEnterLine(turn.state, task) ? 'task_ready' : 'task_held', taskId });
}

function backOff(turn: Turn, task: Task, end: AttemptEnd): void {
  const { taskId } = task;
  const untilMs = backoffUntil(turn, task, end);
  turn.emit({ kind: 'task_backed_off', taskId, untilMs });
  turn.state.timers.add({ dueMs: untilMs, kind: 'backoff', id: taskId });
}

export const backoffUntil = (turn: Turn, task: Task, end: AttemptEnd): Ms =>
  ms(Math.round(turn.nowMs + backoffOf(task, end, turn.random.next())));

/** The backoff is over, unless the task has left it meanwhile. */
export function backoffTimer(turn: Turn, taskId: TaskId): void {
  const task = turn.state.tasks.get(taskId);
  if (task?.state !== 'backoff' || task.untilMs > turn.nowMs) return;
  turn.emit({ kind: mayEnterLine(turn.state, task) ? 'task_ready' : 'task_held', taskId });
}

/** What speaks against another attempt, in words; the first that does is told. */
const objections: readonly ((task: Task, end: AttemptEnd) => string | undefined)[] = [
  ({ spec }, end) =>
    spec.delivery === 'at_most_once' && end.reason !== 'refused'
      ? 'runs at most once and may have run'
      : undefined,
  ({ suspectNodes }) =>
    suspectNodes.length >= poisonNodesMax
      ? `poison: it took ${suspectNodes.join(', ')} with it while all others were well`
      : undefined,
  ({ spec }, end) =>
    ruleFor(spec.retry.rules, end)?.then === 'dead_letter' ? 'not tried again by its own rule' : undefined,
  ({ platformLosses, spec }, end) =>
    platformLosses > platformRetriesMax && retryClassOf(spec.retry.rules, end) === 'free'
      ? `lost ${String(platformLosses)} times (at most ${String(platformRetriesMax)} are repeated)`
      : undefined,
  (task, end) => {
    const { attemptsMax, rules } = task.spec.retry;
    const attempts = ownAttempts(task);
    return attempts >= attemptsMax && retryClassOf(rules, end) === 'retry'
      ? `${String(attempts)} of ${String(attemptsMax)} attempts failed`
      : undefined;
  },
];

export function whyNoRetry(task: Task, end: AttemptEnd): string | undefined {
  for (const objection of objections) {
    const said = objection(task, end);
    if (said !== undefined) return said;
  }
  return undefined;
}

/**
 * Doubles from `backoffMs` (the rule's, where one fits the end and has its own) with each failure up to `backoffCapMs`,
 * then +-25 % jitter. A rule's own that is longer than the cap is its own cap. Milliseconds.
 */
function backoffOf(task: Task, end: AttemptEnd, random: number): number {
  const { retry } = task.spec;
  const backoffMs = ruleFor(retry.rules, end)?.backoffMs ?? retry.backoffMs;
  const capMs = Math.max(retry.backoffCapMs, ruleFor(retry.rules, end)?.backoffMs ?? 0);
  const failures = Math.max(0, task.past.length - task.forgiven - preemptionsOf(task) - 1);
  const plain = Math.min(capMs, backoffMs * 2 ** Math.min(failures, 30));
  return plain * (1 - jitterShare + 2 * jitterShare * random);
}

/** An attempt's end in words. */
export function describe(end: AttemptEnd): string {
  const more = end.message === undefined ? '' : ` (${end.message})`;
  if (end.reason === 'exit') return `exit code ${String(end.exitCode ?? 'unknown')}${more}`;
  if (end.reason === 'signal') return `ended by ${end.signal ?? 'a signal'}${more}`;
  return `${endWords[end.reason]}${more}`;
}
const endWords: Readonly<Record<Exclude<AttemptEnd['reason'], 'exit' | 'signal'>, string>> = {
  timeout: 'ran longer than its timeout',
  cancelled: 'was stopped',
  spawn_failed: 'could not be started',
  refused: 'the agent refused it',
  agent_lost: 'the agent stopped while it ran',
  lost: 'the node went silent',
  out_of_memory: 'took more memory than it had',
  preempted: 'made room for another',
};
