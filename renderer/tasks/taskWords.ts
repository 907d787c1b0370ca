// What a task row says in words and durations, the same in the table and in the detail pane.
import { isEnded, type TaskState } from '../../scheduler/protocol/task.ts';
import { lateByMs } from '../../scheduler/protocol/taskRow.ts';
import type { TaskRow } from '../../scheduler/protocol/view.ts';
import { formatDuration } from '../format/duration.ts';
import type { Translate } from '../i18n/i18n.ts';

type Standing = Pick<TaskRow, 'state' | 'attempt' | 'attemptsMax'>;

export function stateWord({ state, attempt, attemptsMax }: Standing, t: Translate): string {
  const next = Math.min(attempt + 1, attemptsMax);
  if (state === 'backoff')
    return t('task.state.backoff', { attempt: String(next), max: String(attemptsMax) });
  return t(`task.state.${state}`);
}

/** From submit until it ran first, or until now. */
export function waitMs(row: TaskRow, nowMs: number): number {
  return Math.max(0, (row.startedAtMs ?? row.endedAtMs ?? nowMs) - row.submittedAtMs);
}

export function runMs(row: TaskRow, nowMs: number): number | undefined {
  if (row.startedAtMs === undefined) return undefined;
  if (!isEnded(row.state) && !isPlaced(row.state)) return undefined;
  return Math.max(0, (row.endedAtMs ?? nowMs) - row.startedAtMs);
}

/** By when it should end: `in 3 h 12 m`, or by how much it is late. Undefined where it has none, or met it. */
export function deadlineText(row: TaskRow, nowMs: number, t: Translate): string | undefined {
  const by = lateByMs(row, nowMs);
  if (by > 0) return t('task.late', { by: formatDuration(by) });
  if (row.deadlineMs === undefined || isEnded(row.state)) return undefined;
  return t('task.dueIn', { time: formatDuration(row.deadlineMs - nowMs) });
}

const isPlaced = (state: TaskState): boolean =>
  state === 'dispatched' || state === 'running' || state === 'cancelling';

export const isWaiting = (state: TaskState): boolean =>
  state === 'ready' || state === 'backoff' || state === 'held';
