// A thread that owns one connection to history.db, so that the host never waits for SQLite. Started by store.ts as the
// writer, as the reader that answers while the writer commits, as the builder of the index, and as a copier per job.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Database } from '../sqlite/driver.ts';
import { faultOf, type StorageFault } from '../sqlite/fault.ts';
import { openDatabase } from '../sqlite/open.ts';
import { builderAnswers } from './buildReader.ts';
import { copierAnswers, CopyFailed } from './copier.ts';
import { readerAnswers } from './queries.ts';
import { Damaged } from './records.ts';
import { historyApplicationId, historyFile, historyMigrations } from './schema.ts';
import { cursorOf, writerAnswers } from './writer.ts';
import type { FromThread, Sizes, ThreadStart, ToThread } from './threadMessages.ts';

const start = workerData as ThreadStart;
const path = join(start.folder, historyFile);
const port = parentPort;
if (!port) throw new Error('historyThread runs only as a worker of store.ts');
const post = (message: FromThread): void => {
  port.postMessage(message);
};

/** Pages in the log before they move into the file: 32 MiB, so that pages which change often move once. */
const checkpointPages = 8_000;
/** What the log shrinks to again after a copy kept it from moving: a quarter of a GiB. */
const logBytesMax = 256 * 1024 * 1024;
/** Pages that a connection keeps: 64 MiB hold the upper part of every index of 100,000,000 tasks. */
const cacheKiB = 64 * 1024;

const opened = openDatabase({
  path,
  applicationId: historyApplicationId,
  migrations: historyMigrations,
  synchronous: 'NORMAL',
  isReader: start.role !== 'writer',
  isShrinkable: true,
  checkpointPages,
  logBytesMax,
  ...(start.pagesMax !== undefined && { pagesMax: start.pagesMax }),
});
if (opened.ok) serve(opened.value);
else {
  post({ kind: 'refused', fault: opened.reason });
  port.close();
}

type Ask = (asks: never) => unknown;

function answersOf(database: Database): {
  readonly answers: Readonly<Record<string, Ask>>;
  readonly sizes: Sizes;
} {
  const none: Sizes = { tasks: 0, logBytes: 0, unindexed: 0 };
  switch (start.role) {
    case 'writer': {
      const { sizes, ...answers } = writerAnswers(database);
      return { answers, sizes: sizes() };
    }
    case 'reader': {
      const onDamage = (message: string): void => {
        post({ kind: 'damaged', message });
      };
      return { answers: { ...readerAnswers(database, { budgetMs: start.budgetMs, onDamage }) }, sizes: none };
    }
    case 'builder':
      return { answers: { ...builderAnswers(database) }, sizes: none };
    case 'copier': {
      const onProgress = (done: number, total: number): void => {
        post({ kind: 'progress', done, total });
      };
      const isStopped = (): boolean => start.stop !== undefined && Atomics.load(start.stop, 0) !== 0;
      return { answers: { ...copierAnswers(database, { onProgress, isStopped }) }, sizes: none };
    }
  }
}

function serve(database: Database): void {
  let answers: Readonly<Record<string, Ask>>;
  try {
    database.exec(`PRAGMA cache_size = -${cacheKiB}`);
    const ready = answersOf(database);
    answers = ready.answers;
    post({ kind: 'opened', cursor: cursorOf(database), sizes: ready.sizes });
  } catch (error) {
    post({ kind: 'refused', fault: faultOf(error, path) });
    end(database);
    return;
  }
  port?.on('message', (message: ToThread) => {
    if (message.kind === 'close') end(database);
    else void answer(answers, message);
  });
}

async function answer(
  answers: Readonly<Record<string, Ask>>,
  { id, question, asks }: Extract<ToThread, { kind: 'ask' }>,
): Promise<void> {
  try {
    const gets = answers[question]?.(asks as never);
    post({ kind: 'answer', id, gets: gets instanceof Promise ? await gets : gets });
  } catch (error) {
    post({ kind: 'failed', id, fault: faultIn(error) });
  }
}

const faultIn = (error: unknown): StorageFault =>
  error instanceof Damaged || error instanceof CopyFailed ? error.fault : faultOf(error, path);

/** Closes the file before the worker ends: a worker that ends with an open connection aborts the process. */
function end(database: Database): void {
  database.close();
  port?.close();
}
