// QUEUE_LATE: a queue's oldest waiting task has waited longer than it should, and goes on doing so.
import type { QueueName } from '../protocol/brands.ts';
import type { QueueRow } from '../protocol/view.ts';
import type { Alarms } from './alarms.ts';
import { Hysteresis } from './hysteresis.ts';

/** How long a task may wait where its queue says nothing else. */
const waitMaxDefaultMs = 60_000;
const raiseAfterMs = 60_000;
const clearAfterMs = 10_000;
/** Good again only well below the limit: a queue that hovers there is one alarm. */
const goodShare = 0.8;

export class LateQueues {
  readonly #alarms: Pick<Alarms, 'raise' | 'clear'>;
  readonly #byQueue = new Map<QueueName, { readonly state: Hysteresis; isRaised: boolean }>();

  constructor(alarms: Pick<Alarms, 'raise' | 'clear'>) {
    this.#alarms = alarms;
  }

  /** To be called about once a second. */
  check(rows: readonly QueueRow[], nowMs: number, waitMaxMs = waitMaxDefaultMs): void {
    for (const row of rows) {
      const ageMs = row.oldestSubmittedAtMs === undefined ? 0 : nowMs - row.oldestSubmittedAtMs;
      const watch = this.#watchOf(row.queue);
      const isLate = watch.state.update(nowMs, readingOf(ageMs, waitMaxMs));
      if (isLate) {
        const waiting = row.ready + row.backlog + row.blocked;
        const params = { ageS: Math.round(ageMs / 1_000), limitS: waitMaxMs / 1_000, waiting };
        this.#alarms.raise({ code: 'QUEUE_LATE', source: row.queue, params });
      } else if (watch.isRaised) this.#alarms.clear('QUEUE_LATE', row.queue);
      watch.isRaised = isLate;
    }
  }

  #watchOf(queue: QueueName) {
    const found = this.#byQueue.get(queue);
    if (found) return found;
    const made = { state: new Hysteresis({ raiseAfterMs, clearAfterMs }), isRaised: false };
    this.#byQueue.set(queue, made);
    return made;
  }
}

function readingOf(ageMs: number, waitMaxMs: number): 'bad' | 'between' | 'good' {
  if (ageMs > waitMaxMs) return 'bad';
  return ageMs < waitMaxMs * goodShare ? 'good' : 'between';
}
