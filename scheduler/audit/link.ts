// The host's end of a thread of the audit trail: a promise per question.
import { Worker } from 'node:worker_threads';
import type { StorageFault } from '../sqlite/fault.ts';
import type { FromThread, Question, Questions, ThreadStart, ToThread } from './threadMessages.ts';

/** Why a question has no answer. */
export class AuditFailed extends Error {}

interface Slot {
  readonly resolve: (gets: unknown) => void;
  readonly reject: (error: AuditFailed) => void;
  readonly onProgress: ((done: number, total: number) => void) | undefined;
}
interface AskOptions {
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export class AuditLink {
  /** Undefined once it is open; else why it is not. */
  readonly opened: Promise<StorageFault | undefined>;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #slots = new Map<number, Slot>();
  #asked = 0;
  #end: AuditFailed | undefined;

  constructor(threadFile: URL, start: ThreadStart) {
    this.#worker = new Worker(threadFile, { workerData: start, name: `audit ${start.role}` });
    let why = `the audit ${start.role} has ended`;
    this.#worker.on('error', (error: unknown) => {
      why = `the audit ${start.role} has failed: ${error instanceof Error ? error.message : String(error)}`;
    });
    this.opened = new Promise((resolve) => {
      this.#worker.on('message', (message: FromThread) => {
        if (message.kind === 'opened') resolve(undefined);
        else if (message.kind === 'refused') resolve(message.fault);
        else this.#take(message);
      });
      this.#worker.once('exit', () => {
        resolve({ cause: 'unknown', message: why });
      });
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#end = new AuditFailed(why);
        for (const { reject } of this.#slots.values()) reject(this.#end);
        this.#slots.clear();
        resolve();
      });
    });
  }

  /** Rejects with `AuditFailed`. */
  ask<Name extends Question>(
    question: Name,
    asks: Questions[Name]['asks'],
    { onProgress, signal }: AskOptions = {},
  ): Promise<Questions[Name]['gets']> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve, reject) => {
      if (this.#end) {
        reject(this.#end);
        return;
      }
      // The thread answers each question with what the table names for it.
      this.#slots.set(id, { resolve: resolve as Slot['resolve'], reject, onProgress });
      this.#post({ kind: 'ask', id, question, asks });
      signal?.addEventListener('abort', () => {
        this.#post({ kind: 'stop', id });
      });
    });
  }

  /** What was asked before is answered first. */
  async close(): Promise<void> {
    this.#post({ kind: 'close' });
    await this.#ended;
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #take(message: Extract<FromThread, { readonly id: number }>): void {
    const slot = this.#slots.get(message.id);
    if (message.kind === 'progress') {
      slot?.onProgress?.(message.done, message.total);
      return;
    }
    this.#slots.delete(message.id);
    if (message.kind === 'answer') slot?.resolve(message.gets);
    else slot?.reject(new AuditFailed(message.fault.message));
  }
}
