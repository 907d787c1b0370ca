// Follows the journal: asks its thread for what is new, writes it down, and says what is on the disk here, so that the
// journal may let it go. Runs on the recorder's thread.
import type { MessagePort } from 'node:worker_threads';
import type { FedHead, FedRow, FromFeed, ToFeed } from '../journal/feedMessages.ts';
import type { Database } from '../sqlite/driver.ts';
import { inTransaction } from '../sqlite/open.ts';
import { type Bounds, Recording } from './recording.ts';

/** Rest once all is read: a window that looks at "now" asks sooner. */
const restMs = 500;
/** Bytes after which what was written is flushed, and the time after which it is flushed anyway. */
const flushEveryBytes = 16 * 1024 * 1024;
const flushEveryMs = 30_000;

type Answer<Kind extends FromFeed['kind']> = Extract<FromFeed, { kind: Kind }>;

export interface FollowerParts {
  readonly database: Database;
  readonly port: MessagePort;
  readonly clock: () => number;
  readonly snapshotEveryBytes?: number | undefined;
  readonly onNotice: (message: string) => void;
}

export class Follower {
  readonly recording: Recording;
  readonly #parts: FollowerParts;
  #bounds: Bounds;
  #isStopped = false;
  #held = 0;
  #unflushed = 0;
  #flushedMs = 0;
  #rest: { readonly wake: () => void } | undefined;
  #caughtUp: (() => void)[] = [];
  #settle: ((answer: FromFeed | undefined) => void) | undefined;

  constructor(parts: FollowerParts, bounds: Bounds) {
    this.#parts = parts;
    this.#bounds = bounds;
    this.recording = new Recording(parts.database, parts.snapshotEveryBytes);
    parts.port.on('message', (answer: FromFeed) => {
      this.#settle?.(answer);
    });
    parts.port.on('close', () => {
      this.#isStopped = true;
      this.#settle?.(undefined);
      this.#rest?.wake();
    });
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** They hold at once, also for one that rests because its disk is full. */
  setBounds(bounds: Bounds): void {
    this.#bounds = bounds;
    this.#rest?.wake();
  }

  /**
   * Resolves when it was stopped, or the journal has gone; rejects where the file cannot be written, and may then be
   * run again. `onWritten`: what the journal held is written down.
   */
  async run(onWritten: () => void = () => undefined): Promise<void> {
    try {
      this.#dropOld();
      await this.#begin();
      for (let isFirst = true; this.#isRunning(); isFirst = false) {
        const asked = this.#caughtUp.length;
        while (await this.#readRows());
        await this.#readSnapshots();
        this.#flushIfDue();
        this.#dropOld();
        if (isFirst && this.#isRunning()) onWritten();
        for (const resolve of this.#caughtUp.splice(0, asked)) resolve();
        if (this.#isRunning() && this.#caughtUp.length === 0) await this.rest(restMs);
      }
    } finally {
      for (const resolve of this.#caughtUp.splice(0)) resolve();
    }
  }

  #dropOld(): void {
    while (this.#isRunning() && this.recording.drop(this.#parts.clock(), this.#bounds));
  }

  /** Resolves once all that is durable now is written down. */
  caughtUp(): Promise<void> {
    return new Promise((resolve) => {
      this.#caughtUp.push(resolve);
      this.#rest?.wake();
      if (this.#isStopped) resolve();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#parts.port.postMessage({ kind: 'bye' } satisfies ToFeed);
    this.#rest?.wake();
    this.#settle?.(undefined);
  }

  #isRunning(): boolean {
    return !this.#isStopped;
  }

  async #begin(): Promise<void> {
    const at = this.recording.cursor();
    const hello = at && (await this.#ask('hello', { kind: 'hello', at }));
    if (!hello) return;
    if (hello.isSame) this.#flush();
    else {
      this.#parts.onNotice('recorder.db belongs to another journal: a new record begins');
      this.recording.clear();
    }
  }

  /** True: there are more. */
  async #readRows(): Promise<boolean> {
    const at = this.recording.cursor();
    const answer = await this.#ask('rows', { kind: 'rows', afterId: at?.id ?? 0, held: this.#held });
    if (!answer) return false;
    for (const rows of unbroken(answer.rows)) {
      if (at && rows[0].first > at.last + 1 && rows[0] === answer.rows[0])
        this.#parts.onNotice(
          `batches ${at.last + 1} to ${rows[0].first - 1} were not recorded: the journal no longer holds them`,
        );
      this.recording.add(rows);
      for (const { payload } of rows) this.#unflushed += payload.byteLength;
    }
    this.#flushIfDue();
    return answer.isMore && !this.#isStopped;
  }

  async #readSnapshots(): Promise<void> {
    const answer = await this.#ask('heads', { kind: 'heads' });
    for (const head of [...(answer?.heads ?? [])].reverse())
      if (!this.#isStopped && this.recording.wants(head)) await this.#readSnapshot(head);
  }

  async #readSnapshot(head: FedHead): Promise<void> {
    const { sequence } = head;
    let atMs = 0;
    let stored = 0;
    for (let part = 0; part < head.parts; part += 1) {
      const answer = await this.#ask('part', { kind: 'part', sequence, part });
      if (!answer?.bytes) {
        this.recording.dropSnapshot(sequence);
        return;
      }
      if (part === 0) atMs = timeOfHead(answer.bytes);
      stored += this.recording.putPart(sequence, part, answer.bytes);
      this.#unflushed += answer.bytes.byteLength;
    }
    inTransaction(this.#parts.database, () => {
      this.recording.endSnapshot(head, atMs, stored);
    });
  }

  #flushIfDue(): void {
    const isDue = this.#parts.clock() - this.#flushedMs >= flushEveryMs && this.#unflushed > 0;
    if (isDue || this.#unflushed >= flushEveryBytes) this.#flush();
  }

  /** After a checkpoint of the whole log all that was written is on the disk. A reader may put it off. */
  #flush(): void {
    const [, log, moved] = Object.values(
      this.#parts.database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get() ?? {},
    );
    this.#flushedMs = this.#parts.clock();
    if (log !== moved) return;
    this.#unflushed = 0;
    this.#held = this.recording.cursor()?.id ?? 0;
  }

  #ask<Kind extends FromFeed['kind']>(kind: Kind, ask: ToFeed): Promise<Answer<Kind> | undefined> {
    if (this.#isStopped) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#settle = (answer) => {
        this.#settle = undefined;
        if (answer?.kind === 'failed')
          reject(new Error(`the journal could not be followed: ${answer.message}`));
        else resolve(answer?.kind === kind ? (answer as Answer<Kind>) : undefined);
      };
      this.#parts.port.postMessage(ask);
    });
  }

  /** Until then, or until somebody asks for something. */
  rest(forMs: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#rest = undefined;
        resolve();
      };
      const timer = setTimeout(wake, forMs);
      this.#rest = { wake };
    });
  }
}

/** Runs of rows without a gap between them. */
function* unbroken(rows: readonly FedRow[]): Generator<readonly [FedRow, ...FedRow[]]> {
  let run: [FedRow, ...FedRow[]] | undefined;
  for (const row of rows) {
    if (run && row.first === (run.at(-1)?.last ?? 0) + 1) run.push(row);
    else {
      if (run) yield run;
      run = [row];
    }
  }
  if (run) yield run;
}

/** Every format of snapshots has the time in its first part. */
function timeOfHead(bytes: Uint8Array): number {
  const head = JSON.parse(Buffer.from(bytes).toString('utf8')) as { readonly lastBatchAtMs?: number };
  return head.lastBatchAtMs ?? 0;
}
