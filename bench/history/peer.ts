// The alternative: one plain table with the record as JSON, and LIKE. Filled with few rows, and told by the row.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadDriver } from '../../scheduler/sqlite/driver.ts';
import { rounded } from '../bench.ts';
import { endedTask, words } from './tasks.ts';

export function likeSearch(folder: string, rows: number, perS: number): Record<string, number> {
  const path = join(folder, 'peer.db');
  const { DatabaseSync } = loadDriver();
  const database = new DatabaseSync(path);
  try {
    database.exec(
      'PRAGMA journal_mode = WAL; CREATE TABLE task (task_id INTEGER PRIMARY KEY, record TEXT NOT NULL)',
    );
    const put = database.prepare('INSERT INTO task VALUES (?, ?)');
    const startedMs = performance.now();
    database.exec('BEGIN');
    for (let id = 1; id <= rows; id += 1) put.run(id, JSON.stringify(endedTask(id, perS)));
    database.exec('COMMIT');
    const filledMs = performance.now();
    const find = database.prepare(
      'SELECT task_id FROM task WHERE record LIKE ? ORDER BY task_id DESC LIMIT 50',
    );
    find.all(`%${words.absent}%`);
    const textMs = performance.now() - filledMs;
    const filterMs = performance.now();
    database.prepare(`SELECT count(*) FROM task WHERE record ->> '$.spec.queue' = 'weld-2'`).get();
    const countMs = performance.now() - filterMs;
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return {
      plainRows: rows,
      plainFillRowsPerS: Math.round((rows * 1_000) / (filledMs - startedMs)),
      plainBytesPerRow: rounded(statSync(path).size / rows),
      plainTextMsPerMillionRows: rounded((textMs * 1e6) / rows),
      plainCountMsPerMillionRows: rounded((countMs * 1e6) / rows),
    };
  } finally {
    database.close();
    for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
  }
}
