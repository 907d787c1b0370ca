// Which commands were begun and how they ended: one small file per task and name, durable before the command starts.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import crc32c from 'crc-32/crc32c.js';
import { syncFolder } from '../ledger.ts';
import { type Answer, exits } from './exits.ts';

/** 4 KiB each on most disks. Beyond it a command is refused rather than an old record forgotten. */
const recordsMax = 100_000;
/** Longer than any task may run, three times over. */
const keptDays = 90;
const dayMs = 24 * 3_600_000;
export const onceNameMax = 64;

export interface OnceCall {
  readonly task: string;
  readonly token: number;
  readonly name: string;
}

export class OnceRecords {
  readonly #folder: string;
  #count = 0;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const oldestMs = Date.now() - keptDays * dayMs;
    for (const name of readdirSync(folder)) {
      if (statSync(join(folder, name)).mtimeMs < oldestMs) rmSync(join(folder, name));
      else this.#count += 1;
    }
  }

  /** `run`: it is durable that the command begins. `ended N`: it ran before, with that exit code. */
  begin(call: OnceCall): Answer {
    const path = this.#pathOf(call);
    if (this.#count >= recordsMax)
      return {
        code: exits.full,
        said: `${this.#folder} holds ${String(recordsMax)} records; remove old ones`,
      };
    try {
      write(path, 'wx', `started ${String(call.token)}`);
      syncFolder(this.#folder);
      this.#count += 1;
      return { code: exits.mine, said: 'run' };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return earlier(path);
      // Begun in name only: without a whole line it would count as begun for ever.
      rmSync(path, { force: true });
      return { code: exits.ioError, said: (error as Error).message };
    }
  }

  end(call: OnceCall, exitCode: number): Answer {
    try {
      write(this.#pathOf(call), 'a', `ended ${String(exitCode)}`);
      return { code: exits.mine, said: 'recorded' };
    } catch (error) {
      return { code: exits.ioError, said: (error as Error).message };
    }
  }

  #pathOf({ task, name }: OnceCall): string {
    return join(this.#folder, `${task} ${encodeURIComponent(name)}`);
  }
}

function write(path: string, flags: string, text: string): void {
  const fd = openSync(path, flags, 0o600);
  try {
    writeSync(fd, `${checksum(text)} ${text}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function earlier(path: string): Answer {
  const texts = readFileSync(path, 'utf8').split('\n').filter(Boolean).map(textOf);
  const ended = /^ended (\d+)$/.exec(texts[1] ?? '')?.[1];
  if (ended !== undefined) return { code: exits.mine, said: `ended ${ended}` };
  const token = /^started (\d+)$/.exec(texts[0] ?? '')?.[1] ?? 'unknown';
  const said = `begun by attempt token ${token}, its end is unknown; remove ${path} to let it run again`;
  return { code: exits.ioError, said };
}

/** A line that is not as it was written says nothing. */
function textOf(line: string): string {
  const text = line.slice(9);
  return line.slice(0, 8) === checksum(text) ? text : '';
}

const checksum = (text: string): string => (crc32c.str(text) >>> 0).toString(16).padStart(8, '0');
