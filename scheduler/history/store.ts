// Ended tasks, output of attempts and counts, in history.db: a projection of the journal that lists are read from.
// Writes, reads, the index and copies have a thread each, so that neither the host nor a window waits for another's.
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ms, type Ms, type TaskId, type Token } from '../protocol/brands.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { Retention } from '../protocol/storage.ts';
import type { TaskRecord } from '../protocol/task.ts';
import type { Grouping, TaskFilter } from '../protocol/view.ts';
import { CopyJobs } from './copyJobs.ts';
import type { MetricSample, TraceAsk } from './metricMessages.ts';
import type { ExportOptions, History, HistoryOptions, JobOptions } from './port.ts';
import { historyFile } from './schema.ts';
import { HistoryFailed, HistoryThread, type Ready } from './thread.ts';
import type {
  ArrivedPiece,
  BuilderQuestion,
  EndedMinute,
  Questions,
  ReaderQuestion,
  Sizes,
  ThreadStart,
  WriterQuestion,
} from './threadMessages.ts';
import { Upkeep } from './upkeep.ts';
import { WriteQueue } from './writeQueue.ts';

export type { History, HistoryOptions } from './port.ts';
export type { ArrivedPiece } from './threadMessages.ts';

/** Refuses `storage_failed` where the file cannot be used; the message names the file and what to do. */
export async function openHistory(options: HistoryOptions): Promise<Outcome<History, Refusal>> {
  const { folder, threadFile, pagesMax, budgetMs } = options;
  const onTold: ConstructorParameters<typeof HistoryThread>[2] = (told) => {
    if (told.kind === 'damaged') options.onDamage?.(told.message);
  };
  const start = (role: ThreadStart['role']): ThreadStart => ({
    role,
    folder,
    ...(pagesMax !== undefined && { pagesMax }),
    ...(budgetMs !== undefined && { budgetMs }),
  });
  const writer = new HistoryThread<WriterQuestion>(threadFile, start('writer'));
  const written = await writer.opened;
  if (!written.ok) {
    await writer.close();
    return refused(refusal('storage_failed', written.reason.message));
  }
  // After the writer, which makes the tables.
  const reader = new HistoryThread<ReaderQuestion>(threadFile, start('reader'), onTold);
  const builder = new HistoryThread<BuilderQuestion>(threadFile, start('builder'), onTold);
  const [read, built] = await Promise.all([reader.opened, builder.opened]);
  const fault = read.ok ? (built.ok ? undefined : built.reason) : read.reason;
  if (!fault) return accepted(new StoredHistory({ writer, reader, builder }, written.value, options));
  await Promise.all([reader.close(), builder.close(), writer.close()]);
  return refused(refusal('storage_failed', fault.message));
}

const hourMs = 3_600_000;

interface Threads {
  readonly writer: HistoryThread<WriterQuestion>;
  readonly reader: HistoryThread<ReaderQuestion>;
  readonly builder: HistoryThread<BuilderQuestion>;
}

class StoredHistory implements History {
  readonly cursor: number;
  readonly #threads: Threads;
  readonly #reader: Threads['reader'];
  readonly #queue: WriteQueue;
  readonly #upkeep: Upkeep;
  readonly #copies: CopyJobs;
  readonly #file: string;
  #sizes: Sizes;
  #cursorNow: number;
  #commits = 0;
  #lastCommitMs = 0;

  constructor(threads: Threads, ready: Ready, options: HistoryOptions) {
    this.cursor = ready.cursor;
    this.#cursorNow = ready.cursor;
    this.#sizes = ready.sizes;
    this.#threads = threads;
    this.#reader = threads.reader;
    this.#file = join(options.folder, historyFile);
    this.#copies = new CopyJobs(options);
    this.#queue = new WriteQueue(threads.writer, ready.cursor, {
      committed: (committed) => {
        this.#sizes = committed;
        this.#cursorNow = committed.cursor;
        this.#commits += 1;
        this.#lastCommitMs = committed.tookMs;
      },
      failed: (fault) => {
        options.onFailure(refusal('storage_failed', fault.message));
      },
    });
    this.#upkeep = new Upkeep(threads, {
      sizes: (sizes) => {
        this.#sizes = sizes;
      },
      failed: (error) => {
        if (!(error instanceof HistoryFailed)) throw error;
        this.#queue.fail(error.fault);
      },
      damaged: (message) => options.onDamage?.(message),
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
  async flushed(): Promise<number> {
    const cursor = await this.#queue.flushed();
    await syncLog(`${this.#file}-wal`);
    return cursor;
  }
  appendLog(pieces: readonly ArrivedPiece[]) {
    return this.#queue.appendLog(pieces);
  }

  list(filter: TaskFilter, before: TaskId | undefined, limit: number) {
    return this.#read('list', { filter, before, limit });
  }
  count(filter: TaskFilter) {
    return this.#read('count', filter);
  }
  groups(filter: TaskFilter, by: Grouping) {
    return this.#read('groups', { filter, by });
  }
  get(taskId: TaskId) {
    return this.#read('get', taskId);
  }
  readLog(token: Token, after: number, limit: number) {
    return this.#reader.ask('readLog', { token, after, limit });
  }
  endedPerMinute(sinceMs: Ms, untilMs: Ms) {
    return this.#read('endedPerMinute', { sinceMs, untilMs });
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
  async oldestEndedMs(): Promise<Ms | undefined> {
    const oldest = await this.#read('oldestEndedMs', undefined);
    return oldest === undefined ? undefined : ms(oldest);
  }

  /** A task that has just ended must not be missing for a moment from live tasks and from history. */
  async #read<Name extends ReaderQuestion>(question: Name, asks: Questions[Name]['asks']) {
    await this.#toldIsSeen();
    return this.#reader.ask(question, asks);
  }
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
  trace(ask: TraceAsk) {
    return this.#reader.ask('trace', ask);
  }
  async retain(bounds: Retention, nowMs: Ms) {
    const { tasksDropped, piecesDropped, isDone, ...sizes } = await this.#write('retain', { bounds, nowMs });
    this.#sizes = sizes;
    return { tasksDropped, piecesDropped, isDone };
  }

  /** Beside the queue. A write that fails ends the queue too: the disk takes no more. */
  #write<Name extends WriterQuestion>(question: Name, asks: Questions[Name]['asks']) {
    return this.#threads.writer.ask(question, asks).catch((error: unknown) => {
      if (error instanceof HistoryFailed) this.#queue.fail(error.fault);
      throw error;
    });
  }

  async exportTo(path: string, { filter, format, ...options }: ExportOptions) {
    await this.#toldIsSeen();
    return this.#copies.run('export', { path, filter, format }, options);
  }
  async backupTo(path: string, options: JobOptions): Promise<void> {
    await this.#toldIsSeen();
    await this.#copies.run('backup', { path }, options);
  }

  stats() {
    return {
      ...this.#sizes,
      fileBytes: bytesOf(this.#file) + bytesOf(`${this.#file}-wal`),
      cursor: this.#cursorNow,
      pending: this.#queue.pending,
      commits: this.#commits,
      lastCommitMs: this.#lastCommitMs,
    };
  }

  async close(): Promise<void> {
    const { writer, reader, builder } = this.#threads;
    // A failure has told its callers already.
    await this.#queue.flushed().catch(() => undefined);
    await Promise.all([this.#upkeep.end(), this.#copies.end()]);
    await Promise.all([reader.close(), builder.close()]);
    // The last one moves the log into the file.
    await writer.close();
  }
}

/** Commits are not flushed one by one: what the journal may forget from now on must not go with the power. */
async function syncLog(path: string): Promise<void> {
  const log = await open(path, 'r+');
  try {
    await log.sync();
  } finally {
    await log.close();
  }
}

const bytesOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
