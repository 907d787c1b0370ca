// Files that are on the disk when the call returns, and names made of a time.
import { open } from 'node:fs/promises';

/** What was written to the file, or the names in the folder, survive a loss of power. */
export async function syncPath(path: string, isFolder = false): Promise<void> {
  // Windows has no way to flush a folder, and needs the right to write for a file.
  if (isFolder && process.platform === 'win32') return;
  const file = await open(path, isFolder ? 'r' : 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

export async function writeDurably(path: string, text: string): Promise<void> {
  // For the owner alone: what is written here stands beside secrets.
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** `20261123-104512`, in UTC: names sort by time wherever they were made. */
export const stampOf = (atMs: number): string =>
  new Date(atMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
