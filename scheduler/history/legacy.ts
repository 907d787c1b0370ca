// Moves what an older version stored into the tables of this one, a chunk at a time, while the host works.
import type { Database } from '../sqlite/driver.ts';
import { numberIn, textIn } from '../sqlite/columns.ts';
import { inTransaction } from '../sqlite/open.ts';
import type { TaskWriter } from './taskWriter.ts';

/** About 15 ms of the writer. */
const chunkRows = 300;

/** False: nothing is left to move. */
export function moveLegacy(database: Database, tasks: TaskWriter): boolean {
  if (!tasks.hasLegacy) return false;
  return inTransaction(database, () => {
    const rows = database
      .prepare('SELECT sequence, record FROM task_v2 ORDER BY task_id LIMIT ?')
      .all(chunkRows);
    for (const row of rows) tasks.put(textIn(row, 'record'), numberIn(row, 'sequence'));
    tasks.store();
    if (rows.length === chunkRows) return true;
    tasks.legacyEnded();
    database.exec(`UPDATE meta SET number = 0 WHERE key = 'legacy_tasks'`);
    return false;
  });
}
