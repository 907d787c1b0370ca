// The journal as its users see it. The simulation has another implementation of the same port on a fake disk.
import type { Batch } from '../protocol/events.ts';
import type { Refusal } from '../protocol/outcome.ts';

export interface JournalStats {
  /** Payload bytes of the batches that a restart would replay. */
  readonly bytesSinceSnapshot: number;
  readonly isSnapshotUnderWay: boolean;
  /** Rows in the file. */
  readonly rows: number;
  /** Group commits of this life. */
  readonly commits: number;
  /** How long the newest commit took on its thread. */
  readonly lastCommitMs: number;
  /** Number of the newest batch on disk. */
  readonly durableSequence: number;
  /** Batches appended and not yet durable. */
  readonly pending: number;
}

export interface JournalPort {
  /**
   * Resolves when the batch is on disk; batches resolve in order. Rejects with `JournalFailed` once a write has failed,
   * from then on always. Throws where `batch.sequence` does not follow the one before.
   */
  append(batch: Batch): Promise<void>;
  /**
   * Resolves when the snapshot is on disk. Waits for the batches up to `sequence`, and for a snapshot before it.
   * `payload` is well-formed text. Rows that the older kept snapshot covers are pruned afterwards.
   */
  snapshot(sequence: number, payload: string): Promise<void>;
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
