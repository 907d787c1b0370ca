// Does anybody pass a limit or a quota? Looked at for each placement, by books made from the events alone.
import type { Core } from '../../scheduler/core/cycle.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import type { QueueSettings, TenantSettings } from '../../scheduler/protocol/queue.ts';
import type { Report } from './audit.ts';
import { amountsOf, queueKey, type ShareBooks, tenantKey } from './shareBooks.ts';

export class QuotaWatch {
  readonly #report: Report;
  readonly #books: ShareBooks;

  constructor(report: Report, books: ShareBooks) {
    this.#report = report;
    this.#books = books;
  }

  /** Before the placement counts in the books. */
  placed({ state }: Core, task: Task): void {
    const { spec } = task;
    const queue = state.ready.queues.get(spec.queue)?.settings;
    this.#hold(queueKey(spec), queue, task);
    this.#hold(tenantKey(spec), state.tenants.get(spec.tenant)?.settings, task);
  }

  #hold(key: string, settings: QueueSettings | TenantSettings | undefined, { spec }: Task): void {
    const held = this.#books.heldBy(key);
    const { runningMax, burst } = settings ?? {};
    if (runningMax !== undefined && held.active >= runningMax)
      this.#report('running-max', `${key} runs ${held.active} and was given one more`);
    const ask = amountsOf(spec);
    for (const resource of ['cpu', 'memory', 'gpu'] as const) {
      const most = burst?.[resource];
      if (most !== undefined && ask[resource] > 0 && held[resource] + ask[resource] > most)
        this.#report('quota', `${key} holds ${held[resource]} of ${most} ${resource} and was given more`);
    }
  }
}
