// What history offers the rest of the host: ended tasks, output of attempts, counts, and copies of all of it.
import type { Ms, TaskId, Token } from '../protocol/brands.ts';
import type { LogPage } from '../protocol/consoleAnswers.ts';
import type { MetricTrace } from '../protocol/fleetFrames.ts';
import type { Refusal } from '../protocol/outcome.ts';
import type { ExportFormat, Retention } from '../protocol/storage.ts';
import type { TaskRecord } from '../protocol/task.ts';
import type { Grouping, TaskFilter, TaskGroups, TaskPage } from '../protocol/view.ts';
import type { MetricSample, TraceAsk } from './metricMessages.ts';
import type { AppendedLog, ArrivedPiece, EndedMinute, Sizes, TaskCount } from './threadMessages.ts';

interface HistoryStats extends Sizes {
  /** Bytes of the file and its write-ahead log. */
  readonly fileBytes: number;
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
  /** Resolves with the cursor once all that was told before is committed and would outlive a power cut. */
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
  /** Counts by group, from the tallies where they hold it; otherwise exact up to a bound, then an estimate. */
  groups(filter: TaskFilter, by: Grouping): Promise<TaskGroups>;
  /**
   * Drops one small chunk of what is beyond the bounds: the oldest tasks with their output, then the oldest output.
   * `isDone`: nothing is beyond them any more. The caller asks again at its own pace.
   */
  retain(bounds: Retention, nowMs: Ms): Promise<Retained>;
  /** End of the oldest task. */
  oldestEndedMs(): Promise<Ms | undefined>;
  /**
   * Writes the ended tasks that match into a new file, oldest first. Returns how many rows and bytes. Rejects where
   * the file cannot be written, and when the signal aborts; nothing is left at `path` then.
   */
  exportTo(path: string, options: ExportOptions): Promise<{ readonly rows: number; readonly bytes: number }>;
  /** As `JournalPort.backupTo`. */
  backupTo(path: string, options: JobOptions): Promise<void>;
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

export interface Retained {
  readonly tasksDropped: number;
  readonly piecesDropped: number;
  readonly isDone: boolean;
}
export interface JobOptions {
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}
export interface ExportOptions extends JobOptions {
  readonly filter: TaskFilter;
  readonly format: ExportFormat;
}

export interface HistoryOptions {
  readonly folder: string;
  /** historyThread.ts, or its bundle. */
  readonly threadFile: URL;
  /** Called once, when a write failed: from then on nothing is stored. */
  readonly onFailure: (refusal: Refusal) => void;
  /** Something stored is not what was written: the message names it and says what to do. */
  readonly onDamage?: (message: string) => void;
  /** For tests: bounds the file as a full disk would, in pages of 4 KiB. */
  readonly pagesMax?: number;
  /** For tests: how long a page may take before it stops and goes on when asked again, in milliseconds. */
  readonly budgetMs?: number;
}
