// Exports and backups, on a thread and a connection of their own: each reads one moment of the file, and neither the
// reader nor the writer waits for it.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { taskId as taskIdOf } from '../protocol/brands.ts';
import type { TaskRow } from '../protocol/view.ts';
import type { Database } from '../sqlite/driver.ts';
import { loadDriver } from '../sqlite/driver.ts';
import type { StorageFault } from '../sqlite/fault.ts';
import { countOf } from './counts.ts';
import { type ExportRow, exportRowOf } from './exportRow.ts';
import { sinkOf } from './exportSinks.ts';
import { hasLegacy } from './legacyQueries.ts';
import { rowOfMatch } from './queries.ts';
import { Budget, pageBudgetMs } from './reading.ts';
import { searchOf } from './search.ts';
import { segmentIn } from './segmentBook.ts';
import { type Match, SegmentWalk } from './segmentWalk.ts';
import type { Answers, CopierQuestion, Questions } from './threadMessages.ts';

/** Rows that are written at a time, some 20 ms; then progress is told and a wish to stop is seen. */
const rowsAtOnce = 1_000;
/** Pages that are copied at a time: 4 MiB. */
const pagesAtOnce = 1_024;

export interface CopierOptions {
  readonly onProgress: (done: number, total: number) => void;
  readonly isStopped: () => boolean;
}

/** The work was ended from outside, or cannot be done. */
export class CopyFailed extends Error {
  readonly fault: StorageFault;
  constructor(cause: StorageFault['cause'], message: string) {
    super(message);
    this.fault = { cause, message };
  }
}
const stopped = (path: string): CopyFailed =>
  new CopyFailed('unknown', `${path} was not made: it was cancelled`);

export function copierAnswers(database: Database, options: CopierOptions): Answers<CopierQuestion> {
  return {
    export: (ask) =>
      intoNewFile(ask.path, (part) => ({ rows: exportInto(database, { ...ask, path: part }, options) })),
    backup: async ({ path }) => {
      await intoNewFile(path, (part) => backupInto(database, part, options));
      return undefined;
    },
  };
}

/** Makes `path` whole or not at all: the work is done beside it, flushed, and renamed. */
async function intoNewFile<Made>(
  path: string,
  make: (part: string) => Made | Promise<Made>,
): Promise<Made & { readonly bytes: number }> {
  const part = `${path}.part`;
  try {
    if (existsSync(path)) throw new CopyFailed('cannot_open', `${path} exists: choose another name`);
    if (existsSync(part))
      throw new CopyFailed('cannot_open', `${part} exists: another copy is under way, or delete it`);
  } catch (error) {
    throw faultFor(error, path);
  }
  try {
    const made = await make(part);
    flush(part);
    const bytes = statSync(part).size;
    renameSync(part, path);
    flush(dirname(path));
    return { ...made, bytes };
  } catch (error) {
    for (const rest of [part, `${part}-journal`, `${part}-wal`, `${part}-shm`]) rmSync(rest, { force: true });
    throw faultFor(error, path);
  }
}

function faultFor(error: unknown, path: string): unknown {
  const isOfSystem = error instanceof Error && 'code' in error && 'syscall' in error;
  if (!isOfSystem) return error;
  const cause = error.code === 'ENOSPC' ? 'disk_full' : 'cannot_open';
  return new CopyFailed(cause, `${path} cannot be written: ${error.message}`);
}

function flush(path: string): void {
  // Windows cannot flush a folder, and does not need it.
  if (process.platform === 'win32' && statSync(path).isDirectory()) return;
  const file = openSync(path, statSync(path).isDirectory() ? 'r' : 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function exportInto(
  database: Database,
  { path, filter, format }: Questions['export']['asks'],
  { onProgress, isStopped }: CopierOptions,
): number {
  if (hasLegacy(database))
    throw new CopyFailed(
      'in_use',
      `${path}: tasks of an older version are still being moved; export again when that is done`,
    );
  const walk = new SegmentWalk(database);
  const file = openSync(path, 'wx');
  database.exec('BEGIN');
  try {
    const sink = sinkOf(format, file);
    const reading = { database, walk, budget: new Budget(pageBudgetMs) };
    const { total } = countOf(reading, filter);
    let rows: ExportRow[] = [];
    let done = 0;
    const put = (): void => {
      sink.write(rows);
      done += rows.length;
      rows = [];
      onProgress(done, Math.max(done, total));
      if (isStopped()) throw stopped(path);
    };
    for (const match of matchesUp(database, walk, filter)) {
      rows.push(exportRowOfMatch(database, match));
      if (rows.length === rowsAtOnce) put();
    }
    put();
    sink.finish();
    return done;
  } finally {
    database.exec('COMMIT');
    closeSync(file);
  }
}

/** What matches, oldest first. */
function* matchesUp(
  database: Database,
  walk: SegmentWalk,
  filter: Questions['export']['asks']['filter'],
): Generator<Match> {
  const search = searchOf(database, filter);
  if (search.isEmpty) return;
  const segments = database.prepare('SELECT * FROM segment WHERE segment >= ? ORDER BY segment LIMIT 1');
  let next = segments.get(0);
  while (next) {
    const segment = segmentIn(next);
    const isInTime = segment.submittedMax >= search.sinceMs && segment.submittedMin < search.untilMs;
    const ids = isInTime ? [...walk.idsThatMatch(search, segment)].sort((a, b) => a - b) : [];
    for (const id of ids) {
      const match = walk.matchOf(search, id);
      if (match) yield match;
    }
    next = segments.get(segment.segment + 1);
  }
}

function exportRowOfMatch(database: Database, match: Match): ExportRow {
  if (match.record) return exportRowOf(match.record);
  return damagedRow(rowOfMatch(database, match));
}

/** Of a damaged record: what its columns tell, and that it is damaged. */
function damagedRow(row: TaskRow): ExportRow {
  return {
    task_id: taskIdOf(row.taskId),
    name: row.name,
    kind: row.kind,
    queue: row.queue,
    tenant: row.tenant,
    priority: null,
    state: row.state,
    submitter: null,
    submitted_at: row.submittedAtMs,
    started_at: null,
    ended_at: row.endedAtMs ?? null,
    wait_ms: null,
    run_ms: null,
    node: row.nodeId ?? null,
    attempts: null,
    exit_code: null,
    reason: row.reason ?? null,
    labels: '{}',
    program: null,
  };
}

/** In steps, of the moment at which it begins: a read transaction that is open keeps SQLite from starting over. */
async function backupInto(
  database: Database,
  path: string,
  { onProgress, isStopped }: CopierOptions,
): Promise<Record<string, never>> {
  database.exec('BEGIN');
  try {
    database.prepare('SELECT count(*) FROM meta').get(); // the transaction begins with the first read
    await loadDriver().backup(database, path, {
      rate: pagesAtOnce,
      progress: ({ totalPages, remainingPages }) => {
        onProgress(totalPages - remainingPages, totalPages);
        if (isStopped()) throw stopped(path);
      },
    });
    return {};
  } finally {
    database.exec('COMMIT');
  }
}
