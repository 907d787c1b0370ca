// The thread that owns journal.db: one row per group commit, snapshots in parts between commits, pruning in chunks.
// Started by journal.ts as a worker; it decides nothing, and stops at the first error of the disk.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Database } from '../sqlite/driver.ts';
import { faultOf } from '../sqlite/fault.ts';
import { openDatabase } from '../sqlite/open.ts';
import { recover, readRows } from './recover.ts';
import { journalApplicationId, journalFile, journalMigrations } from './schema.ts';
import { SnapshotWriter } from './snapshotWriter.ts';
import type { FromThread, Found, ThreadStart, ToThread } from './threadMessages.ts';
import { RowWriter } from './rowWriter.ts';

/** Payload bytes of one answer to `read`: large enough to amortise the message, small enough to hold twice. */
const readBytesMax = 2 * 1024 * 1024;

/** A commit that moves the log into the file took 1 ms with 200 pages and 4 to 9 ms with 1,000, on a quiet disk. */
const checkpointPages = 200;

const start = workerData as ThreadStart;
const path = join(start.folder, journalFile);
const port = parentPort;
if (!port) throw new Error('journalThread runs only as a worker of journal.ts');
const post = (message: FromThread): void => {
  port.postMessage(message);
};

const opened = openDatabase({
  path,
  applicationId: journalApplicationId,
  migrations: journalMigrations,
  synchronous: 'FULL',
  isExclusive: true,
  checkpointPages,
  ...(start.pagesMax !== undefined && { pagesMax: start.pagesMax }),
});
if (opened.ok) begin(opened.value);
else {
  post({ kind: 'refused', fault: opened.reason });
  port.close();
}

function begin(database: Database): void {
  try {
    const recovery = recover(database, path);
    if (recovery.ok) {
      serve(database, recovery.value.chain, recovery.value.found);
      post({ kind: 'opened', found: recovery.value.found });
      return;
    }
    post({ kind: 'refused', fault: recovery.reason });
  } catch (error) {
    post({ kind: 'refused', fault: faultOf(error, path) });
  }
  end(database);
}

function serve(database: Database, chain: Uint8Array, found: Found): void {
  const rows = new RowWriter(database, chain);
  const snapshots = new SnapshotWriter(database, {
    pruned: (count) => {
      post({ kind: 'pruned', rows: count });
    },
    failed: fail,
  });
  snapshots.prune();

  function fail(error: unknown): void {
    post({ kind: 'failed', fault: faultOf(error, path) });
    snapshots.stop();
    end(database);
  }

  function handle(message: ToThread): void {
    switch (message.kind) {
      case 'write': {
        const startedMs = performance.now();
        const bytes = rows.write(message.payload, message);
        post({ kind: 'written', bytes, tookMs: performance.now() - startedMs });
        return;
      }
      case 'snapshotPart':
        post({ kind: 'partWritten', isComplete: snapshots.put(message) });
        return;
      case 'read': {
        const ids = { afterId: message.afterId, lastId: found.lastId };
        post({ kind: 'rows', ...readRows(database, ids, readBytesMax) });
        return;
      }
      case 'close':
        snapshots.stop();
        end(database);
    }
  }
  port?.on('message', (message: ToThread) => {
    if (!database.isOpen) return;
    try {
      handle(message);
    } catch (error) {
      fail(error);
    }
  });
}

/** Closes the file before the worker ends: a worker that ends with an open connection aborts the process. */
function end(database: Database): void {
  if (database.isOpen) database.close();
  post({ kind: 'closed' });
  port?.close();
}
