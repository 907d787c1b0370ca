// Results that the disk did not take: kept in memory, in order, and tried again until it does.
import type { LedgerPort } from './ledger.ts';
import type { LedgerEntry } from './ledgerLine.ts';

/** Room on a disk comes back when somebody makes it: soon enough noticed, and no load on a disk in trouble. */
const retryMinMs = 1_000;
const retryMaxMs = 30_000;

export class UnsavedEntries {
  readonly #ledger: LedgerPort;
  readonly #onTrouble: (message: string) => void;
  #entries: LedgerEntry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #waitMs = retryMinMs;
  #isTrying = false;

  constructor(ledger: LedgerPort, onTrouble: (message: string) => void) {
    this.#ledger = ledger;
    this.#onTrouble = onTrouble;
  }

  /** Resolves when the entry is durable, or is kept here. Behind others that wait, so that the file keeps the order. */
  async save(entry: LedgerEntry): Promise<void> {
    if (this.#entries.length > 0) {
      this.#entries.push(entry);
      return;
    }
    try {
      this.#ledger.append(entry);
      await this.#ledger.durable();
    } catch (error) {
      this.#entries.push(entry);
      this.#onTrouble(`results are kept in memory only, the ledger cannot be written: ${causeOf(error)}`);
      this.#tryLater();
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #tryLater(): void {
    if (this.#isTrying || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#tryNow();
    }, this.#waitMs);
    this.#timer.unref();
    this.#waitMs = Math.min(this.#waitMs * 2, retryMaxMs);
  }

  /** A result that was appended by a try that then failed is in the file twice: the same twice changes nothing. */
  async #tryNow(): Promise<void> {
    const entries = this.#entries;
    this.#isTrying = true;
    try {
      for (const entry of entries) this.#ledger.append(entry);
      const count = entries.length;
      await this.#ledger.durable();
      this.#entries = this.#entries.slice(count);
      this.#waitMs = retryMinMs;
      this.#onTrouble(`the ledger can be written again: ${String(count)} results are on the disk now`);
    } catch (error) {
      this.#onTrouble(`${String(entries.length)} results are still in memory only: ${causeOf(error)}`);
    }
    this.#isTrying = false;
    if (this.#entries.length > 0) this.#tryLater();
  }
}

const causeOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
