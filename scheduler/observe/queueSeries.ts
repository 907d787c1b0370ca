// Which queues have series of their own. Their names come from outside, and each name costs whoever keeps the metrics.
import type { QueueRow } from '../protocol/view.ts';
import type { Sample } from './metrics.ts';

/** Queues by name; those made later are one, `other`. 8 series each: some hundreds in all. */
export const queueSeriesMax = 50;
const other = 'other';

export class QueueSeries {
  /** Kept while the process lives: a queue that has its series keeps it, so that counters do not jump. */
  readonly #named = new Set<string>();

  /** One sample per named queue, and one for all others together. */
  sum(rows: readonly QueueRow[], valueOf: (row: QueueRow) => number): Iterable<Sample> {
    const sums = new Map<string, number>();
    for (const row of rows) {
      const name = this.#nameOf(row.queue);
      sums.set(name, (sums.get(name) ?? 0) + valueOf(row));
    }
    return Array.from(sums, ([queue, value]) => ({ labels: { queue }, value }));
  }

  /** As `sum`, with the largest of the others. */
  largest(rows: readonly QueueRow[], valueOf: (row: QueueRow) => number): Iterable<Sample> {
    const found = new Map<string, number>();
    for (const row of rows) {
      const name = this.#nameOf(row.queue);
      found.set(name, Math.max(found.get(name) ?? 0, valueOf(row)));
    }
    return Array.from(found, ([queue, value]) => ({ labels: { queue }, value }));
  }

  #nameOf(queue: string): string {
    if (!this.#named.has(queue) && this.#named.size < queueSeriesMax) this.#named.add(queue);
    return this.#named.has(queue) ? queue : other;
  }
}
