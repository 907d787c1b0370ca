// Drops the oldest tasks and the oldest output, a chunk at a time, so that commits wait a few milliseconds at most.
import type { TaskRecord } from '../protocol/task.ts';
import type { Database } from '../sqlite/driver.ts';
import { numberIn, type Row, textIn } from '../sqlite/columns.ts';
import { inTransaction } from '../sqlite/open.ts';
import type { TaskWriter } from './taskWriter.ts';
import type { Bounds } from './threadMessages.ts';

/** Rows of one chunk: 500 to 1,000 went at 75,000 rows/s without a pause that others noticed. */
const chunkRows = 500;
/** Minutes of ends that are kept: a week. */
const minutesKept = 7 * 24 * 60;

export interface Dropped {
  readonly tasksDropped: number;
  readonly piecesDropped: number;
}

export function dropOldest(database: Database, tasks: TaskWriter, bounds: Bounds): Dropped {
  return inTransaction(database, () => {
    const tasksDropped = dropTasks(database, tasks, bounds.tasksMax);
    const piecesDropped = dropOutput(database, bounds.logBytesMax);
    database
      .prepare('DELETE FROM ended_minute WHERE minute < (SELECT max(minute) FROM ended_minute) - ?')
      .run(minutesKept);
    return { tasksDropped, piecesDropped };
  });
}

/** One chunk of the simulated plant's tasks, with their output and their part of the counts. */
export function dropSimulated(database: Database, tasks: TaskWriter): { dropped: number; left: number } {
  return inTransaction(database, () => {
    const chunk = database.prepare('SELECT * FROM task WHERE is_simulated = 1 LIMIT ?').all(chunkRows);
    for (const row of chunk) {
      dropWithOutput(database, tasks, row);
      tasks.uncount(row);
    }
    database.exec('DELETE FROM ended_minute WHERE n <= 0');
    database.exec('DELETE FROM tally WHERE n <= 0');
    const left = database.prepare('SELECT count(*) AS n FROM task WHERE is_simulated = 1').get() ?? {};
    return { dropped: chunk.length, left: numberIn(left, 'n') };
  });
}

function dropWithOutput(database: Database, tasks: TaskWriter, row: Row): void {
  const { attempts } = JSON.parse(textIn(row, 'record')) as TaskRecord;
  for (const { token } of attempts) dropOutputOf(database, token);
  tasks.drop(row);
}

function dropTasks(database: Database, tasks: TaskWriter, tasksMax: number): number {
  const held = numberIn(database.prepare('SELECT coalesce(sum(n), 0) AS n FROM tally').get() ?? {}, 'n');
  const surplus = Math.min(chunkRows, held - tasksMax);
  if (surplus <= 0) return 0;
  const oldest = database.prepare('SELECT * FROM task ORDER BY task_id LIMIT ?').all(surplus);
  for (const row of oldest) dropWithOutput(database, tasks, row);
  return oldest.length;
}

function dropOutputOf(database: Database, token: number): void {
  const sum = database
    .prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM log_piece WHERE token = ?')
    .get(token);
  const bytes = numberIn(sum ?? {}, 'bytes');
  database.prepare('DELETE FROM log_piece WHERE token = ?').run(token);
  database.prepare('DELETE FROM log_stream WHERE token = ?').run(token);
  if (bytes > 0) countOut(database, bytes);
}

/** Tokens grow with time, so the smallest are the oldest output. */
function dropOutput(database: Database, logBytesMax: number): number {
  const held = numberIn(
    database.prepare(`SELECT number FROM meta WHERE key = 'log_bytes'`).get() ?? {},
    'number',
  );
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
