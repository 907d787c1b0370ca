// journal.ts <-> journalThread.ts: what crosses between the host's thread and the one that owns the file.
import type { MessagePort } from 'node:worker_threads';
import type { StorageFault } from '../sqlite/fault.ts';
import type { Range } from './record.ts';

export interface ThreadStart {
  readonly folder: string;
  /** Where a follower asks for what is durable. */
  readonly feed?: MessagePort;
  readonly pagesMax?: number;
}

export interface SnapshotPart {
  readonly sequence: number;
  /** From 0; part 0 begins the snapshot. */
  readonly part: number;
  readonly text: string;
}

export type ToThread =
  | ({ readonly kind: 'write'; readonly payload: string } & Range)
  | ({ readonly kind: 'snapshotPart' } & SnapshotPart)
  /** All parts are written: the snapshot counts from now on. Answered with `partWritten`. */
  | { readonly kind: 'snapshotEnd'; readonly sequence: number }
  /** A part could not be made: what was written of this snapshot goes. Not answered. */
  | { readonly kind: 'snapshotDrop' }
  /** Asks for rows after this id, as recovered; answered with one `rows`. */
  | { readonly kind: 'read'; readonly afterId: number }
  /** Asks for one part of the recovered snapshot; answered with one `part`. */
  | { readonly kind: 'readPart'; readonly part: number }
  /** Answered with `copied` or `copyFailed`, and `copying` meanwhile. One at a time. */
  | { readonly kind: 'copy'; readonly path: string }
  | { readonly kind: 'cancelCopy' }
  | { readonly kind: 'close' };

/** What was found in the file, all of it checked. */
export interface Found {
  readonly snapshot?: { readonly sequence: number; readonly bytes: number; readonly parts: number };
  /** What is wrong and was survived, in words. */
  readonly notices: readonly string[];
  readonly tornTail: boolean;
  readonly lastSequence: number;
  /** Rows to replay begin after this id and end with `lastId`. */
  readonly afterId: number;
  readonly lastId: number;
  readonly rows: number;
  /** Bytes of the rows to replay. */
  readonly bytes: number;
}

export type FromThread =
  | { readonly kind: 'checking'; readonly done: number; readonly total: number }
  | { readonly kind: 'opened'; readonly found: Found }
  | { readonly kind: 'refused'; readonly fault: StorageFault }
  | { readonly kind: 'written'; readonly bytes: number; readonly tookMs: number }
  /** `isComplete`: the snapshot is on disk, or was already; more parts are not needed. */
  | { readonly kind: 'partWritten'; readonly isComplete: boolean }
  | { readonly kind: 'pruned'; readonly rows: number }
  /** Bytes of the file and its write-ahead log. */
  | { readonly kind: 'size'; readonly fileBytes: number }
  | { readonly kind: 'rows'; readonly payloads: readonly string[]; readonly lastId: number }
  | { readonly kind: 'part'; readonly bytes: Uint8Array }
  | { readonly kind: 'copying'; readonly done: number; readonly total: number }
  | { readonly kind: 'copied' }
  | { readonly kind: 'copyFailed'; readonly fault: StorageFault }
  | { readonly kind: 'failed'; readonly fault: StorageFault }
  | { readonly kind: 'closed' };
