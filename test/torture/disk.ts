// A disk of a few MB that a trial can fill and free again: a file system in memory, where this user may mount one.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Holds the host's files of one trial many times over, and is full within a moment. */
const sizeMiB = 24;

const mounted = new Set<string>();
process.once('exit', () => {
  for (const folder of mounted) unmount(folder);
});

export interface SmallDisk {
  /** Nothing more can be written, except where files have room inside. */
  readonly fill: () => void;
  readonly free: () => void;
  /** What is on it goes with it, unless it is to be kept. */
  readonly remove: (keepsFiles: boolean) => void;
}

/** Undefined where mounting is not allowed: then the journal is told to say so itself. */
export function smallDiskAt(folder: string): SmallDisk | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=0700`, 'millrace-trial', folder], {
      stdio: 'ignore',
    });
  } catch {
    return undefined;
  }
  mounted.add(folder);
  const ballast = join(folder, 'ballast');
  return {
    fill: () => {
      fillUp(folder, ballast);
    },
    free: () => {
      rmSync(ballast, { force: true });
    },
    remove: (keepsFiles) => {
      const copy = `${folder}-copy`;
      rmSync(ballast, { force: true });
      if (keepsFiles) cpSync(folder, copy, { recursive: true });
      unmount(folder);
      if (!keepsFiles) return;
      rmSync(folder, { recursive: true, force: true });
      renameSync(copy, folder);
    },
  };
}

/** At once, also where somebody still has a file open there. */
function unmount(folder: string): void {
  mounted.delete(folder);
  execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
}

function fillUp(folder: string, ballast: string): void {
  const { bavail, bsize } = statfsSync(folder);
  try {
    writeFileSync(ballast, Buffer.alloc(bavail * bsize));
  } catch (error) {
    // Somebody else took the last blocks meanwhile: full it is.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
