// The journal as its users see it. The simulation has another implementation of the same port on a fake disk.
import type { Batch } from '../protocol/events.ts';
import type { Refusal } from '../protocol/outcome.ts';

export interface JournalStats {
  /** Payload bytes of the batches that a restart would replay. */
  readonly bytesSinceSnapshot: number;
  readonly isSnapshotUnderWay: boolean;
  /** Rows in the file. */
  readonly rows: number;
  /** Bytes of the file and its write-ahead log. */
  readonly fileBytes: number;
  /** Group commits of this life. */
  readonly commits: number;
  /** How long the newest commit took on its thread. */
  readonly lastCommitMs: number;
  /** Number of the newest batch on disk. */
  readonly durableSequence: number;
  /** Batches appended and not yet durable. */
  readonly pending: number;
}

export interface BackupOptions {
  /** Pages copied and in all; both may change while the source grows. */
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export interface JournalPort {
  /**
   * Resolves when the batch is on disk; batches resolve in order. Rejects with `JournalFailed` once a write has failed,
   * from then on always. Throws where `batch.sequence` does not follow the one before.
   */
  append(batch: Batch): Promise<void>;
  /**
   * Resolves when the snapshot is on disk. Waits for the batches up to `sequence`, and for a snapshot before it. Each
   * part is a well-formed text that is given back as it is; the next one is asked for once the one before is written,
   * so that memory holds one at a time and commits go in between. Rows that the older kept snapshot covers are pruned
   * afterwards. A part that cannot be made (the iterable throws) ends this snapshot alone: the promise rejects with it.
   */
  snapshot(sequence: number, parts: Iterable<string> | AsyncIterable<string>): Promise<void>;
  /**
   * A copy of the file as it is at some moment during the call, durable on return, made while commits go on. Rejects
   * with `JournalFailed` where the copy cannot be written (the journal itself goes on), and when the signal aborts;
   * nothing is left at `path` then. Refuses a path where something is.
   */
  backupTo(path: string, options: BackupOptions): Promise<void>;
  stats(): JournalStats;
  /** Writes what was appended, then closes the file. */
  close(): Promise<void>;
}

/** Why appends reject after a failed write. */
export class JournalFailed extends Error {
  readonly refusal: Refusal;
  constructor(cause: Refusal) {
    super(cause.message);
    this.name = 'JournalFailed';
    this.refusal = cause;
  }
}
