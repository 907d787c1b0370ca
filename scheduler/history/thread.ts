// The host's end of a history thread: a promise per question.
import { Worker } from 'node:worker_threads';
import type { StorageFault } from '../sqlite/fault.ts';
import type {
  FromThread,
  Question,
  Questions,
  Sizes,
  ThreadStart,
  Told,
  ToThread,
} from './threadMessages.ts';

export interface Ready {
  readonly cursor: number;
  readonly sizes: Sizes;
}
export type ThreadOpened =
  { readonly ok: true; readonly value: Ready } | { readonly ok: false; readonly reason: StorageFault };

/** Why a question has no answer. */
export class HistoryFailed extends Error {
  readonly fault: StorageFault;
  constructor(fault: StorageFault) {
    super(fault.message);
    this.name = 'HistoryFailed';
    this.fault = fault;
  }
}

interface Slot {
  readonly resolve: (gets: unknown) => void;
  readonly reject: (error: HistoryFailed) => void;
}

export class HistoryThread<Asked extends Question> {
  readonly opened: Promise<ThreadOpened>;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #slots = new Map<number, Slot>();
  #settleOpened: (opened: ThreadOpened) => void = () => undefined;
  #asked = 0;
  #end: HistoryFailed | undefined;

  readonly #onTold: (told: Told) => void;

  constructor(threadFile: URL, start: ThreadStart, onTold: (told: Told) => void = () => undefined) {
    this.#onTold = onTold;
    this.#worker = new Worker(threadFile, { workerData: start, name: `history ${start.role}` });
    this.opened = new Promise((resolve) => {
      this.#settleOpened = resolve;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#stop({ cause: 'unknown', message: `the history ${start.role} has ended` });
        resolve();
      });
    });
    this.#worker.on('error', (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      this.#stop({ cause: 'unknown', message: `the history ${start.role} stopped: ${text}` });
    });
    this.#worker.on('message', (message: FromThread) => {
      this.#take(message);
    });
  }

  /** Rejects with `HistoryFailed` where the thread could not do it, or has ended. */
  ask<Name extends Asked>(question: Name, asks: Questions[Name]['asks']): Promise<Questions[Name]['gets']> {
    return new Promise<Questions[Name]['gets']>((resolve, reject) => {
      if (this.#end) {
        reject(this.#end);
        return;
      }
      this.#asked += 1;
      const id = this.#asked;
      this.#slots.set(id, { resolve: resolve as (gets: unknown) => void, reject });
      this.#worker.postMessage({ kind: 'ask', id, question, asks } satisfies ToThread);
    });
  }

  /** Answers what was asked before, then closes the file and ends. */
  async close(): Promise<void> {
    this.#worker.postMessage({ kind: 'close' } satisfies ToThread);
    await this.#ended;
  }

  #take(message: FromThread): void {
    switch (message.kind) {
      case 'opened':
        this.#settleOpened({ ok: true, value: message });
        return;
      case 'refused':
        this.#stop(message.fault);
        return;
      case 'answer':
        this.#slots.get(message.id)?.resolve(message.gets);
        this.#slots.delete(message.id);
        return;
      case 'failed':
        this.#slots.get(message.id)?.reject(new HistoryFailed(message.fault));
        this.#slots.delete(message.id);
        return;
      case 'progress':
      case 'damaged':
        this.#onTold(message);
    }
  }

  #stop(fault: StorageFault): void {
    this.#end ??= new HistoryFailed(fault);
    this.#settleOpened({ ok: false, reason: fault });
    for (const slot of this.#slots.values()) slot.reject(this.#end);
    this.#slots.clear();
  }
}
