// The ids of a group's members: they follow its own, so that a group is a range of ids and needs no index.
import type { TaskId } from '../protocol/brands.ts';
import type { Database } from '../sqlite/driver.ts';
import { endedColumns } from './endedRow.ts';
import { Damaged, RecordReader } from './records.ts';

/** Records tried where some are damaged. */
const triesMax = 16;

interface IdRange {
  readonly from: number;
  readonly to: number;
}
const everyId: IdRange = { from: 0, to: Number.MAX_SAFE_INTEGER };

/**
 * Of the members that have ended the first one tells how many there are. Where the first task behind the group's id is
 * of another group, none of its members is there.
 */
export function idsOfGroup(database: Database, groupId: TaskId | undefined): IdRange {
  if (groupId === undefined) return everyId;
  const records = new RecordReader(database);
  const rows = database
    .prepare(`SELECT ${endedColumns} FROM ended WHERE task_id > ? ORDER BY task_id LIMIT ?`)
    .all(groupId, triesMax);
  for (const row of rows) {
    try {
      const { group } = records.read(row);
      const size = group?.groupId === groupId ? group.size : 0;
      return { from: groupId + 1, to: groupId + 1 + size };
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
    }
  }
  return { from: 0, to: 0 };
}
