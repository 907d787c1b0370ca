// Ended tasks, output of attempts and counts, in history.db: a projection of the journal that lists are read from.
// Writes and reads go to a thread each, so that neither the host nor a window waits for the other's.
import { ms, type Ms, type TaskId, type Token } from '../protocol/brands.ts';
import type { LogPage } from '../protocol/consoleWire.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { TaskRecord } from '../protocol/task.ts';
import type { TaskFilter, TaskPage } from '../protocol/view.ts';
import type { MetricTrace } from '../protocol/fleetFrames.ts';
import type { MetricSample, TraceAsk } from './metricMessages.ts';
import { HistoryFailed, HistoryThread, type Ready } from './thread.ts';
import type {
  AppendedLog,
  ArrivedPiece,
  EndedMinute,
  Questions,
  ReaderQuestion,
  Sizes,
  TaskCount,
  WriterQuestion,
} from './threadMessages.ts';
import { WriteQueue } from './writeQueue.ts';

export type { ArrivedPiece } from './threadMessages.ts';

interface HistoryStats extends Sizes {
  /** Newest batch of the journal that is stored. */
  readonly cursor: number;
  /** Calls of `recordEnded`, `forget` and `advance` that are not committed; the engine waits at `historyQueueMax`. */
  readonly pending: number;
  readonly commits: number;
  /** How long the newest commit took on its thread. */
  readonly lastCommitMs: number;
}

/**
 * Everything about one batch (`sequence`) is told within one turn of the event loop and in the journal's order; what a
 * crash left untold is told again from `cursor + 1` on, and what is told twice changes nothing.
 */
export interface History {
  /** The cursor at opening. */
  readonly cursor: number;
  /** Tasks that ended in this batch. The same task again replaces what was stored. */
  recordEnded(sequence: number, records: readonly TaskRecord[]): void;
  /** A task was requeued in this batch: it is live again, so its row goes. Its output stays. */
  forget(sequence: number, taskId: TaskId): void;
  /** Nothing of this batch concerns history. */
  advance(sequence: number): void;
  /** Resolves with the cursor once all that was told before is committed. */
  flushed(): Promise<number>;
  /** Stores output. Resolves, once committed, with the next offset of each stream and the pieces that were new. */
  appendLog(pieces: readonly ArrivedPiece[]): Promise<AppendedLog>;
  /**
   * Ended tasks, newest task id first, below `before`. With a text a page may be short, or empty, and still have
   * `nextBefore`: the search stopped at its bound and goes on there. The time of a filter is that of submission, its
   * node that of the newest attempt, as for live tasks. Sees all that was told before the call.
   */
  list(filter: TaskFilter, before: TaskId | undefined, limit: number): Promise<TaskPage>;
  /** Exact for states and queues. By text, time or node: exact up to a bound, then an estimate. */
  count(filter: TaskFilter): Promise<TaskCount>;
  get(taskId: TaskId): Promise<TaskRecord | undefined>;
  /** Pieces after number `after`. `isComplete`: nothing more is stored after this page. */
  readLog(token: Token, after: number, limit: number): Promise<LogPage>;
  /** Whole minutes that begin from `sinceMs` on and before `untilMs`; those without ends are absent. */
  endedPerMinute(sinceMs: Ms, untilMs: Ms): Promise<readonly EndedMinute[]>;
  /** The minute of `nowMs` and the 59 before it. */
  lastHour(nowMs: Ms): Promise<Omit<EndedMinute, 'minuteMs'>>;
  /** Drops the oldest tasks (with their output) beyond `tasksMax`, then the oldest output beyond `logBytesMax`. */
  retain(tasksMax: number, logBytesMax?: number): Promise<{ tasksDropped: number; piecesDropped: number }>;
  /** Drops one chunk of the simulated plant's tasks, and its metrics. Sees all that was told before the call. */
  dropSimulated(): Promise<{ readonly dropped: number; readonly left: number }>;
  /** Takes a sample into the metric history. */
  addMetrics(sample: MetricSample): Promise<void>;
  /** A metric over time; empty where the name is not known. */
  trace(ask: TraceAsk): Promise<MetricTrace>;
  stats(): HistoryStats;
  /** Commits what was told, then closes the file. */
  close(): Promise<void>;
}

export interface HistoryOptions {
  readonly folder: string;
  /** historyThread.ts, or its bundle. */
  readonly threadFile: URL;
  /** Called once, when a write failed: from then on nothing is stored. */
  readonly onFailure: (refusal: Refusal) => void;
  /** For tests: bounds the file as a full disk would, in pages of 4 KiB. */
  readonly pagesMax?: number;
}

/** Refuses `storage_failed` where the file cannot be used; the message names the file and what to do. */
export async function openHistory(options: HistoryOptions): Promise<Outcome<History, Refusal>> {
  const { folder, threadFile, pagesMax } = options;
  const writer = new HistoryThread<WriterQuestion>(threadFile, {
    role: 'writer',
    folder,
    ...(pagesMax !== undefined && { pagesMax }),
  });
  const written = await writer.opened;
  if (!written.ok) {
    await writer.close();
    return refused(refusal('storage_failed', written.reason.message));
  }
  // After the writer, which makes the tables.
  const reader = new HistoryThread<ReaderQuestion>(threadFile, { role: 'reader', folder });
  const read = await reader.opened;
  if (read.ok) return accepted(new StoredHistory({ writer, reader }, written.value, options.onFailure));
  await Promise.all([reader.close(), writer.close()]);
  return refused(refusal('storage_failed', read.reason.message));
}

const hourMs = 3_600_000;

interface Threads {
  readonly writer: HistoryThread<WriterQuestion>;
  readonly reader: HistoryThread<ReaderQuestion>;
}

class StoredHistory implements History {
  readonly cursor: number;
  readonly #writer: Threads['writer'];
  readonly #reader: Threads['reader'];
  readonly #queue: WriteQueue;
  #sizes: Sizes;
  #cursorNow: number;
  #commits = 0;
  #lastCommitMs = 0;

  constructor({ writer, reader }: Threads, ready: Ready, onFailure: (refusal: Refusal) => void) {
    this.cursor = ready.cursor;
    this.#cursorNow = ready.cursor;
    this.#sizes = ready.sizes;
    this.#writer = writer;
    this.#reader = reader;
    this.#queue = new WriteQueue(writer, ready.cursor, {
      committed: (committed) => {
        this.#sizes = committed;
        this.#cursorNow = committed.cursor;
        this.#commits += 1;
        this.#lastCommitMs = committed.tookMs;
      },
      failed: (fault) => {
        onFailure(refusal('storage_failed', fault.message));
      },
    });
  }

  recordEnded(sequence: number, records: readonly TaskRecord[]): void {
    const texts = records.map((record) => JSON.stringify(record));
    this.#queue.put({ kind: 'ended', sequence, records: texts });
  }
  forget(sequence: number, taskId: TaskId): void {
    this.#queue.put({ kind: 'forgotten', sequence, taskId });
  }
  advance(sequence: number): void {
    this.#queue.put({ kind: 'advanced', sequence });
  }
  flushed(): Promise<number> {
    return this.#queue.flushed();
  }
  appendLog(pieces: readonly ArrivedPiece[]): Promise<AppendedLog> {
    return this.#queue.appendLog(pieces);
  }

  async list(filter: TaskFilter, before: TaskId | undefined, limit: number): Promise<TaskPage> {
    await this.#toldIsSeen();
    return this.#reader.ask('list', { filter, before, limit });
  }
  async count(filter: TaskFilter): Promise<TaskCount> {
    await this.#toldIsSeen();
    return this.#reader.ask('count', filter);
  }
  async get(taskId: TaskId): Promise<TaskRecord | undefined> {
    await this.#toldIsSeen();
    return this.#reader.ask('get', taskId);
  }
  readLog(token: Token, after: number, limit: number): Promise<LogPage> {
    return this.#reader.ask('readLog', { token, after, limit });
  }
  async endedPerMinute(sinceMs: Ms, untilMs: Ms): Promise<readonly EndedMinute[]> {
    await this.#toldIsSeen();
    return this.#reader.ask('endedPerMinute', { sinceMs, untilMs });
  }
  async lastHour(nowMs: Ms): Promise<Omit<EndedMinute, 'minuteMs'>> {
    const sum = { succeeded: 0, deadLettered: 0, cancelled: 0 };
    const next = ms(nowMs + 1);
    for (const minute of await this.endedPerMinute(ms(nowMs + 1 - hourMs), next)) {
      sum.succeeded += minute.succeeded;
      sum.deadLettered += minute.deadLettered;
      sum.cancelled += minute.cancelled;
    }
    return sum;
  }

  /** A task that has just ended must not be missing for a moment from live tasks and from history. */
  async #toldIsSeen(): Promise<void> {
    // What was stored before a failure can still be read.
    await this.#queue.changesFlushed().catch(() => undefined);
  }

  async dropSimulated() {
    await this.#toldIsSeen();
    const chunk = await this.#write('dropSimulated', undefined);
    this.#sizes = chunk;
    return chunk;
  }
  async addMetrics(sample: MetricSample): Promise<void> {
    await this.#write('addMetrics', sample);
  }
  trace(ask: TraceAsk): Promise<MetricTrace> {
    return this.#reader.ask('trace', ask);
  }

  /** Beside the queue. A write that fails ends the queue too: the disk takes no more. */
  #write<Name extends WriterQuestion>(question: Name, asks: Questions[Name]['asks']) {
    return this.#writer.ask(question, asks).catch((error: unknown) => {
      if (error instanceof HistoryFailed) this.#queue.fail(error.fault);
      throw error;
    });
  }

  async retain(tasksMax: number, logBytesMax = Number.MAX_SAFE_INTEGER) {
    const sum = { tasksDropped: 0, piecesDropped: 0 };
    for (;;) {
      // One chunk per question, so that commits go in between.
      const chunk = await this.#write('dropOldest', { tasksMax, logBytesMax });
      this.#sizes = chunk;
      sum.tasksDropped += chunk.tasksDropped;
      sum.piecesDropped += chunk.piecesDropped;
      if (chunk.tasksDropped + chunk.piecesDropped === 0) return sum;
    }
  }

  stats(): HistoryStats {
    const { tasks, logBytes } = this.#sizes;
    return {
      tasks,
      logBytes,
      cursor: this.#cursorNow,
      pending: this.#queue.pending,
      commits: this.#commits,
      lastCommitMs: this.#lastCommitMs,
    };
  }

  async close(): Promise<void> {
    // A failure has told its callers already.
    await this.#queue.flushed().catch(() => undefined);
    await Promise.all([this.#reader.close(), this.#writer.close()]);
  }
}
