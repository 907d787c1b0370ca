// The open file, as its thread serves it: commits, snapshots, reads after a start, live copies, pruning in between.
import { statSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import type { Database } from '../sqlite/driver.ts';
import { backup } from './backup.ts';
import { Feed } from './feed.ts';
import { Pruner } from './pruner.ts';
import { type Recovered, readRows } from './recover.ts';
import { RowWriter } from './rowWriter.ts';
import { readPart } from './snapshotReader.ts';
import { SnapshotWriter } from './snapshotWriter.ts';
import type { FromThread, ToThread } from './threadMessages.ts';

/** Payload bytes of one answer to `read`: large enough to amortise the message, small enough to hold twice. */
const readBytesMax = 2 * 1024 * 1024;
/** How old a size that is shown may be: asking for it costs two calls of the system. */
const sizeEveryMs = 200;

export interface JournalFileParts {
  readonly database: Database;
  readonly path: string;
  readonly feed?: MessagePort;
  readonly recovered: Recovered;
  /** `moved`: buffers that go along without a copy. */
  readonly post: (message: FromThread, moved?: readonly ArrayBuffer[]) => void;
  /** Told once: from then on nothing is served. */
  readonly failed: (error: unknown, file: JournalFile) => void;
}

type Copy = Extract<ToThread, { kind: 'copy' }>;

export class JournalFile {
  readonly #parts: JournalFileParts;
  readonly #rows: RowWriter;
  readonly #snapshots: SnapshotWriter;
  readonly #pruner: Pruner;
  readonly #feed: Feed | undefined;
  #copy: { readonly ended: Promise<void>; isCancelled: boolean } | undefined;
  #isStopped = false;
  #sizeAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: JournalFileParts) {
    const { database, recovered, post } = parts;
    this.#parts = parts;
    this.#rows = new RowWriter(database, recovered.chain);
    this.#snapshots = new SnapshotWriter(database, recovered.badSnapshots);
    this.#pruner = new Pruner({
      database,
      badSnapshots: recovered.badSnapshots,
      openSequence: () => this.#snapshots.openSequence,
      heldTo: () => this.#feed?.heldTo() ?? Number.MAX_SAFE_INTEGER,
      events: {
        pruned: (rows) => {
          post({ kind: 'pruned', rows });
        },
        stepped: (isDone) => {
          this.#tellSize(isDone ? 0 : sizeEveryMs);
        },
        failed: (error) => {
          this.#fail(error);
        },
      },
    });
    const onHeld = (): void => {
      if (!this.#isStopped) this.#pruner.start();
    };
    this.#feed = parts.feed && new Feed({ database, port: parts.feed, onHeld });
    this.#tellSize();
    this.#pruner.start();
  }

  get database(): Database {
    return this.#parts.database;
  }

  handle(message: Exclude<ToThread, { kind: 'close' }>): void {
    if (this.#isStopped) return;
    try {
      this.#serve(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Resolves when nothing uses the file any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#feed?.close();
    this.#pruner.stop();
    if (this.#copy) this.#copy.isCancelled = true;
    await this.#copy?.ended;
  }

  #fail(error: unknown): void {
    this.#isStopped = true;
    this.#parts.failed(error, this);
  }

  #serve(message: Exclude<ToThread, { kind: 'close' }>): void {
    const { database, recovered, post } = this.#parts;
    switch (message.kind) {
      case 'write': {
        const startedMs = performance.now();
        const bytes = this.#rows.write(message.payload, message);
        post({ kind: 'written', bytes, tookMs: performance.now() - startedMs });
        this.#tellSize();
        return;
      }
      case 'snapshotPart':
        post({ kind: 'partWritten', isComplete: this.#snapshots.put(message) });
        this.#tellSize();
        return;
      case 'snapshotEnd':
        this.#endSnapshot(message.sequence);
        return;
      case 'snapshotDrop':
        this.#snapshots.drop();
        this.#pruner.start();
        return;
      case 'read': {
        const ids = { afterId: message.afterId, lastId: recovered.found.lastId };
        post({ kind: 'rows', ...readRows(database, ids, readBytesMax) });
        return;
      }
      case 'readPart': {
        if (!recovered.snapshot) throw new Error('there is no snapshot to read');
        const found = readPart(database, recovered.snapshot, message.part);
        // Only a buffer that holds nothing else may be moved.
        const bytes = found.byteLength === found.buffer.byteLength ? found : new Uint8Array(found);
        post({ kind: 'part', bytes }, [bytes.buffer as ArrayBuffer]);
        return;
      }
      case 'copy':
        this.#beginCopy(message);
        return;
      case 'cancelCopy':
        if (this.#copy) this.#copy.isCancelled = true;
    }
  }

  #endSnapshot(sequence: number): void {
    this.#snapshots.end(sequence);
    this.#parts.post({ kind: 'partWritten', isComplete: true });
    this.#feed?.checkLag();
    this.#pruner.start();
  }

  #beginCopy({ path }: Copy): void {
    const { database, post } = this.#parts;
    this.#pruner.hold();
    const copy = { isCancelled: false, ended: Promise.resolve() };
    const onProgress = ({ done, total }: { done: number; total: number }): void => {
      post({ kind: 'copying', done, total });
    };
    copy.ended = backup(database, path, { onProgress, isCancelled: () => copy.isCancelled }).then((fault) => {
      this.#copy = undefined;
      this.#pruner.release();
      post(fault ? { kind: 'copyFailed', fault } : { kind: 'copied' });
    });
    this.#copy = copy;
  }

  #tellSize(olderThanMs = sizeEveryMs): void {
    const nowMs = performance.now();
    if (nowMs - this.#sizeAtMs < olderThanMs) return;
    this.#sizeAtMs = nowMs;
    const { path, post } = this.#parts;
    const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    post({ kind: 'size', fileBytes: sizeOf(path) + sizeOf(`${path}-wal`) });
  }
}
