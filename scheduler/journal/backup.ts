// A live copy of the journal, made on its thread: steps of a few ms between commits, and flushes that do not block it.
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Database } from '../sqlite/driver.ts';
import { faultOf, type StorageFault } from '../sqlite/fault.ts';
import { copyJournal, type CopyProgress, openCopy } from './copy.ts';

/**
 * Bytes of payload between two flushes of the copy. What is not flushed yet may be flushed by the next commit of the
 * journal, which then takes that much longer: file systems write what belongs together.
 */
const flushEveryBytes = 4 * 1024 * 1024;

export interface BackupEvents {
  readonly onProgress: (progress: CopyProgress) => void;
  readonly isCancelled: () => boolean;
}

/** Resolves when the copy is on the disk, or to why it is not; nothing is left at `path` then. */
export async function backup(
  source: Database,
  path: string,
  events: BackupEvents,
): Promise<StorageFault | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx');
  } catch (error) {
    return faultOfTarget(error, path);
  }
  try {
    const fault = await copyInto(source, { path, file }, events);
    if (fault) await unlink(path);
    return fault;
  } catch (error) {
    await unlink(path).catch(() => undefined);
    return faultOf(error, path);
  } finally {
    await file.close();
  }
}

async function copyInto(
  source: Database,
  { path, file }: { readonly path: string; readonly file: FileHandle },
  { onProgress, isCancelled }: BackupEvents,
): Promise<StorageFault | undefined> {
  const opened = openCopy(path);
  if (!opened.ok) return opened.reason;
  const target = opened.value;
  try {
    let flushed = 0;
    for (const progress of copyJournal(source, target)) {
      onProgress(progress);
      if (progress.done - flushed >= flushEveryBytes) {
        await file.sync();
        flushed = progress.done;
      } else await turn();
      if (isCancelled()) return { cause: 'unknown', message: `${path}: the copy was cancelled` };
    }
  } finally {
    target.close();
  }
  await file.sync();
  await flushFolder(dirname(path));
  return undefined;
}

/** Makes the names in a folder durable, where the system can: Windows does so by itself and refuses to be asked. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function faultOfTarget(error: unknown, path: string): StorageFault {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EEXIST')
    return { cause: 'cannot_open', message: `${path} exists already: nothing is written over it` };
  const text = error instanceof Error ? error.message : String(error);
  return {
    cause: 'cannot_open',
    message: `${path} cannot be made: give another folder, or the right to write there (${text})`,
  };
}
