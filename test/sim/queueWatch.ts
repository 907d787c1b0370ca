// All that is checked of queues and tenants, turn by turn: each check has a file of its own.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import type { Report } from './audit.ts';
import { DeadlineWatch } from './deadlineWatch.ts';
import { FairWatch } from './fairWatch.ts';
import { GuaranteeWatch } from './guaranteeWatch.ts';
import { ModeWatch } from './modeWatch.ts';
import { PromiseWatch } from './promiseWatch.ts';
import { QuotaWatch } from './quotaWatch.ts';
import { SettingsBooks } from './settingsBooks.ts';
import { ShareBooks } from './shareBooks.ts';
import { ShareWatch } from './shareWatch.ts';
import { StarveWatch } from './starveWatch.ts';

export class QueueWatch {
  readonly #books = new ShareBooks();
  readonly #settings = new SettingsBooks();
  readonly #shares: ShareWatch;
  readonly #quotas: QuotaWatch;
  readonly #modes: ModeWatch;
  readonly #deadlines: DeadlineWatch;
  readonly #guarantees: GuaranteeWatch;
  readonly #promises: PromiseWatch;
  readonly #fair: FairWatch;
  readonly #starving: StarveWatch;

  constructor(report: Report) {
    this.#shares = new ShareWatch(report, this.#books);
    this.#quotas = new QuotaWatch(report, this.#books);
    this.#modes = new ModeWatch(report, this.#settings);
    this.#deadlines = new DeadlineWatch(report, this.#settings);
    this.#guarantees = new GuaranteeWatch(report, this.#books, this.#settings);
    this.#promises = new PromiseWatch(report);
    this.#fair = new FairWatch(report, this.#books, this.#settings);
    this.#starving = new StarveWatch(report);
  }

  /** So that a run in which nothing was there to check is seen. */
  get counts(): Readonly<Record<string, number>> {
    const { promises, kept } = this.#promises.counts;
    const { windows } = this.#fair.counts;
    return { promises, promisesKept: kept, fairWindows: windows };
  }

  turned(core: Core, commands: readonly Command[], result: TurnResult): void {
    this.#modes.turned(core, commands, result);
    this.#deadlines.turned(core, result);
    this.#shares.turned(core, result);
    this.#guarantees.begin(result);
    this.#books.turned(core, result, (task) => {
      this.#shares.placed(core, task);
      this.#quotas.placed(core, task);
      this.#guarantees.placed(core, task);
    });
    this.#guarantees.end();
    this.#fair.turned(core, result);
    this.#promises.turned(core, result);
    this.#starving.turned(core, result);
  }
  finish(): void {
    this.#fair.finish();
  }
}
