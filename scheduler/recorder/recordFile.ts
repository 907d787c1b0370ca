// recorder.db as its threads open it, and what an error on it means to whoever asked.
import { join } from 'node:path';
import { type Outcome, refusal, type Refusal, Refused } from '../protocol/outcome.ts';
import type { Database } from '../sqlite/driver.ts';
import { faultOf, type StorageFault } from '../sqlite/fault.ts';
import { openDatabase } from '../sqlite/open.ts';
import { NotRecorded } from './reading.ts';
import { recorderApplicationId, recorderFile, recorderMigrations } from './schema.ts';

export interface WriterBounds {
  /** The log is cut to this once its content is in the file. */
  readonly logBytesMax: number;
  readonly checkpointPages: number;
  readonly pagesMax?: number | undefined;
}

export const recordPath = (folder: string): string => join(folder, recorderFile);

const openWith = (
  folder: string,
  more: { isReader: true } | (WriterBounds & { isShrinkable: true }),
): Outcome<Database, StorageFault> =>
  openDatabase({
    path: recordPath(folder),
    applicationId: recorderApplicationId,
    migrations: recorderMigrations,
    synchronous: 'NORMAL',
    ...more,
  });

export const openRecordToRead = (folder: string): Outcome<Database, StorageFault> =>
  openWith(folder, { isReader: true });
export const openRecordToWrite = (folder: string, bounds: WriterBounds): Outcome<Database, StorageFault> =>
  openWith(folder, { ...bounds, isShrinkable: true });

/** What whoever looks back is told where that failed. */
export function refusalOf(error: unknown, folder: string): Refusal {
  if (error instanceof Refused) return error.refusal;
  if (error instanceof NotRecorded) return refusal('wrong_state', error.message, { field: 'atMs' });
  return refusal('storage_failed', faultOf(error, recordPath(folder)).message);
}
