// Makes one backup while the host works, finds those that are there, and lets the oldest go.
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { History } from '../history/store.ts';
import type { JournalPort } from '../journal/port.ts';
import {
  backupFiles,
  optionalFiles,
  type CopiedFile,
  manifestName,
  manifestText,
  readManifest,
} from '../offline/backupManifest.ts';
import { syncPath, writeDurably } from '../offline/durableFiles.ts';
import { hashBeside } from '../offline/hashBeside.ts';

/** In a folder whose backup is not complete, or which is being removed: says whose it is, so that it can be cleared. */
const unfinishedName = 'unfinished.json';
const partEnding = '.part';
const backupNamed = /^millrace-\d{8}-\d{6}$/;
const partNamed = /^millrace-\d{8}-\d{6}\.part$/;

export interface BackupSources {
  readonly history: Pick<History, 'backupTo' | 'stats'>;
  readonly journal: Pick<JournalPort, 'backupTo' | 'stats'>;
  readonly dataFolder: string;
  /** Text of storage.json. */
  readonly settings: () => string;
  readonly program: string;
  readonly origin: string;
  readonly nowMs: () => number;
}
export interface BackupRun {
  readonly progress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/** Resolves with the bytes of the copies, complete and durable at `path`. Where it rejects, nothing is left. */
export async function makeBackup(path: string, sources: BackupSources, run: BackupRun): Promise<number> {
  const part = `${path}${partEnding}`;
  await mkdir(part, { mode: 0o700 });
  try {
    await writeDurably(join(part, unfinishedName), JSON.stringify({ origin: sources.origin }));
    const bytes = await fill(part, sources, run);
    await rm(join(part, unfinishedName));
    await syncPath(part, true);
    await rename(part, path);
    await syncPath(dirname(path), true);
    return bytes;
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}

async function fill(part: string, sources: BackupSources, { progress, signal }: BackupRun): Promise<number> {
  const { history, journal, dataFolder } = sources;
  const pages = pageCounter(progress, [history.stats().fileBytes, journal.stats().fileBytes]);
  const madeAtMs = sources.nowMs();
  const historySequence = history.stats().cursor;
  const copy = (at: 0 | 1) => ({
    signal,
    onProgress: (done: number, total: number) => {
      pages.copied(at, done, total);
    },
  });
  signal.throwIfAborted();
  await history.backupTo(join(part, 'history.db'), copy(0));
  const journalSequence = journal.stats().durableSequence;
  signal.throwIfAborted();
  await journal.backupTo(join(part, 'journal.db'), copy(1));
  await writeDurably(join(part, 'secrets.json'), await readFile(join(dataFolder, 'secrets.json'), 'utf8'));
  await writeDurably(join(part, 'storage.json'), sources.settings());
  const optional = await copyOptional(dataFolder, part);
  const files: CopiedFile[] = [];
  for (const name of [...backupFiles, ...optional]) {
    const file = join(part, name);
    await syncPath(file);
    files.push({ name, ...(await hashBeside(file, pages.hashed(), signal)) });
  }
  const { program, origin } = sources;
  const manifest = { program, origin, madeAtMs, historySequence, journalSequence, files };
  await writeDurably(join(part, manifestName), manifestText(manifest));
  signal.throwIfAborted();
  pages.finished();
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Resolves with the names of those that are there: a plant that speaks plain text has no `tls.json`. */
async function copyOptional(dataFolder: string, part: string): Promise<readonly CopiedFile['name'][]> {
  const copied: CopiedFile['name'][] = [];
  for (const name of optionalFiles) {
    const text = await readFile(join(dataFolder, name), 'utf8').catch(absent);
    if (text === undefined) continue;
    await writeDurably(join(part, name), text);
    copied.push(name);
  }
  return copied;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

const pageBytes = 4_096;

/** Each page is copied and then read again for its hash. Stores count in units of their own: only shares are taken. */
function pageCounter(progress: BackupRun['progress'], fileBytes: readonly number[]) {
  const pages = fileBytes.map((bytes) => Math.ceil(bytes / pageBytes));
  const total = pages.reduce((all, one) => all + one, 0) * 2;
  const copied = pages.map(() => 0);
  let hashed = 0;
  const tell = (): void => {
    const done = copied.reduce((all, one) => all + one, 0) + hashed;
    progress(Math.min(Math.round(done), total), total);
  };
  return {
    copied: (at: 0 | 1, done: number, of: number) => {
      copied[at] = of === 0 ? 0 : Math.min(1, done / of) * (pages[at] ?? 0);
      tell();
    },
    finished: () => {
      progress(total, total);
    },
    hashed: () => {
      const before = hashed;
      return (bytes: number) => {
        hashed = before + Math.ceil(bytes / pageBytes);
        tell();
      };
    },
  };
}

export interface FoundBackup {
  readonly path: string;
  readonly madeAtMs: number;
}

/** Complete backups that the host of `origin` made into `folder`, newest first. Rejects where it cannot be read. */
export async function findBackups(folder: string, origin: string): Promise<readonly FoundBackup[]> {
  const found: FoundBackup[] = [];
  for (const name of await readdir(folder)) {
    if (!backupNamed.test(name)) continue;
    const path = join(folder, name);
    const manifest = await readManifest(path);
    if (manifest.ok && manifest.value.origin === origin)
      found.push({ path, madeAtMs: manifest.value.madeAtMs });
  }
  return found.sort((a, b) => b.madeAtMs - a.madeAtMs);
}

/** Removes what is beyond the newest `keep` of this host's backups, and what a crash of it left half made. */
export async function pruneBackups(folder: string, origin: string, keep: number): Promise<readonly string[]> {
  await removeUnfinished(folder, origin);
  const gone = (await findBackups(folder, origin)).slice(keep);
  for (const { path } of gone) {
    const part = `${path}${partEnding}`;
    await writeDurably(join(path, unfinishedName), JSON.stringify({ origin }));
    // From here on it is no backup any more, whatever happens to this host.
    await rename(path, part);
    await rm(part, { recursive: true });
  }
  return gone.map(({ path }) => path);
}

/** To be called while no backup is being made. */
async function removeUnfinished(folder: string, origin: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!partNamed.test(name)) continue;
    const text = await readFile(join(folder, name, unfinishedName), 'utf8').catch(() => '');
    if (text === JSON.stringify({ origin })) await rm(join(folder, name), { recursive: true });
  }
}

export const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
