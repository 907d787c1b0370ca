// Lets go of the oldest tasks and the oldest output, a chunk at a time, so that commits wait a few milliseconds at
// most; and gives the space back to the disk.
import { formatTaskId, taskId as taskIdOf } from '../protocol/brands.ts';
import type { Retention } from '../protocol/storage.ts';
import type { Database } from '../sqlite/driver.ts';
import { numberIn, type Row } from '../sqlite/columns.ts';
import { inTransaction } from '../sqlite/open.ts';
import { endedColumns, endedRowIn } from './endedRow.ts';
import { segmentSize } from './postings.ts';
import { Damaged, RecordReader } from './records.ts';
import type { SegmentBook } from './segmentBook.ts';
import type { TaskWriter } from './taskWriter.ts';

/** How long one chunk works before it commits. With the commit it stays below 20 ms. */
const chunkMs = 10;
/** Rows of one chunk at most, so that its commit is short. */
const chunkRows = 500;
/** Minutes of ends that are kept: a week. */
const minutesKept = 7 * 24 * 60;
const dayMs = 24 * 3_600_000;
/** Free pages that stay in the file, since new rows take them at once; and those given back in one step. */
const freePagesKept = 2_000;
const freePagesPerStep = 200;

export interface Dropped {
  readonly tasksDropped: number;
  readonly piecesDropped: number;
  /** Nothing is beyond the bounds any more. */
  readonly isDone: boolean;
}
export interface Keeping {
  readonly database: Database;
  readonly tasks: TaskWriter;
  readonly segments: SegmentBook;
  /** Clears a little of what tasks that went have left behind. False: there is nothing. */
  readonly tidy: () => boolean;
}

export class Keeper {
  readonly #keeping: Keeping;
  readonly #records: RecordReader;

  constructor(keeping: Keeping) {
    this.#keeping = keeping;
    this.#records = new RecordReader(keeping.database);
  }

  retain(bounds: Retention, nowMs: number): Dropped {
    const { database, tidy } = this.#keeping;
    // What tasks that went have left may be all that is beyond the bound of the file, so it goes before the next task.
    if (tidy()) return { tasksDropped: 0, piecesDropped: 0, isDone: false };
    const dropped = inTransaction(database, () => this.#dropChunk(bounds, nowMs));
    if (dropped.tasksDropped + dropped.piecesDropped > 0) return { ...dropped, isDone: false };
    return { ...dropped, isDone: !vacuum(database) };
  }

  #dropChunk(bounds: Retention, nowMs: number): { tasksDropped: number; piecesDropped: number } {
    const { database, tasks } = this.#keeping;
    const tasksDropped = this.#dropTasks(bounds, nowMs);
    const piecesDropped = dropOutput(database, bounds.logBytesMax);
    database
      .prepare('DELETE FROM ended_minute WHERE minute < (SELECT max(minute) FROM ended_minute) - ?')
      .run(minutesKept);
    tasks.store();
    return { tasksDropped, piecesDropped };
  }

  #dropTasks({ tasksMax, historyBytesMax, daysMax }: Retention, nowMs: number): number {
    const { database } = this.#keeping;
    const held = metaOf(database, 'tasks');
    const isTooLarge = historyBytesMax !== undefined && usedBytes(database) > historyBytesMax;
    const surplus = isTooLarge ? chunkRows : held - tasksMax;
    if (surplus > 0) return this.#dropRows(oldestRows(database, Math.min(chunkRows, surplus)));
    if (daysMax === undefined) return 0;
    return this.#dropAged(nowMs - daysMax * dayMs);
  }

  #dropRows(rows: readonly Row[]): number {
    const { database, tasks } = this.#keeping;
    const endMs = performance.now() + chunkMs;
    let dropped = 0;
    for (const row of rows) {
      dropWithOutput(database, { tasks, records: this.#records }, row);
      dropped += 1;
      if (performance.now() > endMs) break;
    }
    return dropped;
  }

  /** Tasks that ended before this. Old ids may have ended late, and stay until they are old as well. */
  #dropAged(beforeMs: number): number {
    const { database, segments } = this.#keeping;
    for (const { segment, endedMin } of segments.all()) {
      if (endedMin >= beforeMs) continue;
      const range = [segment * segmentSize, (segment + 1) * segmentSize] as const;
      const rows = database
        .prepare(
          `SELECT ${endedColumns} FROM ended
            WHERE task_id >= ? AND task_id < ? AND submitted_ms + took_ms < ? ORDER BY task_id LIMIT ?`,
        )
        .all(...range, beforeMs, chunkRows);
      if (rows.length > 0) return this.#dropRows(rows);
      const least = database
        .prepare('SELECT min(submitted_ms + took_ms) AS n FROM ended WHERE task_id >= ? AND task_id < ?')
        .get(...range);
      segments.change(segment, { endedMin: least && least['n'] !== null ? numberIn(least, 'n') : beforeMs });
    }
    return 0;
  }
}

/** One chunk of the simulated plant's tasks, with their output and their part of the counts. */
export function dropSimulated({ database, tasks }: Keeping): { dropped: number; left: number } {
  const records = new RecordReader(database);
  return inTransaction(database, () => {
    const rows = database.prepare(`SELECT ${endedColumns} FROM ended WHERE kind = 1 LIMIT ?`).all(chunkRows);
    for (const row of rows) {
      dropWithOutput(database, { tasks, records }, row);
      tasks.uncount(endedRowIn(row));
    }
    tasks.store();
    const left = database.prepare('SELECT coalesce(sum(n), 0) AS n FROM tally WHERE kind = 1').get() ?? {};
    return { dropped: rows.length, left: numberIn(left, 'n') };
  });
}

const oldestRows = (database: Database, limit: number): Row[] =>
  database.prepare(`SELECT ${endedColumns} FROM ended ORDER BY task_id LIMIT ?`).all(limit);

function dropWithOutput(
  database: Database,
  { tasks, records }: { tasks: TaskWriter; records: RecordReader },
  row: Row,
): void {
  for (const token of tokensOf(records, row)) dropOutputOf(database, token);
  tasks.drop(endedRowIn(row), true);
}

/** Of a damaged record none are known: its output goes when it is the oldest. */
function tokensOf(records: RecordReader, row: Row): number[] {
  try {
    return records.read(row).attempts.map(({ token }) => token);
  } catch (error) {
    if (error instanceof Damaged) return [];
    throw new Error(`task ${formatTaskId(taskIdOf(numberIn(row, 'task_id')))} cannot go`, { cause: error });
  }
}

function dropOutputOf(database: Database, token: number): void {
  const sum = database
    .prepare('SELECT count(*) AS n, coalesce(sum(bytes), 0) AS bytes FROM log_piece WHERE token = ?')
    .get(token);
  database.prepare('DELETE FROM log_stream WHERE token = ?').run(token);
  if (!sum || numberIn(sum, 'n') === 0) return;
  database.prepare('DELETE FROM log_piece WHERE token = ?').run(token);
  countOut(database, numberIn(sum, 'bytes'));
}

/** Tokens grow with time, so the smallest are the oldest output. */
function dropOutput(database: Database, logBytesMax: number): number {
  const held = metaOf(database, 'log_bytes');
  let surplus = held - logBytesMax;
  let dropped = 0;
  if (surplus <= 0) return 0;
  const oldest = database
    .prepare('SELECT rowid AS id, bytes FROM log_piece ORDER BY token, piece LIMIT ?')
    .all(chunkRows);
  const drop = database.prepare('DELETE FROM log_piece WHERE rowid = ?');
  for (const row of oldest) {
    if (surplus <= 0) break;
    drop.run(numberIn(row, 'id'));
    surplus -= numberIn(row, 'bytes');
    dropped += 1;
  }
  countOut(database, held - logBytesMax - surplus);
  return dropped;
}

function countOut(database: Database, bytes: number): void {
  database.prepare(`UPDATE meta SET number = number - ? WHERE key = 'log_bytes'`).run(bytes);
}

function metaOf(database: Database, key: string): number {
  return numberIn(database.prepare('SELECT number FROM meta WHERE key = ?').get(key) ?? {}, 'number');
}

const pragma = (database: Database, name: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);

const usedBytes = (database: Database): number =>
  (pragma(database, 'page_count') - pragma(database, 'freelist_count')) * pragma(database, 'page_size');

/** SQLite's number for files that can give pages back: those that this version made. */
const incremental = 2;

/** Gives a few free pages back to the disk. False: there are few, or the file cannot. */
function vacuum(database: Database): boolean {
  if (pragma(database, 'auto_vacuum') !== incremental) return false;
  if (pragma(database, 'freelist_count') <= freePagesKept) return false;
  database.exec(`PRAGMA incremental_vacuum(${freePagesPerStep})`);
  return true;
}
