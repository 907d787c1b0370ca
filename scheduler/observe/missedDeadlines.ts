// DEADLINE_MISSED: tasks of a queue are past their deadline and have not ended. One alarm per queue, with their number.
import type { QueueName } from '../protocol/brands.ts';
import type { QueueRow } from '../protocol/view.ts';
import type { Alarms } from './alarms.ts';

export class MissedDeadlines {
  readonly #alarms: Pick<Alarms, 'raise' | 'clear'>;
  readonly #raised = new Map<QueueName, number>();

  constructor(alarms: Pick<Alarms, 'raise' | 'clear'>) {
    this.#alarms = alarms;
  }

  /** To be called about once a second. */
  check(rows: readonly QueueRow[]): void {
    const missed = new Map(rows.map((row) => [row.queue, row.missed ?? 0]));
    for (const queue of this.#raised.keys()) {
      if ((missed.get(queue) ?? 0) > 0) continue;
      this.#alarms.clear('DEADLINE_MISSED', queue);
      this.#raised.delete(queue);
    }
    for (const [queue, count] of missed) {
      if (count === 0 || this.#raised.get(queue) === count) continue;
      this.#alarms.raise({ code: 'DEADLINE_MISSED', source: queue, params: { count } });
      this.#raised.set(queue, count);
    }
  }
}
