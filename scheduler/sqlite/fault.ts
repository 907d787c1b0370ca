// What can go wrong with a SQLite file, as named causes with a message for people: which file, what, what to do.

export type FaultCause =
  | 'disk_full'
  | 'io_error'
  | 'read_only'
  | 'not_a_database'
  | 'foreign' // a SQLite database of another program
  | 'newer' // written by a newer Millrace
  | 'damaged'
  | 'in_use'
  | 'cannot_open'
  | 'old_sqlite'
  | 'unknown';

export interface StorageFault {
  readonly cause: FaultCause;
  readonly message: string;
}

const corrupt = 11;

interface Known {
  readonly cause: FaultCause;
  readonly says: string;
}

const full = { cause: 'disk_full', says: 'disk is full: free space, then start again' } as const;

/** By primary result code, https://sqlite.org/rescode.html. */
const known: Readonly<Record<number, Known>> = {
  // Our statements are fixed and tested: it is the schema that is not what we made.
  1: { cause: 'damaged', says: 'is damaged: keep a copy of the file, then restore a backup' },
  5: { cause: 'in_use', says: 'is in use by another process: stop the other Millrace, then start again' },
  6: { cause: 'in_use', says: 'is in use by another process: stop the other Millrace, then start again' },
  8: { cause: 'read_only', says: 'cannot be written: give this user the right to write file and folder' },
  10: { cause: 'io_error', says: 'disk input/output error: check the disk, then start again' },
  [corrupt]: { cause: 'damaged', says: 'is damaged: keep a copy of the file, then restore a backup' },
  13: full,
  14: { cause: 'cannot_open', says: 'cannot be opened: check that its folder exists and can be written' },
  26: {
    cause: 'not_a_database',
    says: 'is not a database: move the file away, or choose another data folder',
  },
};

/** By extended result code, where it says more. SQLITE_IOERR_SHMSIZE: there was no room for the index of the log. */
const knownExtended: Readonly<Record<number, Known>> = { 4874: full };

/** Names the cause of an error that SQLite threw while it worked on `path`. */
export function faultOf(error: unknown, path: string): StorageFault {
  const code = resultCode(error);
  const text = error instanceof Error ? error.message : String(error);
  const entry = code === undefined ? undefined : (knownExtended[code] ?? known[code & 0xff]);
  if (!entry) return { cause: 'unknown', message: `${path}: ${text}` };
  return { cause: entry.cause, message: `${path}: ${entry.says} (SQLite ${String(code)}: ${text})` };
}

/** True where an error says that the content of a file is not what was written. */
export const isDamage = (error: unknown): boolean => faultOf(error, '').cause === 'damaged';

/** The extended result code, where SQLite gave one. */
function resultCode(error: unknown): number | undefined {
  // The driver's word for a number beyond 2^53, which we never write.
  if (error instanceof RangeError) return corrupt;
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode : undefined;
}
