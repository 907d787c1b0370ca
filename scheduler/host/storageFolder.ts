// Whether a folder that a person named can take a backup or an export: refusals in words, before any work begins.
import { mkdtemp, realpath, rmdir, stat, statfs } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { type Refusal, refusal } from '../protocol/outcome.ts';
import { diskReserveBytes } from '../protocol/limits.ts';

export type FreeBytesOf = (folder: string) => Promise<number>;

/** Free to this user on the folder's disk. */
export const freeBytesOf: FreeBytesOf = async (folder) => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

export interface FolderAsk {
  readonly folder: string;
  readonly dataFolder: string;
  /** The one place inside the data folder that is allowed; absent: none is. */
  readonly allowedInside?: string;
  readonly neededBytes: number;
  readonly freeBytesOf: FreeBytesOf;
}

/** Undefined: it can. All on the file system's own threads: a network disk that hangs holds up nothing else. */
export async function refusalOfFolder(ask: FolderAsk): Promise<Refusal | undefined> {
  const { folder, dataFolder } = ask;
  if (!isAbsolute(folder))
    return bad(`folder ${folder} is not an absolute path: begin at the root, like ${join(sep, 'backup')}`);
  const place = await refusalOfPlace(ask);
  if (place) return place;
  try {
    // Rights alone do not tell: the disk may be mounted read-only, or be full.
    await rmdir(await mkdtemp(join(folder, '.millrace-')));
  } catch (error) {
    return bad(
      `folder ${folder} cannot be written (${wordsOf(error)}): give the host's user the right to, or name another`,
    );
  }
  const freeBytes = await ask.freeBytesOf(folder);
  if (freeBytes >= ask.neededBytes + diskReserveBytes) return undefined;
  const [needed, free, reserve] = [ask.neededBytes, freeBytes, diskReserveBytes].map(inMiB);
  const where = folder.startsWith(dataFolder) ? 'shorten retention' : 'name a folder on a larger disk';
  return refusal(
    'wrong_state',
    `not enough space in ${folder}: about ${needed} are needed and ${reserve} must stay free, ${free} are free; ` +
      `free some, or ${where}`,
    { field: 'folder' },
  );
}

async function refusalOfPlace({
  folder,
  dataFolder,
  allowedInside,
}: FolderAsk): Promise<Refusal | undefined> {
  let real: string;
  try {
    real = await realpath(folder);
    if (!(await stat(real)).isDirectory()) return bad(`${folder} is no folder: name a folder`);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return isMissing
      ? bad(`folder ${folder} does not exist on the host's machine: make it, or name another`)
      : bad(`folder ${folder} cannot be looked at (${wordsOf(error)}): name another`);
  }
  const own = await realpath(dataFolder);
  if (!isWithin(own, real)) return undefined;
  if (allowedInside !== undefined && isWithin(join(own, allowedInside), real)) return undefined;
  return bad(
    `folder ${folder} lies in the data folder ${dataFolder}, among the host's own files: name another`,
  );
}

/** The folder itself, or one below it. */
function isWithin(outer: string, inner: string): boolean {
  const way = relative(outer, inner);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`));
}

const bad = (message: string): Refusal => refusal('bad_message', message, { field: 'folder' });
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const inMiB = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
