// The host's end of the journal thread: one promise per question, and one failure that ends them all.
import { Worker } from 'node:worker_threads';
import type { StorageFault } from '../sqlite/fault.ts';
import type { Range } from './record.ts';
import type { Found, FromThread, SnapshotPart, ThreadStart, ToThread } from './threadMessages.ts';

type Answer<Kind extends FromThread['kind']> = Extract<FromThread, { kind: Kind }>;
type Asked = 'written' | 'partWritten' | 'rows';
interface Slot {
  readonly resolve: (answer: FromThread) => void;
  readonly reject: (error: ThreadFailed) => void;
}
export type ThreadOpened =
  { readonly ok: true; readonly value: Found } | { readonly ok: false; readonly reason: StorageFault };

export class ThreadFailed extends Error {
  readonly fault: StorageFault;
  constructor(fault: StorageFault) {
    super(fault.message);
    this.name = 'ThreadFailed';
    this.fault = fault;
  }
}

export class JournalThread {
  readonly opened: Promise<ThreadOpened>;
  /** Set by the owner before anything is asked. */
  onPruned: (rows: number) => void = () => undefined;
  onFailed: (fault: StorageFault) => void = () => undefined;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  /** At most one question of each kind is under way. */
  readonly #slots = new Map<FromThread['kind'], Slot>();
  #settleOpened: (opened: ThreadOpened) => void = () => undefined;
  #failure: ThreadFailed | undefined;
  #isClosed = false;

  constructor(threadFile: URL, start: ThreadStart) {
    this.#worker = new Worker(threadFile, { workerData: start, name: 'journal' });
    this.opened = new Promise((resolve) => {
      this.#settleOpened = resolve;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#fail({ cause: 'unknown', message: 'the journal thread ended by itself' });
        resolve();
      });
    });
    this.#worker.on('error', (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      this.#fail({ cause: 'unknown', message: `the journal thread stopped: ${text}` });
    });
    this.#worker.on('message', (message: FromThread) => {
      this.#take(message);
    });
  }

  write(payload: string, range: Range): Promise<Answer<'written'>> {
    return this.#ask('written', { kind: 'write', payload, ...range });
  }

  writePart(part: SnapshotPart): Promise<Answer<'partWritten'>> {
    return this.#ask('partWritten', { kind: 'snapshotPart', ...part });
  }

  read(afterId: number): Promise<Answer<'rows'>> {
    return this.#ask('rows', { kind: 'read', afterId });
  }

  /** Closes the file and waits for the thread's end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#worker.postMessage({ kind: 'close' } satisfies ToThread);
    await this.#ended;
  }

  #ask<Kind extends Asked>(kind: Kind, message: ToThread): Promise<Answer<Kind>> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      if (this.#slots.has(kind)) throw new Error(`the journal thread is asked twice for ${kind}`);
      this.#slots.set(kind, { resolve: resolve as (answer: FromThread) => void, reject });
      this.#worker.postMessage(message);
    });
  }

  #take(message: FromThread): void {
    switch (message.kind) {
      case 'opened':
        this.#settleOpened({ ok: true, value: message.found });
        return;
      case 'refused':
      case 'failed':
        this.#fail(message.fault);
        return;
      case 'pruned':
        this.onPruned(message.rows);
        return;
      case 'closed':
        this.#isClosed = true;
        return;
      case 'written':
      case 'partWritten':
      case 'rows': {
        const slot = this.#slots.get(message.kind);
        this.#slots.delete(message.kind);
        slot?.resolve(message);
      }
    }
  }

  #fail(fault: StorageFault): void {
    if (this.#failure !== undefined) return;
    const isOrderly = this.#isClosed && this.#slots.size === 0;
    this.#failure = new ThreadFailed(fault);
    this.#settleOpened({ ok: false, reason: fault });
    for (const slot of this.#slots.values()) slot.reject(this.#failure);
    this.#slots.clear();
    if (!isOrderly) this.onFailed(fault);
  }
}
