// A thread that owns one connection to audit.db: as the writer, whose commits are flushed, or as the reader. Started by
// trail.ts, so that the host never waits for a disk or for a long look.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Database } from '../sqlite/driver.ts';
import { faultOf } from '../sqlite/fault.ts';
import { openDatabase } from '../sqlite/open.ts';
import { exportEntries } from './export.ts';
import { readHead } from './head.ts';
import { facetsOf, listEntries, oldestAt } from './reader.ts';
import { auditApplicationId, auditFile, auditMigrations } from './schema.ts';
import type { ExportAsks, Facts, FromThread, Question, ThreadStart, ToThread } from './threadMessages.ts';
import { verifyRows } from './verify.ts';
import { AuditWriter } from './writer.ts';

const start = workerData as ThreadStart;
const path = join(start.folder, auditFile);
const port = parentPort;
if (!port) throw new Error('auditThread runs only as a worker of trail.ts');
const post = (message: FromThread): void => {
  port.postMessage(message);
};

/** Work that gives others their turn: each step says how far it is. */
type Steps = Generator<{ readonly done: number; readonly total: number }, unknown>;
type Answers = Readonly<Partial<Record<Question, (asks: never) => unknown>>>;
const stopped = new Set<number>();

const opened = openDatabase({
  path,
  applicationId: auditApplicationId,
  migrations: auditMigrations,
  synchronous: 'FULL',
  isReader: start.role === 'reader',
  ...(start.pagesMax !== undefined && { pagesMax: start.pagesMax }),
});
if (opened.ok) serve(opened.value);
else {
  post({ kind: 'refused', fault: opened.reason });
  port.close();
}

function serve(database: Database): void {
  const writer =
    start.role === 'writer' ? new AuditWriter(database, start.folder, start.bytesMax) : undefined;
  const answers: Answers = writer
    ? { begin: ({ atMs }: { atMs: number }) => writer.begin(atMs), append: writer.append.bind(writer) }
    : readerAnswers(database);
  port?.on('message', (message: ToThread) => {
    if (message.kind === 'stop') stopped.add(message.id);
    else if (message.kind === 'ask') void answer(answers, message);
    else {
      if (writer) writer.close();
      else database.close();
      port.close();
    }
  });
  post({ kind: 'opened' });
}

function readerAnswers(database: Database): Answers {
  return {
    list: (asks: Parameters<typeof listEntries>[1]) => listEntries(database, asks),
    facts: (): Facts => {
      const oldestAtMs = oldestAt(database);
      const facets = { actors: facetsOf(database, 'actor'), actions: facetsOf(database, 'action') };
      return { ...facets, ...(oldestAtMs !== undefined && { oldestAtMs }) };
    },
    // The head first: what is written meanwhile only makes the trail longer than it says.
    verify: () => verifyRows(database, readHead(start.folder)),
    export: (asks: ExportAsks) => exportSteps(database, asks),
  };
}

function* exportSteps(database: Database, asks: ExportAsks): Steps {
  const row = database.prepare('SELECT min(seq) AS first, max(seq) AS last FROM entry').get() ?? {};
  const [firstSeq, seq] = [Number(row['first'] ?? 0), Number(row['last'] ?? 0)];
  const hash = String(database.prepare('SELECT hash FROM entry WHERE seq = ?').get(seq)?.['hash'] ?? '');
  let isDone = false;
  try {
    const steps = exportEntries(database, asks, { firstSeq, last: { seq, hash } });
    for (;;) {
      const step = steps.next();
      if (step.done) {
        isDone = true;
        return { bytes: step.value };
      }
      yield { done: step.value, total: 0 };
    }
  } finally {
    if (!isDone) rmSync(asks.path, { force: true });
  }
}

async function answer(
  answers: Answers,
  { id, question, asks }: Extract<ToThread, { kind: 'ask' }>,
): Promise<void> {
  try {
    const gets = answers[question]?.(asks as never);
    post({ kind: 'answer', id, gets: isSteps(gets) ? await finish(id, gets) : gets });
  } catch (error) {
    post({ kind: 'failed', id, fault: faultOf(error, path) });
  } finally {
    stopped.delete(id);
  }
}

async function finish(id: number, steps: Steps): Promise<unknown> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    post({ kind: 'progress', id, done: step.value.done, total: step.value.total });
    await new Promise((resolve) => setImmediate(resolve));
    if (!stopped.has(id)) continue;
    steps.return(undefined);
    throw new Error('it was stopped');
  }
}

function isSteps(gets: unknown): gets is Steps {
  return typeof gets === 'object' && gets !== null && Symbol.iterator in gets && 'next' in gets;
}
