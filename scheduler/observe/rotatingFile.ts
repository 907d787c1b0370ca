// A file that lines are appended to, renamed away when it has grown or the day is over: `x.log`, `x.log.1` (newer) ...
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface FileBounds {
  readonly fileBytesMax: number;
  /** Files beside the newest. */
  readonly olderFilesMax: number;
  /** Of all of them; the oldest goes first. */
  readonly totalBytesMax: number;
}
const mebibyte = 1024 * 1024;
/** Two weeks of ordinary life, a file of a day, each of a size that mail still takes when packed. */
export const hostLogBounds: FileBounds = {
  fileBytesMax: 10 * mebibyte,
  olderFilesMax: 14,
  totalBytesMax: 50 * mebibyte,
};
/** A node's disk is for its work. */
export const agentLogBounds: FileBounds = {
  fileBytesMax: 2 * mebibyte,
  olderFilesMax: 7,
  totalBytesMax: 8 * mebibyte,
};
const dayMs = 86_400_000;

export class RotatingFile {
  readonly #path: string;
  readonly #bounds: FileBounds;
  #fd: number | undefined;
  #bytes = 0;
  #day = 0;

  /** Throws where the file cannot be opened. Readable by its owner only. */
  constructor(path: string, bounds: FileBounds = hostLogBounds) {
    this.#path = path;
    this.#bounds = bounds;
    mkdirSync(dirname(path), { recursive: true });
    this.#open();
    this.#letGo();
  }

  /** Into the page cache, at about 10 us: in order, and kept when the process crashes. False where it failed. */
  append(line: string, nowMs: number): boolean {
    try {
      const bytes = Buffer.from(line);
      const fd = this.#fd ?? this.#open();
      const today = Math.floor(nowMs / dayMs);
      const isGrown = this.#bytes + bytes.length > this.#bounds.fileBytesMax;
      const isOver = this.#bytes > 0 && (isGrown || today !== this.#day);
      writeSync(isOver ? this.#rotate() : fd, bytes);
      this.#bytes += bytes.length;
      this.#day = today;
      return true;
    } catch {
      this.close(); // opened anew with the next line: the folder may be back, or the disk have room
      return false; // told to the caller, who has another place to write
    }
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }

  #open(): number {
    const fd = openSync(this.#path, 'a', 0o600);
    const { size, mtimeMs } = fstatSync(fd);
    this.#fd = fd;
    this.#bytes = size;
    // One of yesterday is renamed by the first line of today.
    this.#day = Math.floor(mtimeMs / dayMs);
    return fd;
  }

  #rotate(): number {
    // Windows renames no open file.
    this.close();
    for (let at = this.#bounds.olderFilesMax - 1; at >= 0; at -= 1)
      if (sizeOf(this.#older(at)) !== undefined) renameSync(this.#older(at), this.#older(at + 1));
    this.#letGo();
    return this.#open();
  }

  /** The oldest, until what is left and a full newest file are within the bound. */
  #letGo(): void {
    const { olderFilesMax, totalBytesMax, fileBytesMax } = this.#bounds;
    let total = fileBytesMax;
    for (let at = 1; at <= olderFilesMax; at += 1) {
      const size = sizeOf(this.#older(at)) ?? 0;
      if (total + size > totalBytesMax) rmSync(this.#older(at), { force: true });
      else total += size;
    }
  }

  #older(at: number): string {
    return at === 0 ? this.#path : `${this.#path}.${String(at)}`;
  }
}

const sizeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size;
