// Reads while rows of the older version are still being moved: both tables are walked together, by record, up to a
// bound.
import { taskId as taskIdOf } from '../protocol/brands.ts';
import type { TaskRecord } from '../protocol/task.ts';
import { rowOfRecord } from '../protocol/taskRow.ts';
import type { TaskFilter, TaskPage } from '../protocol/view.ts';
import type { Database } from '../sqlite/driver.ts';
import { numberIn, textIn } from '../sqlite/columns.ts';
import { endedColumns } from './endedRow.ts';
import type { Reading } from './reading.ts';
import { recordFrom } from './records.ts';
import { matchesFilter } from './search.ts';

const idsAtOnce = 256;

export function hasLegacy(database: Database): boolean {
  const row = database.prepare(`SELECT number FROM meta WHERE key = 'legacy_tasks'`).get();
  return row !== undefined && numberIn(row, 'number') > 0;
}

function tasksIn(database: Database): number {
  const row = database
    .prepare(`SELECT sum(number) AS n FROM meta WHERE key IN ('tasks', 'legacy_tasks')`)
    .get();
  return row ? numberIn(row, 'n') : 0;
}

export function legacyRecord(database: Database, taskId: number): string | undefined {
  const row = database.prepare('SELECT record FROM task_v2 WHERE task_id = ?').get(taskId);
  return row && textIn(row, 'record');
}

export function legacyPage(
  reading: Reading,
  { filter, before, limit }: { filter: TaskFilter; before: number; limit: number },
): TaskPage {
  const found: TaskRecord[] = [];
  let looked = 0;
  for (const record of recordsBelow(reading, before)) {
    looked += 1;
    if (matchesFilter(filter, record)) {
      if (found.length === limit)
        return { ...pageOf(found), nextBefore: found.at(-1)?.taskId ?? taskIdOf(0) };
      found.push(record);
    }
    if (looked % idsAtOnce === 0 && reading.budget.isSpent)
      return { ...pageOf(found), nextBefore: record.taskId, looked };
  }
  return pageOf(found);
}

const pageOf = (records: readonly TaskRecord[]): TaskPage => ({
  rows: records.map((record) => rowOfRecord(record, 'none')),
});

/** The newest tasks that match, and what part of all tasks was looked at for them. */
export function legacySample(
  reading: Reading,
  filter: TaskFilter,
): { readonly matches: readonly TaskRecord[]; readonly share: number } {
  const matches: TaskRecord[] = [];
  let looked = 0;
  for (const record of recordsBelow(reading, Number.MAX_SAFE_INTEGER)) {
    looked += 1;
    if (matchesFilter(filter, record)) matches.push(record);
    if (looked % idsAtOnce === 0 && reading.budget.isSpent)
      return { matches, share: Math.min(1, looked / tasksIn(reading.database)) };
  }
  return { matches, share: 1 };
}

/** Newest first, from both tables. A damaged record is left out. */
function* recordsBelow({ database, walk }: Reading, before: number): Generator<TaskRecord> {
  const old = database.prepare(
    'SELECT task_id, record FROM task_v2 WHERE task_id < ? ORDER BY task_id DESC LIMIT ?',
  );
  const moved = database.prepare(
    `SELECT ${endedColumns} FROM ended WHERE task_id < ? ORDER BY task_id DESC LIMIT ?`,
  );
  let below = before;
  for (;;) {
    const oldRows = old.all(below, idsAtOnce);
    const movedRows = moved.all(below, idsAtOnce);
    const ids = (rows: typeof oldRows): number[] => rows.map((row) => numberIn(row, 'task_id'));
    // Beyond the end of a part that is full there may be more of it.
    const ends = [ids(oldRows), ids(movedRows)].map((part) =>
      part.length < idsAtOnce ? 0 : (part.at(-1) ?? 0),
    );
    const lowest = Math.max(...ends);
    const records = [
      ...oldRows.map((row) => recordFrom(textIn(row, 'record'))),
      ...movedRows.flatMap((row) => walk.match(row).record ?? []),
    ].filter((record) => record.taskId >= lowest);
    yield* records.sort((a, b) => b.taskId - a.taskId);
    if (lowest === 0) return;
    below = lowest;
  }
}
