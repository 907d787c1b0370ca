// Loaded into the host's process and its threads: the journal's disk may be slow, fail, be full or lose its power at a
// write, as the trial's orders say; and what is durable is noted beside it.
import { openSync, readFileSync, readlinkSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import sqlite, { type DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { threadId } from 'node:worker_threads';
import { encodeMark, readWal, type WalMark } from '../wal.ts';
import { rigFolder, shiftClock } from './clock.ts';
import { rewriteSources } from './rewrite.ts';

/** An order to the disk: obeyed once, at the next write of the journal. */
export type DiskOrder =
  | { readonly kind: 'kill'; readonly moment: 'beforeCommit' | 'afterCommit' }
  | { readonly kind: 'stall'; readonly forMs: number }
  | { readonly kind: 'fail'; readonly isAfterWrite: boolean }
  /** Holds until the file is gone. */
  | { readonly kind: 'full' };

const orderFile = join(rigFolder(), 'order');
const markFile = join(rigFolder(), 'mark');
/** SQLite's words: SQLITE_IOERR_WRITE and SQLITE_FULL. */
const writeErrorCode = 778;
const fullCode = 13;

shiftClock();
// Small enough that snapshots and pruning happen within a trial.
rewriteSources([
  {
    file: '/scheduler/protocol/limits.ts',
    from: /snapshotEveryBytes = 64 \* 1024 \* 1024/,
    to: 'snapshotEveryBytes = 16 * 1024',
  },
]);
if (threadId === 0) await noteHistorySyncs();
else guardWrites();

function guardWrites(): void {
  class GuardedDatabase extends sqlite.DatabaseSync {
    override prepare(sql: string): StatementSync {
      const statement = super.prepare(sql);
      if (!isJournal(this) || isRead(sql)) return statement;
      const plain = statement.run.bind(statement);
      statement.run = ((...values: SQLInputValue[]) => guarded(this, () => plain(...values))) as typeof plain;
      return statement;
    }
    override exec(sql: string): void {
      const plain = (): void => {
        super.exec(sql);
      };
      if (isJournal(this) && /^\s*COMMIT/i.test(sql)) guarded(this, plain);
      else plain();
    }
  }
  // The program takes the driver from the module when it opens its file.
  Object.assign(sqlite, { DatabaseSync: GuardedDatabase });
  syncBuiltinESMExports();
}

const isRead = (sql: string): boolean => /^\s*(SELECT|PRAGMA|EXPLAIN|WITH)/i.test(sql);
const isJournal = (database: DatabaseSync): boolean => database.location()?.endsWith('journal.db') ?? false;

/** The host flushes the log of history.db itself before the journal may forget. */
async function noteHistorySyncs(): Promise<void> {
  const any = await open(import.meta.filename, 'r');
  const handles = Object.getPrototypeOf(any) as FileHandle;
  const plain = Reflect.get<FileHandle, 'sync'>(handles, 'sync');
  await any.close();
  handles.sync = async function (this: FileHandle) {
    const path = readlinkSync(`/proc/self/fd/${this.fd}`);
    const wal = path.endsWith('history.db-wal') ? readWal(path) : undefined;
    await plain.call(this);
    if (wal) writeFileSync(join(rigFolder(), 'history-mark'), encodeMark(wal));
  };
}

let mark: WalMark | undefined;
let markHandle: number | undefined;

function guarded<Result>(database: DatabaseSync, write: () => Result): Result {
  const order = readOrder();
  if (order) before(order);
  const result = write();
  if (database.isTransaction) return result;
  // A power cut here takes what was durable and never told: allowed as well.
  if (order?.kind === 'kill') process.kill(process.pid, 'SIGKILL');
  noteDurable(`${database.location() ?? ''}-wal`);
  if (order?.kind === 'fail') throw failure('disk I/O error after the write', writeErrorCode);
  return result;
}

function before(order: DiskOrder): void {
  if (order.kind === 'full') throw failure('database or disk is full', fullCode);
  rmSync(orderFile, { force: true });
  if (order.kind === 'stall') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.forMs);
  if (order.kind === 'kill' && order.moment === 'beforeCommit') process.kill(process.pid, 'SIGKILL');
  if (order.kind === 'fail' && !order.isAfterWrite) throw failure('disk I/O error', writeErrorCode);
}

function failure(message: string, errcode: number): Error {
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode });
}

function readOrder(): DiskOrder | undefined {
  try {
    return JSON.parse(readFileSync(orderFile, 'utf8')) as DiskOrder;
  } catch {
    return undefined;
  }
}

/** The commit has returned, and with synchronous=FULL it is on the disk then. */
function noteDurable(walFile: string): void {
  const next = readWal(walFile, mark);
  if (!next || (next.salts === mark?.salts && next.frames === mark.frames)) return;
  mark = next;
  if (markHandle === undefined) {
    writeFileSync(markFile, '');
    markHandle = openSync(markFile, 'r+');
  }
  writeSync(markHandle, encodeMark(next), 0, undefined, 0);
}
