// A thread that owns one connection to history.db, so that the host never waits for SQLite. Started twice by store.ts:
// as the writer, and as the reader that answers lists while the writer commits.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Database } from '../sqlite/driver.ts';
import { faultOf } from '../sqlite/fault.ts';
import { openDatabase } from '../sqlite/open.ts';
import { readerAnswers } from './queries.ts';
import { historyApplicationId, historyFile, historyMigrations } from './schema.ts';
import { cursorOf, sizesOf, writerAnswers } from './writer.ts';
import type { FromThread, ThreadStart, ToThread } from './threadMessages.ts';

const start = workerData as ThreadStart;
const path = join(start.folder, historyFile);
const port = parentPort;
if (!port) throw new Error('historyThread runs only as a worker of store.ts');
const post = (message: FromThread): void => {
  port.postMessage(message);
};

const opened = openDatabase({
  path,
  applicationId: historyApplicationId,
  migrations: historyMigrations,
  synchronous: 'NORMAL',
  isReader: start.role === 'reader',
  ...(start.pagesMax !== undefined && { pagesMax: start.pagesMax }),
});
if (opened.ok) serve(opened.value);
else {
  post({ kind: 'refused', fault: opened.reason });
  port.close();
}

function serve(database: Database): void {
  let answers: Readonly<Record<string, (asks: never) => unknown>>;
  try {
    answers = start.role === 'writer' ? { ...writerAnswers(database) } : { ...readerAnswers(database) };
    post({ kind: 'opened', cursor: cursorOf(database), sizes: sizesOf(database) });
  } catch (error) {
    post({ kind: 'refused', fault: faultOf(error, path) });
    end(database);
    return;
  }
  port?.on('message', (message: ToThread) => {
    if (message.kind === 'close') {
      end(database);
      return;
    }
    const { id, question, asks } = message;
    try {
      post({ kind: 'answer', id, gets: answers[question]?.(asks as never) });
    } catch (error) {
      post({ kind: 'failed', id, fault: faultOf(error, path) });
    }
  });
}

/** Closes the file before the worker ends: a worker that ends with an open connection aborts the process. */
function end(database: Database): void {
  database.close();
  port?.close();
}
