// Copies a journal row by row into a new file, in small steps, while commits go on: what is there when it begins. Not
// by SQLite's own backup, whose last step flushes the whole copy while it holds the connection that commits need.
import { bytesIn, numberIn, type Row } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { inTransaction, openDatabase, type Opened } from '../sqlite/open.ts';
import { journalApplicationId, journalMigrations } from './schema.ts';

/** Bytes of payload in one step: 1 to 3 ms, so that a commit does not wait long behind it. */
const stepBytesMax = 256 * 1024;
const stepRowsMax = 500;

/** A new journal at a path where an empty file may be. Written without flushes: whoever makes it flushes the file. */
export const openCopy = (path: string): Opened =>
  openDatabase({
    path,
    applicationId: journalApplicationId,
    migrations: journalMigrations,
    synchronous: 'OFF',
    isExclusive: true,
    isShrinkable: true,
    isWithoutLog: true,
  });

/** Bytes of payload. */
export interface CopyProgress {
  readonly done: number;
  readonly total: number;
}

/** One step per turn of the generator. Nothing may be pruned in the source until it is done. */
export function* copyJournal(source: Database, target: Database): Generator<CopyProgress> {
  const scope = scopeOf(source);
  const progress = { done: 0, total: scope.bytes };
  for (const table of ['meta', 'cut', 'snapshot'] as const) copyWhole(source, target, table);
  for (let lastId = 0; lastId < scope.lastId; yield progress) {
    const rows = source
      .prepare('SELECT * FROM row WHERE id > ? AND id <= ? ORDER BY id LIMIT ?')
      .iterate(lastId, scope.lastId, stepRowsMax);
    const step = copyStep(target, 'row', rows);
    if (!step) break;
    lastId = numberIn(step.last, 'id');
    progress.done += step.bytes;
  }
  for (const sequence of scope.snapshots)
    for (let part = -1; ; yield progress) {
      const rows = source
        .prepare('SELECT * FROM snapshot_part WHERE sequence = ? AND part > ? ORDER BY part')
        .iterate(sequence, part);
      const step = copyStep(target, 'snapshot_part', rows);
      if (!step) break;
      part = numberIn(step.last, 'part');
      progress.done += step.bytes;
    }
}

function scopeOf(source: Database) {
  const number = (sql: string): number => numberIn(source.prepare(sql).get() ?? {}, 'n');
  const rowBytes = number('SELECT coalesce(sum(length(payload)), 0) AS n FROM row');
  const partBytes = number(
    `SELECT coalesce(sum(length(payload)), 0) AS n FROM snapshot_part
       WHERE sequence IN (SELECT sequence FROM snapshot)`,
  );
  return {
    lastId: number('SELECT coalesce(max(id), 0) AS n FROM row'),
    bytes: rowBytes + partBytes,
    snapshots: source
      .prepare('SELECT sequence FROM snapshot')
      .all()
      .map((row) => numberIn(row, 'sequence')),
  };
}

function copyWhole(source: Database, target: Database, table: 'meta' | 'cut' | 'snapshot'): void {
  const rows = source.prepare(`SELECT * FROM ${table}`).all();
  inTransaction(target, () => {
    for (const row of rows) insert(target, table, row);
  });
}

/** Copies until the step is large enough. Undefined: there was nothing more. */
function copyStep(
  target: Database,
  table: 'row' | 'snapshot_part',
  rows: Iterable<Row>,
): { readonly last: Row; readonly bytes: number } | undefined {
  return inTransaction(target, () => {
    let bytes = 0;
    let last: Row | undefined;
    for (const row of rows) {
      insert(target, table, row);
      last = row;
      bytes += bytesIn(row, 'payload').byteLength;
      if (bytes >= stepBytesMax) break;
    }
    return last && { last, bytes };
  });
}

function insert(target: Database, table: string, row: Row): void {
  const columns = Object.keys(row);
  const values = columns.map(() => '?').join(', ');
  target
    .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${values})`)
    .run(...Object.values(row));
}
