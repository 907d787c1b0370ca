// A file that lines are appended to, renamed away when it has grown: `x.log`, `x.log.1` (newer) to `x.log.4`.
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** 5 files of 10 MiB: some weeks of ordinary life, and a size that mail still takes when packed. */
const fileBytesMax = 10 * 1024 * 1024;
const olderFilesMax = 4;

export class RotatingFile {
  readonly #path: string;
  #fd: number;
  #bytes: number;

  /** Throws where the file cannot be opened. Readable by its owner only. */
  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, 'a', 0o600);
    this.#bytes = fstatSync(this.#fd).size;
  }

  /** Into the page cache, at about 10 us: in order, and kept when the process crashes. False where it failed. */
  append(line: string): boolean {
    try {
      const bytes = Buffer.from(line);
      if (this.#bytes > 0 && this.#bytes + bytes.length > fileBytesMax) this.#rotate();
      writeSync(this.#fd, bytes);
      this.#bytes += bytes.length;
      return true;
    } catch {
      return false; // disk full or folder gone: told to the caller, who has another place to write
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #rotate(): void {
    for (let i = olderFilesMax - 1; i >= 1; i -= 1) {
      if (existsSync(`${this.#path}.${i}`)) renameSync(`${this.#path}.${i}`, `${this.#path}.${i + 1}`);
    }
    // Windows renames no open file.
    closeSync(this.#fd);
    renameSync(this.#path, `${this.#path}.1`);
    this.#fd = openSync(this.#path, 'a', 0o600);
    this.#bytes = 0;
  }
}
