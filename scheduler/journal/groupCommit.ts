// Group commit: one write under way at a time; batches appended meanwhile go together in the next row. So the size of
// a commit follows the load by itself, and a lone batch is written at once.
import type { Batch } from '../protocol/events.ts';
import { type Refusal, refusal } from '../protocol/outcome.ts';
import type { StorageFault } from '../sqlite/fault.ts';
import { type BackupOptions, JournalFailed, type JournalPort, type JournalStats } from './port.ts';
import { encodeBatch, joinGroup } from './record.ts';
import { type JournalThread, ThreadFailed } from './thread.ts';
import type { Found } from './threadMessages.ts';

/** Characters of one row. Past it a commit takes long enough that others notice; the rest waits for the next row. */
const rowCharactersMax = 4 * 1024 * 1024;

interface Appended {
  readonly sequence: number;
  readonly text: string;
  readonly resolve: () => void;
  readonly reject: (error: JournalFailed) => void;
}
/** Somebody who waits until the batch of this number is durable. */
type Barrier = Pick<Appended, 'sequence' | 'resolve' | 'reject'>;

export class Journal implements JournalPort {
  readonly #thread: JournalThread;
  readonly #onFailure: (refusal: Refusal) => void;
  #waiting: Appended[] = [];
  #underWay: readonly Appended[] = [];
  #barriers: Barrier[] = [];
  #appended: number;
  #durable: number;
  /** Payload bytes written or found, and how many of them the newest snapshot covers. */
  #bytes: number;
  #coveredBytes = 0;
  #rows: number;
  #commits = 0;
  #lastCommitMs = 0;
  #newestSnapshot: Promise<unknown> = Promise.resolve();
  #newestBackup: Promise<unknown> = Promise.resolve();
  #snapshots = 0;
  #failure: JournalFailed | undefined;
  #isClosing = false;

  constructor(thread: JournalThread, found: Found, onFailure: (refusal: Refusal) => void) {
    this.#thread = thread;
    this.#onFailure = onFailure;
    this.#appended = found.lastSequence;
    this.#durable = found.lastSequence;
    this.#bytes = found.bytes;
    this.#rows = found.rows;
    thread.onPruned = (rows) => {
      this.#rows -= rows;
    };
    thread.onFailed = (fault) => {
      this.#fail(fault);
    };
  }

  append(batch: Batch): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#isClosing) throw new Error('the journal is closed');
    if (batch.sequence !== this.#appended + 1)
      throw new Error(`batch ${batch.sequence} does not follow batch ${this.#appended} in the journal`);
    this.#appended = batch.sequence;
    // Encoded now, so that nobody can change the batch before it is written.
    const text = encodeBatch(batch);
    const durable = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ sequence: batch.sequence, text, resolve, reject });
    });
    if (this.#underWay.length === 0) void this.#write();
    return durable;
  }

  snapshot(sequence: number, parts: Iterable<string> | AsyncIterable<string>): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#isClosing) throw new Error('the journal is closed');
    if (sequence > this.#appended)
      throw new Error(`snapshot ${sequence} is ahead of batch ${this.#appended}`);
    this.#snapshots += 1;
    // What is written from now on comes after it, however long the snapshot takes.
    const covers = this.#durableAt(sequence).then(() => this.#bytes);
    const taken = Promise.all([covers, this.#newestSnapshot])
      .then(async ([covered]) => {
        await this.#takeSnapshot(sequence, parts);
        this.#coveredBytes = Math.max(this.#coveredBytes, covered);
      })
      .finally(() => {
        this.#snapshots -= 1;
      });
    this.#newestSnapshot = taken.catch(() => undefined);
    return taken;
  }

  backupTo(path: string, options: BackupOptions): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#isClosing) throw new Error('the journal is closed');
    // One after the other: two at a time would take as long and hold up pruning as long.
    const made = this.#newestBackup.then(() => this.#backup(path, options));
    this.#newestBackup = made.catch(() => undefined);
    return made;
  }

  stats(): JournalStats {
    return {
      bytesSinceSnapshot: this.#bytes - this.#coveredBytes,
      isSnapshotUnderWay: this.#snapshots > 0,
      rows: this.#rows,
      fileBytes: this.#thread.fileBytes,
      commits: this.#commits,
      lastCommitMs: this.#lastCommitMs,
      durableSequence: this.#durable,
      pending: this.#waiting.length + this.#underWay.length,
    };
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    // A failure has told its callers already.
    await this.#durableAt(this.#appended).catch(() => undefined);
    await this.#newestSnapshot;
    // A copy that is not done has no use: its caller is told, and nothing of it stays.
    this.#thread.cancelCopy();
    await this.#newestBackup;
    await this.#thread.close();
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#failure) {
      const group = this.#takeGroup();
      const range = { first: group[0]?.sequence ?? 0, last: group.at(-1)?.sequence ?? 0 };
      const payload = joinGroup(
        group.map((item) => item.text),
        range,
      );
      try {
        const { bytes, tookMs } = await this.#thread.write(payload, range);
        this.#lastCommitMs = tookMs;
        this.#bytes += bytes;
      } catch (error) {
        this.#fail(faultIn(error));
        return;
      }
      this.#commits += 1;
      this.#rows += 1;
      this.#durable = range.last;
      this.#underWay = [];
      for (const item of group) item.resolve();
      this.#releaseBarriers();
    }
  }

  /** Takes what waits, up to the bound of a row; at least one batch. */
  #takeGroup(): readonly Appended[] {
    let characters = 0;
    let taken = 0;
    for (const { text } of this.#waiting) {
      characters += text.length;
      if (taken > 0 && characters > rowCharactersMax) break;
      taken += 1;
    }
    this.#underWay = this.#waiting.splice(0, taken);
    return this.#underWay;
  }

  async #takeSnapshot(sequence: number, parts: Iterable<string> | AsyncIterable<string>): Promise<void> {
    let part = 0;
    try {
      for await (const text of parts) {
        const { isComplete } = await this.#orFail(this.#thread.writePart({ sequence, part, text }));
        if (isComplete) return;
        part += 1;
      }
    } catch (error) {
      if (!this.#failure) this.#thread.dropSnapshot();
      throw error;
    }
    if (part === 0) throw new Error(`snapshot ${sequence} has no parts`);
    await this.#orFail(this.#thread.endSnapshot(sequence));
  }

  /** What the thread answers; where it failed, the journal has failed. */
  async #orFail<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await answer;
    } catch (error) {
      this.#fail(faultIn(error));
      throw this.#failure ?? error;
    }
  }

  async #backup(path: string, { onProgress, signal }: BackupOptions): Promise<void> {
    signal.throwIfAborted();
    if (this.#failure) throw this.#failure;
    if (this.#isClosing) throw new JournalFailed(refusal('stopping', `${path}: the journal closes`));
    const cancel = (): void => {
      this.#thread.cancelCopy();
    };
    signal.addEventListener('abort', cancel, { once: true });
    this.#thread.onCopying = (done, total) => {
      onProgress(pagesOf(done), pagesOf(total));
    };
    try {
      await this.#thread.copy(path);
    } catch (error) {
      signal.throwIfAborted();
      throw new JournalFailed(refusal('storage_failed', faultIn(error).message));
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  #durableAt(sequence: number): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (sequence <= this.#durable) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#barriers.push({ sequence, resolve, reject });
    });
  }

  #releaseBarriers(): void {
    const reached = this.#barriers.filter((barrier) => barrier.sequence <= this.#durable);
    this.#barriers = this.#barriers.filter((barrier) => barrier.sequence > this.#durable);
    for (const barrier of reached) barrier.resolve();
  }

  /** For good: a journal that lost one write cannot promise the next. */
  #fail(fault: StorageFault): void {
    if (this.#failure) return;
    const failure = new JournalFailed(refusal('storage_failed', fault.message));
    this.#failure = failure;
    for (const item of [...this.#underWay, ...this.#waiting, ...this.#barriers]) item.reject(failure);
    this.#underWay = [];
    this.#waiting = [];
    this.#barriers = [];
    this.#onFailure(failure.refusal);
  }
}

/** Progress is told in pages of SQLite. */
const pageBytes = 4_096;
const pagesOf = (bytes: number): number => Math.ceil(bytes / pageBytes);

function faultIn(error: unknown): StorageFault {
  if (error instanceof ThreadFailed) return error.fault;
  throw error;
}
