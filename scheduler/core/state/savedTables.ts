// The tables beside nodes and tasks in a snapshot and a digest: each names itself, gives its rows, and takes them back.
import type { TenantSettings } from '../../protocol/queue.ts';
import { addArray } from './appliers/arrays.ts';
import type { ArrayRow } from './arrayTable.ts';
import type { SchedulerState } from './schedulerState.ts';

/** A table that a snapshot keeps row by row. Rows are JSON; `take` is called after nodes and before tasks. */
export interface SavedTable {
  readonly name: string;
  readonly rows: (state: SchedulerState) => readonly unknown[];
  /** Puts saved rows back into an empty table. Rows are as `rows` gave them: the journal has checked them. */
  readonly take: (state: SchedulerState, rows: readonly never[]) => void;
}

const tenantTable: SavedTable = {
  name: 'tenants',
  rows: (state) =>
    [...state.tenants.all()].flatMap(({ name, settings }) => (settings ? [{ name, settings }] : [])),
  take: (state, rows: readonly { name: string; settings: TenantSettings }[]) => {
    for (const { name, settings } of rows) state.tenants.of(name).settings = settings;
  },
};

/** What an array's row cannot be worked out from. */
interface SavedArray extends Pick<ArrayRow, 'groupId' | 'spec' | 'submitter' | 'submittedAtMs' | 'next'> {
  readonly ended: readonly number[];
  readonly cancelReason?: string;
  readonly gone?: readonly number[];
}
const arrayTable: SavedTable = {
  name: 'arrays',
  rows: (state) =>
    [...state.arrays.all()].map(
      ({ groupId, spec, submitter, submittedAtMs, next, ended, cancelReason, gone }): SavedArray => ({
        groupId,
        spec,
        submitter,
        submittedAtMs,
        next,
        ended: [ended.succeeded, ended.dead_letter, ended.cancelled, ended.unknown],
        ...(cancelReason !== undefined && { cancelReason }),
        ...(gone.size > 0 && { gone: [...gone] }),
      }),
    ),
  take: (state, rows: readonly SavedArray[]) => {
    for (const { next, ended, cancelReason, gone = [], ...origin } of rows) {
      const row = addArray(state, origin);
      const [succeeded = 0, dead_letter = 0, cancelled = 0, unknown = 0] = ended;
      row.next = next;
      Object.assign(row.ended, { succeeded, dead_letter, cancelled, unknown });
      row.cancelReason = cancelReason;
      for (const index of gone) row.gone.add(index);
    }
  },
};

/** In the order in which they are restored. A new table is added here and nowhere else. */
const savedTables: readonly SavedTable[] = [tenantTable, arrayTable];

export interface SavedTablePart {
  readonly table: string;
  readonly rows: readonly unknown[];
}

/** Tables that have rows. An empty one leaves no trace, so that older digests stay what they were. */
export const tableParts = (state: SchedulerState): readonly SavedTablePart[] =>
  savedTables
    .map(({ name, rows }) => ({ table: name, rows: rows(state) }))
    .filter(({ rows }) => rows.length > 0);

/** Throws on a table that this program does not know: the snapshot is of a newer one. */
export function restoreTable(state: SchedulerState, { table, rows }: SavedTablePart): void {
  const known = savedTables.find(({ name }) => name === table);
  if (!known) throw new Error(`snapshot has a table ${table}, which this program does not know`);
  known.take(state, rows as readonly never[]);
}
