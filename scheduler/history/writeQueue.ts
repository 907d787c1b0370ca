// Gathers what is to be stored and commits it in groups, in the order of the journal: one commit under way at a time.
import type { StorageFault } from '../sqlite/fault.ts';
import { HistoryFailed, type HistoryThread } from './thread.ts';
import type { AppendedLog, ArrivedPiece, Change, Committed, WriterQuestion } from './threadMessages.ts';

/** Changes and log calls of one commit: about 50 ms of the writer at one task each. */
const changesPerCommitMax = 2_000;
const logCallsPerCommitMax = 500;
/** How long changes that nobody waits for are gathered. */
const gatherMs = 50;

interface LogCall {
  readonly pieces: readonly ArrivedPiece[];
  readonly resolve: (appended: AppendedLog) => void;
  readonly reject: (error: HistoryFailed) => void;
}
/** How many changes and log calls there were, ever. Both are committed side by side, each in its order. */
interface Tally {
  changes: number;
  calls: number;
}
interface Barrier {
  readonly at: Readonly<Tally>;
  readonly resolve: (cursor: number) => void;
  readonly reject: (error: HistoryFailed) => void;
}

export class WriteQueue {
  readonly #writer: HistoryThread<WriterQuestion>;
  readonly #onCommitted: (committed: Committed) => void;
  readonly #onFailed: (fault: StorageFault) => void;
  #changes: Change[] = [];
  #calls: LogCall[] = [];
  #barriers: Barrier[] = [];
  readonly #queued: Tally = { changes: 0, calls: 0 };
  readonly #committed: Tally = { changes: 0, calls: 0 };
  #changesUnderWay = 0;
  #cursor: number;
  #isBusy = false;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #failure: HistoryFailed | undefined;

  constructor(
    writer: HistoryThread<WriterQuestion>,
    cursor: number,
    on: { committed: (committed: Committed) => void; failed: (fault: StorageFault) => void },
  ) {
    this.#writer = writer;
    this.#cursor = cursor;
    this.#onCommitted = on.committed;
    this.#onFailed = on.failed;
  }

  /** Changes not committed yet. */
  get pending(): number {
    return this.#changes.length + this.#changesUnderWay;
  }

  put(change: Change): void {
    if (this.#failure) return;
    // Batches in which nothing ended only move the cursor: the newest of them is enough.
    if (change.kind === 'advanced' && this.#changes.at(-1)?.kind === 'advanced') this.#changes.pop();
    else this.#queued.changes += 1;
    this.#changes.push(change);
    this.#startSoon();
  }

  appendLog(pieces: readonly ArrivedPiece[]): Promise<AppendedLog> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      this.#queued.calls += 1;
      this.#calls.push({ pieces, resolve, reject });
      this.#start();
    });
  }

  /** The cursor, once all that is queued now is committed. */
  flushed(): Promise<number> {
    return this.#reached({ ...this.#queued });
  }

  /** As `flushed`, for changes alone: output may lag behind. */
  changesFlushed(): Promise<number> {
    return this.#reached({ changes: this.#queued.changes, calls: 0 });
  }

  #reached(at: Readonly<Tally>): Promise<number> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#isCommitted(at)) return Promise.resolve(this.#cursor);
    return new Promise((resolve, reject) => {
      this.#barriers.push({ at, resolve, reject });
      this.#start(); // somebody waits
    });
  }

  fail(fault: StorageFault): void {
    if (this.#failure) return;
    const failure = new HistoryFailed(fault);
    this.#failure = failure;
    for (const waiter of [...this.#calls, ...this.#barriers]) waiter.reject(failure);
    this.#changes = [];
    this.#calls = [];
    this.#barriers = [];
    this.#onFailed(fault);
  }

  /** Nobody waits: a commit each `gatherMs` leaves processor and disk to the journal, which people do wait for. */
  #startSoon(): void {
    if (this.#isBusy) return;
    this.#gathering ??= setTimeout(() => {
      this.#start();
    }, gatherMs);
  }

  /** In a later turn, so that all changes of one batch are committed together, with the cursor that covers them. */
  #start(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#isBusy) return;
    this.#isBusy = true;
    setImmediate(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    do await this.#commit();
    while (!this.#failure && this.#isAwaited());
    this.#isBusy = false;
    if (!this.#failure && this.#changes.length > 0) this.#startSoon();
  }

  #isAwaited(): boolean {
    return this.#calls.length + this.#barriers.length > 0 || this.#changes.length >= changesPerCommitMax;
  }

  async #commit(): Promise<void> {
    const changes = this.#changes.splice(0, wholeBatches(this.#changes));
    const calls = this.#calls.splice(0, logCallsPerCommitMax);
    this.#changesUnderWay = changes.length;
    try {
      const committed = await this.#writer.ask('commit', { changes, logs: calls.map((call) => call.pieces) });
      this.#cursor = committed.cursor;
      this.#committed.changes += changes.length;
      this.#committed.calls += calls.length;
      this.#onCommitted(committed);
      for (const [place, call] of calls.entries())
        call.resolve(committed.logs[place] ?? { offsets: [], pieces: [] });
      this.#releaseBarriers();
    } catch (error) {
      if (!(error instanceof HistoryFailed)) throw error;
      for (const call of calls) call.reject(error);
      this.fail(error.fault);
    } finally {
      this.#changesUnderWay = 0;
    }
  }

  #isCommitted(at: Readonly<Tally>): boolean {
    return at.changes <= this.#committed.changes && at.calls <= this.#committed.calls;
  }

  #releaseBarriers(): void {
    const reached = this.#barriers.filter((barrier) => this.#isCommitted(barrier.at));
    this.#barriers = this.#barriers.filter((barrier) => !this.#isCommitted(barrier.at));
    for (const barrier of reached) barrier.resolve(this.#cursor);
  }
}

/** How many changes go into one commit: never a part of a batch, since the cursor would then cover all of it. */
function wholeBatches(changes: readonly Change[]): number {
  if (changes.length <= changesPerCommitMax) return changes.length;
  let taken = changesPerCommitMax;
  while (taken < changes.length && changes[taken]?.sequence === changes[taken - 1]?.sequence) taken += 1;
  return taken;
}
