// What one attempt leaves for the next: two files per attempt, of which the program reads one and may write the other.
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  rm,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Dispatch } from '../scheduler/protocol/agentWire.ts';
import type { Token } from '../scheduler/protocol/brands.ts';
import { checkpointBytesMax } from '../scheduler/protocol/limits.ts';
import type { AttemptEnd } from '../scheduler/protocol/attempt.ts';
import type { Environment } from './handlers.ts';
import type { WriteLine } from './logLine.ts';

/** What was found: a text, or why there is none although the program wrote one. */
interface Left {
  readonly checkpoint?: string;
  readonly fault?: string;
}

/** Beside the work folder, since a program may clear that one. */
export class Checkpoints {
  readonly #folder: string;
  readonly #log: WriteLine;

  constructor(folder: string, log: WriteLine) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Makes the attempt's files ready. Where the disk refuses, the attempt begins without, and that is logged. */
  admit({ token, checkpoint }: Pick<Dispatch, 'token' | 'checkpoint'>): Environment {
    try {
      mkdirSync(this.#pathOf(token), { recursive: true, mode: 0o700 });
      if (checkpoint !== undefined) writeFileSync(this.#pathOf(token, 'before'), checkpoint, { mode: 0o600 });
    } catch (error) {
      this.#log('error', `no checkpoint for an attempt: ${(error as Error).message}`, { token });
      return {};
    }
    return {
      MILLRACE_CHECKPOINT: this.#pathOf(token, 'before'),
      MILLRACE_CHECKPOINT_OUT: this.#pathOf(token, 'after'),
    };
  }

  /** What a handler leaves, in the place where a program would write it. */
  keep(token: Token, text: string): void {
    try {
      mkdirSync(this.#pathOf(token), { recursive: true, mode: 0o700 });
      writeFileSync(this.#pathOf(token, 'after'), text, { mode: 0o600 });
    } catch (error) {
      this.#log('error', `a checkpoint cannot be kept: ${(error as Error).message}`, { token });
    }
  }

  /** The end with what the program left, which goes from the disk. One that cannot be kept is said in the message. */
  takeInto(token: Token, end: AttemptEnd): AttemptEnd {
    const { checkpoint, fault } = readLeft(this.#pathOf(token, 'after'));
    rm(this.#pathOf(token), { recursive: true, force: true, maxRetries: 2 }, () => undefined);
    if (checkpoint !== undefined) return { ...end, checkpoint };
    if (fault === undefined) return end;
    const message = end.message === undefined ? fault : `${end.message}; ${fault}`;
    return { ...end, message: message.slice(0, messageMax) };
  }

  /** What earlier lives left: to be called once their attempts have ended. */
  clear(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #pathOf(token: Token, ...names: string[]): string {
    return join(this.#folder, String(token), ...names);
  }
}

const messageMax = 1_000;

/** No more than the bound is read, whatever the program wrote; only a plain file counts, and an empty one is none. */
function readLeft(path: string): Left {
  let fd: number;
  try {
    // O_NONBLOCK: a pipe put in its place must not hold the agent up.
    fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW || 0) | (constants.O_NONBLOCK || 0));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? {} : { fault: `its checkpoint cannot be read (${code ?? 'unknown cause'})` };
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { fault: 'its checkpoint is no plain file' };
    const bytes = Buffer.alloc(checkpointBytesMax + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(fd, bytes, length, bytes.length - length, length);
    if (length > checkpointBytesMax) {
      const size = Math.max(stat.size, length);
      return {
        fault: `its checkpoint has ${String(size)} bytes, at most ${String(checkpointBytesMax)} are kept`,
      };
    }
    return length === 0 ? {} : textOf(bytes.subarray(0, length));
  } catch (error) {
    return { fault: `its checkpoint cannot be read: ${(error as Error).message}` };
  } finally {
    closeSync(fd);
  }
}

function textOf(bytes: Buffer): Left {
  try {
    return { checkpoint: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { fault: 'its checkpoint is no UTF-8 text' };
  }
}
