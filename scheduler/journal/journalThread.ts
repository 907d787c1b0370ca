// The thread that owns journal.db: one row per group commit, snapshots in parts between commits, pruning in chunks.
// Started by journal.ts as a worker; it decides nothing, and stops at the first error of the disk.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Database } from '../sqlite/driver.ts';
import { faultOf } from '../sqlite/fault.ts';
import { openDatabase } from '../sqlite/open.ts';
import { JournalFile } from './journalFile.ts';
import { recover } from './recover.ts';
import { journalApplicationId, journalFile, journalMigrations } from './schema.ts';
import type { FromThread, ThreadStart, ToThread } from './threadMessages.ts';

/** A commit that moves the log into the file took 1 ms with 200 pages and 4 to 9 ms with 1,000, on a quiet disk. */
const checkpointPages = 200;
/** The log is cut to this once its content is in the file: a large row alone would let it stay large. */
const logBytesMax = 8 * 1024 * 1024;

const start = workerData as ThreadStart;
const path = join(start.folder, journalFile);
const port = parentPort;
if (!port) throw new Error('journalThread runs only as a worker of journal.ts');
const post = (message: FromThread, moved: readonly ArrayBuffer[] = []): void => {
  port.postMessage(message, moved);
};

const opened = openDatabase({
  path,
  applicationId: journalApplicationId,
  migrations: journalMigrations,
  synchronous: 'FULL',
  isExclusive: true,
  isShrinkable: true,
  checkpointPages,
  logBytesMax,
  pagesMax: start.pagesMax,
});
if (opened.ok) begin(opened.value);
else {
  start.feed?.close();
  post({ kind: 'refused', fault: opened.reason });
  port.close();
}

function begin(database: Database): void {
  try {
    const recovery = recover(database, path, (done, total) => {
      post({ kind: 'checking', done, total });
    });
    if (recovery.ok) {
      serve(new JournalFile({ ...start, database, path, recovered: recovery.value, post, failed }));
      post({ kind: 'opened', found: recovery.value.found });
      return;
    }
    post({ kind: 'refused', fault: recovery.reason });
  } catch (error) {
    post({ kind: 'refused', fault: faultOf(error, path) });
  }
  end(database);
}

function serve(file: JournalFile): void {
  port?.on('message', (message: ToThread) => {
    if (!file.database.isOpen) return;
    if (message.kind !== 'close') file.handle(message);
    else
      void file.stop().then(() => {
        end(file.database);
      });
  });
}

/** For good: a journal that lost one write cannot promise the next. */
function failed(error: unknown, file: JournalFile): void {
  post({ kind: 'failed', fault: faultOf(error, path) });
  void file.stop().then(() => {
    end(file.database);
  });
}

/** Closes the file before the worker ends: a worker that ends with an open connection aborts the process. */
function end(database: Database): void {
  start.feed?.close();
  if (database.isOpen) database.close();
  post({ kind: 'closed' });
  port?.close();
}
