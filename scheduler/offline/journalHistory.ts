// What history.db knows, for those who check or repair the journal beside it. Read only.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { historyApplicationId, historyFile, historyMigrations } from '../history/schema.ts';
import { type TaskId, taskId } from '../protocol/brands.ts';
import { numberIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { faultOf } from '../sqlite/fault.ts';
import { openReadOnly } from '../sqlite/readOnly.ts';

export interface HistorySays {
  /** Newest batch that is stored. */
  readonly cursor: number;
  /** Largest numbers that it has seen; 0 where it has none. */
  readonly lastTaskId: number;
  readonly lastToken: number;
  /** Tasks that ended in batches after the asked one. */
  readonly endedAfter: readonly TaskId[];
}
export type HistoryRead =
  | { readonly state: 'missing' }
  | { readonly state: 'good'; readonly says: HistorySays }
  | { readonly state: 'bad'; readonly message: string };

/** `isChecked`: SQLite looks through the whole file, which takes a second for each GB or so. */
export function readHistory(folder: string, afterSequence: number, isChecked: boolean): HistoryRead {
  const path = join(folder, historyFile);
  if (!existsSync(path)) return { state: 'missing' };
  const opened = openReadOnly({ path, applicationId: historyApplicationId, migrations: historyMigrations });
  if (!opened.ok) return { state: 'bad', message: opened.reason.message };
  const { database, close } = opened.value;
  try {
    const fault = isChecked ? faultOfPages(database) : undefined;
    if (fault !== undefined) return { state: 'bad', message: `${path} is damaged: ${fault}` };
    return { state: 'good', says: saysOf(database, afterSequence) };
  } catch (error) {
    return { state: 'bad', message: faultOf(error, path).message };
  } finally {
    close();
  }
}

function faultOfPages(database: Database): string | undefined {
  const found = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
  return found === 'ok' ? undefined : String(found);
}

function saysOf(database: Database, afterSequence: number): HistorySays {
  const number = (sql: string): number => numberIn(database.prepare(sql).get() ?? {}, 'n');
  // Ended tasks moved to another table with the third version; what is not moved yet stays in the old one.
  const tables = ['task', 'task_v2', 'ended'].filter((name) => hasTable(database, name));
  return {
    cursor: number(`SELECT number AS n FROM meta WHERE key = 'cursor'`),
    lastTaskId: Math.max(
      0,
      ...tables.map((name) => number(`SELECT coalesce(max(task_id), 0) AS n FROM ${name}`)),
    ),
    lastToken: number('SELECT coalesce(max(token), 0) AS n FROM log_stream'),
    endedAfter: tables.flatMap((name) =>
      database
        .prepare(`SELECT task_id AS n FROM ${name} WHERE sequence > ? ORDER BY task_id`)
        .all(afterSequence)
        .map((row) => taskId(numberIn(row, 'n'))),
    ),
  };
}

const hasTable = (database: Database, name: string): boolean =>
  database.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`).get(name) !== undefined;
