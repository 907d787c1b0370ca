// Queues as the screen shows them: the one nearest to its limit of age first.
import type { QueueRow } from '../../scheduler/protocol/view.ts';
import type { QueueHistory } from './queueHistory.ts';

/** Waiting longer than this is late: where the host raises its alarm. */
export const lateAfterMs = 60_000;

export interface QueueLine {
  readonly name: string;
  readonly settings: QueueRow['settings'];
  readonly gate: QueueRow['gate'];
  readonly live: number;
  readonly share: number;
  readonly allocated: QueueRow['allocated'];
  readonly ready: number;
  readonly backlog: number;
  readonly blocked: number;
  readonly backoff: number;
  readonly active: number;
  readonly waiting: number;
  readonly ageMs: number;
  readonly history: QueueHistory | undefined;
}

export function queueLines(
  queues: readonly QueueRow[],
  nowMs: number,
  history: ReadonlyMap<string, QueueHistory>,
): readonly QueueLine[] {
  return queues
    .map((row) => ({
      name: row.queue,
      settings: row.settings,
      gate: row.gate,
      live: row.live,
      share: row.share,
      allocated: row.allocated,
      ready: row.ready,
      backlog: row.backlog,
      blocked: row.blocked,
      backoff: row.backoff,
      active: row.active,
      waiting: row.ready + row.backlog + row.blocked + row.backoff,
      ageMs: row.oldestSubmittedAtMs === undefined ? 0 : Math.max(0, nowMs - row.oldestSubmittedAtMs),
      history: history.get(row.queue),
    }))
    .sort((a, b) => b.ageMs - a.ageMs || b.waiting - a.waiting || a.name.localeCompare(b.name));
}

/** Seconds until nothing waits at the present rates; undefined where it does not shrink. */
export function drainsInS({ waiting, history }: QueueLine): number | undefined {
  if (!history || waiting === 0) return undefined;
  const shrinks = history.outPerS - history.inPerS;
  return shrinks > 0.01 ? waiting / shrinks : undefined;
}
