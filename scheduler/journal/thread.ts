// The host's end of the journal thread: one promise per question, and one failure that ends them all.
import { Worker } from 'node:worker_threads';
import type { StorageFault } from '../sqlite/fault.ts';
import type { Range } from './record.ts';
import type { Found, FromThread, SnapshotPart, ThreadStart, ToThread } from './threadMessages.ts';

type Answer<Kind extends FromThread['kind']> = Extract<FromThread, { kind: Kind }>;
const asked = ['written', 'partWritten', 'rows', 'part', 'copied'] as const;
type Asked = (typeof asked)[number];
const isAnswer = (message: FromThread): message is Answer<Asked> =>
  (asked as readonly string[]).includes(message.kind);
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
  onCopying: (done: number, total: number) => void = () => undefined;
  /** Bytes of the file and its log, a moment ago. */
  fileBytes = 0;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  /** Who waits for an answer, by its kind, in the order of the questions. */
  readonly #slots = new Map<FromThread['kind'], Slot[]>();
  readonly #onChecking: (done: number, total: number) => void;
  #settleOpened: (opened: ThreadOpened) => void = () => undefined;
  #failure: ThreadFailed | undefined;
  #isClosed = false;

  constructor(threadFile: URL, start: ThreadStart, onChecking: (done: number, total: number) => void) {
    this.#onChecking = onChecking;
    this.#worker = new Worker(threadFile, {
      workerData: start,
      name: 'journal',
      transferList: start.feed ? [start.feed] : [],
    });
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

  endSnapshot(sequence: number): Promise<Answer<'partWritten'>> {
    return this.#ask('partWritten', { kind: 'snapshotEnd', sequence });
  }

  dropSnapshot(): void {
    this.#worker.postMessage({ kind: 'snapshotDrop' } satisfies ToThread);
  }

  read(afterId: number): Promise<Answer<'rows'>> {
    return this.#ask('rows', { kind: 'read', afterId });
  }

  readPart(part: number): Promise<Answer<'part'>> {
    return this.#ask('part', { kind: 'readPart', part });
  }

  /** Rejects with `ThreadFailed` where this copy cannot be made; the journal goes on. One at a time. */
  copy(path: string): Promise<unknown> {
    return this.#ask('copied', { kind: 'copy', path });
  }

  cancelCopy(): void {
    this.#worker.postMessage({ kind: 'cancelCopy' } satisfies ToThread);
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
      const waiting = this.#slots.get(kind) ?? [];
      waiting.push({ resolve: resolve as (answer: FromThread) => void, reject });
      this.#slots.set(kind, waiting);
      this.#worker.postMessage(message);
    });
  }

  // One line per message: splitting it would only hide the list.
  // eslint-disable-next-line complexity
  #take(message: FromThread): void {
    if (isAnswer(message)) {
      this.#slots.get(message.kind)?.shift()?.resolve(message);
      return;
    }
    switch (message.kind) {
      case 'opened':
        this.#settleOpened({ ok: true, value: message.found });
        break;
      case 'refused':
      case 'failed':
        this.#fail(message.fault);
        break;
      case 'copyFailed':
        this.#slots.get('copied')?.shift()?.reject(new ThreadFailed(message.fault));
        break;
      case 'checking':
        this.#onChecking(message.done, message.total);
        break;
      case 'size':
        this.fileBytes = message.fileBytes;
        break;
      case 'copying':
        this.onCopying(message.done, message.total);
        break;
      case 'pruned':
        this.onPruned(message.rows);
        break;
      case 'closed':
        this.#isClosed = true;
    }
  }

  #fail(fault: StorageFault): void {
    if (this.#failure !== undefined) return;
    const waiting = [...this.#slots.values()].flat();
    const isOrderly = this.#isClosed && waiting.length === 0;
    this.#failure = new ThreadFailed(fault);
    this.#settleOpened({ ok: false, reason: fault });
    this.#slots.clear();
    for (const slot of waiting) slot.reject(this.#failure);
    if (!isOrderly) this.onFailed(fault);
  }
}
