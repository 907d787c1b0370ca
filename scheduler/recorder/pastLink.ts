// The host's end of the thread that holds the past: begun at the first question, ended when none came for a while, so
// that a second core takes memory only while somebody looks at it.
import { Worker } from 'node:worker_threads';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { PastAsks, PastQuestion, RecorderResults } from '../protocol/recorder.ts';
import type { FromPast, PastAsk, PastStart, ToPast } from './pastMessages.ts';

/** How long a past is kept after the last question. */
const idleMs = 5 * 60_000;

type Settle = (outcome: Outcome<RecorderResults[PastQuestion], Refusal>) => void;

export class PastLink {
  readonly #threadFile: URL;
  readonly #start: PastStart;
  readonly #onNotice: (message: string) => void;
  readonly #waiting = new Map<number, Settle>();
  #worker: Worker | undefined;
  #ended: Promise<void> = Promise.resolve();
  #asked = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  /** The seek under way. */
  seeking: { readonly atMs: number; readonly done: number; readonly total: number } | undefined;

  constructor(threadFile: URL, start: PastStart, onNotice: (message: string) => void) {
    this.#threadFile = threadFile;
    this.#start = start;
    this.#onNotice = onNotice;
  }

  async ask<Name extends PastQuestion>(
    question: Name,
    asks: PastAsks<Name>,
  ): Promise<Outcome<RecorderResults[Name], Refusal>> {
    if (this.#isClosed) return refused(refusal('stopping', 'the scheduler is stopping'));
    clearTimeout(this.#idle);
    this.#worker ??= this.#begin();
    this.#asked += 1;
    const ask = { kind: 'ask', id: this.#asked, question, asks } as PastAsk;
    const answer = await new Promise<Outcome<RecorderResults[PastQuestion], Refusal>>((resolve) => {
      this.#waiting.set(ask.id, resolve);
      this.#worker?.postMessage(ask satisfies ToPast);
    });
    if (this.#waiting.size === 0) this.#restart();
    return answer as Outcome<RecorderResults[Name], Refusal>;
  }

  stop(): boolean {
    if (!this.seeking) return false;
    this.#worker?.postMessage({ kind: 'stop' } satisfies ToPast);
    return true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#end();
    await this.#ended;
  }

  #begin(): Worker {
    const worker = new Worker(this.#threadFile, { workerData: this.#start, name: 'past' });
    worker.on('message', (message: FromPast) => {
      this.#take(message);
    });
    let why = 'the thread of the past has ended';
    worker.on('error', (error: unknown) => {
      why = `the past cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
    });
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        // One that was ended for idleness leaves nobody waiting.
        if (this.#worker === worker || this.#isClosed) this.#refuseAll(why);
        resolve();
      });
    });
    return worker;
  }

  #take(message: FromPast): void {
    switch (message.kind) {
      case 'answer':
        this.#settle(message.id, accepted(message.gets));
        return;
      case 'refused':
        this.#settle(message.id, refused(message.refusal));
        return;
      case 'seeking':
        this.seeking = { atMs: message.atMs, done: message.done, total: message.total };
        return;
      case 'sought':
        this.seeking = undefined;
        return;
      case 'notice':
        this.#onNotice(message.message);
    }
  }

  #settle(id: number, outcome: Parameters<Settle>[0]): void {
    this.#waiting.get(id)?.(outcome);
    this.#waiting.delete(id);
  }

  #refuseAll(why: string): void {
    this.#worker = undefined;
    this.seeking = undefined;
    for (const settle of this.#waiting.values()) settle(refused(refusal('storage_failed', why)));
    this.#waiting.clear();
  }

  #restart(): void {
    if (this.#isClosed) return;
    this.#idle = setTimeout(() => {
      this.#end();
    }, idleMs);
    this.#idle.unref();
  }

  #end(): void {
    clearTimeout(this.#idle);
    this.#worker?.postMessage({ kind: 'close' } satisfies ToPast);
    this.#worker = undefined;
  }
}
