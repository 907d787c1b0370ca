// A data folder without its host: whether one uses it, which files in it are the host's, and their way aside.
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { journalApplicationId, journalFile, journalMigrations } from '../journal/schema.ts';
import { openDatabase } from '../sqlite/open.ts';
import { stampOf, syncPath } from './durableFiles.ts';

/** What a host keeps, with the logs and indexes that SQLite keeps beside its files. */
const hostFiles = /^((journal|history)\.db(-wal|-shm|-journal)?|(secrets|storage|tls|users)\.json)$/;

/** Waits a moment for a host that is just ending. A journal that cannot be opened at all is in nobody's use. */
export function isInUse(dataFolder: string): boolean {
  const opened = openDatabase({
    path: join(dataFolder, journalFile),
    applicationId: journalApplicationId,
    migrations: journalMigrations,
    synchronous: 'FULL',
    isReader: true,
  });
  if (!opened.ok) return opened.reason.cause === 'in_use';
  opened.value.close();
  return false;
}

/** Names of the host's files in it; none where the folder is missing. */
export async function hostFilesIn(dataFolder: string): Promise<readonly string[]> {
  try {
    return (await readdir(dataFolder)).filter((name) => hostFiles.test(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Moves them into a new folder below, and resolves with its path. */
export async function moveAside(dataFolder: string, names: readonly string[]): Promise<string> {
  const aside = join(dataFolder, `replaced-${stampOf(Date.now())}`);
  await mkdir(aside, { mode: 0o700 });
  for (const name of names) await rename(join(dataFolder, name), join(aside, name));
  await syncPath(aside, true);
  await syncPath(dataFolder, true);
  return aside;
}
