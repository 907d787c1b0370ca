// journal.ts <-> journalThread.ts: what crosses between the host's thread and the one that owns the file.
import type { StorageFault } from '../sqlite/fault.ts';
import type { Range } from './record.ts';

export interface ThreadStart {
  readonly folder: string;
  readonly pagesMax?: number;
}

export interface SnapshotPart {
  readonly sequence: number;
  /** From 0; part 0 begins the snapshot. */
  readonly part: number;
  readonly text: string;
  readonly isLast: boolean;
}

export type ToThread =
  | ({ readonly kind: 'write'; readonly payload: string } & Range)
  | ({ readonly kind: 'snapshotPart' } & SnapshotPart)
  /** Asks for rows after this id, as recovered; answered with one `rows`. */
  | { readonly kind: 'read'; readonly afterId: number }
  | { readonly kind: 'close' };

/** What was found in the file, all of it checked. */
export interface Found {
  readonly snapshot?: { readonly sequence: number; readonly parts: readonly string[] };
  /** Snapshots that could not be used, newest first, in words. */
  readonly badSnapshots: readonly string[];
  /** The row that was cut, in words. */
  readonly tornTail?: string;
  readonly lastSequence: number;
  /** Rows to replay begin after this id and end with `lastId`. */
  readonly afterId: number;
  readonly lastId: number;
  readonly rows: number;
  /** Bytes of the rows to replay. */
  readonly bytes: number;
}

export type FromThread =
  | { readonly kind: 'opened'; readonly found: Found }
  | { readonly kind: 'refused'; readonly fault: StorageFault }
  | { readonly kind: 'written'; readonly bytes: number; readonly tookMs: number }
  /** `isComplete`: the snapshot is on disk, or was already; more parts are not needed. */
  | { readonly kind: 'partWritten'; readonly isComplete: boolean }
  | { readonly kind: 'pruned'; readonly rows: number }
  | { readonly kind: 'rows'; readonly payloads: readonly string[]; readonly lastId: number }
  | { readonly kind: 'failed'; readonly fault: StorageFault }
  | { readonly kind: 'closed' };
