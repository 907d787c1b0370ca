// recorder.ts <-> recorderThread.ts: what crosses between the host's thread and the one that owns recorder.db.
import type { Bounds, Reach } from './recording.ts';

export interface RecorderStart {
  readonly folder: string;
  readonly bounds: Bounds;
  /** For tests: rows between two snapshots, in bytes. Absent: half of what the journal has between two. */
  readonly snapshotEveryBytes?: number;
  /** For tests: bounds the file as a full disk would, in pages of 4 KiB. */
  readonly pagesMax?: number;
}

export type ToRecorder =
  | { readonly kind: 'bounds'; readonly bounds: Bounds }
  /** Answered with one `reach`, once all that is durable now is recorded. */
  | { readonly kind: 'reach' }
  | { readonly kind: 'close' };

export type FromRecorder =
  | { readonly kind: 'reach'; readonly reach: Reach }
  | { readonly kind: 'notice'; readonly message: string }
  /** What was there is written down: recording goes on. */
  | { readonly kind: 'recording' }
  /** Nothing is recorded until `recording` comes again. */
  | { readonly kind: 'failed'; readonly message: string };
