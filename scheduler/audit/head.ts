// Number and hash of the newest entry in a file of their own: a trail whose end was cut off does not fit it any more.
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const headFile = 'audit.head';
/** Written over in place: always the same length, within one sector of a disk. */
const headBytes = 128;

export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** Undefined where there is none, or it cannot be read. */
export function readHead(folder: string): Head | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(join(folder, headFile), 'utf8'));
    if (typeof found !== 'object' || found === null || !('seq' in found) || !('hash' in found))
      return undefined;
    const { seq, hash } = found;
    return typeof seq === 'number' && typeof hash === 'string' ? { seq, hash } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Not flushed with each write: after a loss of power it may name an earlier entry, never a later one than was durable.
 */
export class HeadFile {
  readonly #file: number;

  constructor(folder: string) {
    const flags = readHead(folder) === undefined ? 'w' : 'r+';
    this.#file = openSync(join(folder, headFile), flags, 0o600);
  }

  write({ seq, hash }: Head): void {
    writeSync(this.#file, `${JSON.stringify({ seq, hash }).padEnd(headBytes - 1)}\n`, 0);
  }

  close(): void {
    fsyncSync(this.#file);
    closeSync(this.#file);
  }
}
