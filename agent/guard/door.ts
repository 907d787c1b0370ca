// The agent's door for its own attempts: a named pipe in its data folder, and an answer pipe for each question.
import { execFileSync } from 'node:child_process';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Token } from '../../scheduler/protocol/brands.ts';
import type { Environment } from '../handlers.ts';
import type { AttemptName } from '../hubMessages.ts';
import type { WriteLine } from '../logLine.ts';
import { type Answer, exits } from './exits.ts';
import { guardScript } from './guardScript.ts';

/** A question's words: file, text and folder, each of them bounded by the system or by us. */
const askBytesMax = 64 * 1024;

export interface Question {
  readonly attempt: AttemptName;
  readonly folder: string;
  readonly words: readonly string[];
}
export type Ask = (question: Question) => Promise<Answer>;
interface Visitor {
  readonly attempt: AttemptName;
  readonly secret: Buffer;
}

/**
 * Pipes and not a socket, since a shell can use them without any program. An attempt shows that it is itself by a
 * secret in its environment. Systems without named pipes have no door, and attempts there no guard.
 */
export class Door {
  readonly #folder: string;
  readonly #ask: Ask;
  readonly #log: WriteLine;
  readonly #visitors = new Map<Token, Visitor>();
  #pipe: Socket | undefined;
  #rest = '';

  constructor(folder: string, ask: Ask, log: WriteLine) {
    this.#folder = folder;
    this.#ask = ask;
    this.#log = log;
  }

  /** Clears what attempts of an earlier life left. */
  open(): void {
    if (process.platform === 'win32') return;
    try {
      rmSync(this.#folder, { recursive: true, force: true });
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      execFileSync('mkfifo', ['-m', '600', this.#pathOf('asks')]);
      writeFileSync(this.#pathOf('guard'), guardScript, { mode: 0o700 });
      // Open for both, so that the pipe has no end whenever an attempt closes it.
      const fd = openSync(this.#pathOf('asks'), constants.O_RDWR | constants.O_NONBLOCK);
      this.#pipe = new Socket({ fd, readable: true, writable: false });
      this.#pipe.on('data', (chunk: Buffer) => {
        this.#take(chunk.toString('latin1'));
      });
    } catch (error) {
      this.#log('warn', `attempts have no guard on this node: ${(error as Error).message}`);
    }
  }

  /** What an attempt needs to ask. Nothing where there is no door. */
  admit(attempt: AttemptName): Environment {
    if (!this.#pipe) return {};
    const secret = randomBytes(16).toString('hex');
    this.#visitors.set(attempt.token, { attempt, secret: Buffer.from(secret) });
    return {
      MILLRACE_GUARD: this.#pathOf('guard'),
      MILLRACE_DOOR: this.#folder,
      MILLRACE_AGENT: String(process.pid),
      MILLRACE_SECRET: secret,
    };
  }
  dismiss(token: Token): void {
    this.#visitors.delete(token);
  }
  close(): void {
    this.#pipe?.destroy();
    this.#pipe = undefined;
  }

  #take(text: string): void {
    const ids = (this.#rest + text).split('\n');
    this.#rest = (ids.pop() ?? '').slice(-100);
    for (const id of ids) if (/^\d+-\d+-[a-z]+$/.test(id)) void this.#serve(id);
  }

  async #serve(id: string): Promise<void> {
    const question = this.#questionOf(id);
    const pipe = this.#answerPipe(id);
    // Who asked has died meanwhile: then nothing is done in its name.
    if (pipe === undefined) return;
    const answer = question
      ? await this.#ask(question)
      : { code: exits.unknown, said: 'this is not an attempt that runs here' };
    try {
      writeSync(pipe, `${String(answer.code)} ${answer.said.replaceAll(/\s+/g, ' ').slice(0, 1_000)}\n`);
    } catch {
      // It died while it waited. What was done is in the file it named.
    }
    closeSync(pipe);
  }

  #questionOf(id: string): Question | undefined {
    const path = this.#pathOf(`${id}.ask`);
    try {
      if (statSync(path).size > askBytesMax) return undefined;
      const [token = '', secret = '', folder = '', ...words] = readFileSync(path, 'utf8').split('\0');
      const visitor = this.#visitors.get(Number(token) as Token);
      if (!visitor || !isSame(visitor.secret, Buffer.from(secret))) return undefined;
      return { attempt: visitor.attempt, folder, words: words.slice(0, -1) };
    } catch {
      return undefined;
    } finally {
      rmSync(path, { force: true });
    }
  }

  #answerPipe(id: string): number | undefined {
    const path = this.#pathOf(`${id}.answer`);
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      return undefined;
    } finally {
      rmSync(path, { force: true });
    }
  }

  #pathOf(name: string): string {
    return join(this.#folder, name);
  }
}

const isSame = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);
