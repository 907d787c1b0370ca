// The tables beside nodes and tasks in a snapshot and a digest: each names itself, gives its rows, and takes them back.
import type { NodeId, QueueName, TaskId } from '../../protocol/brands.ts';
import type { Enrolment } from '../../protocol/identity.ts';
import type { MaintenanceWindow } from '../../protocol/maintenance.ts';
import { savedCalendars, savedSchedules } from './savedSchedules.ts';
import type { TenantSettings } from '../../protocol/queue.ts';
import { arrayTable, workflowTable } from './savedGroups.ts';
import type { SavedKind } from './runTimes.ts';
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

/** Gangs that are being stopped since a member failed. All else of a gang its tasks say. */
const brokenGangTable: SavedTable = {
  name: 'brokenGangs',
  rows: (state) =>
    [...state.gangs.all()]
      .flatMap(({ groupId, brokenBy }) => (brokenBy === undefined ? [] : [{ groupId, brokenBy }]))
      .sort((a, b) => a.groupId - b.groupId), // a restart lists gangs in another order
  take: (state, rows: readonly { groupId: TaskId; brokenBy: TaskId }[]) => {
    for (const { groupId, brokenBy } of rows) state.gangs.restore(groupId, brokenBy);
  },
};

const setAsideTable: SavedTable = {
  name: 'setAside',
  rows: ({ nodes }) =>
    [...nodes.setAside]
      .map(([node, reason]) => ({ nodeId: nodes.idOf(node), reason }))
      .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1)),
  // That they are closed is kept with the nodes.
  take: ({ nodes }, rows: readonly { nodeId: NodeId; reason: string }[]) => {
    for (const { nodeId, reason } of rows) {
      const node = nodes.indexOf(nodeId);
      if (node !== undefined) nodes.setAside.set(node, reason);
    }
  },
};

const windowTable: SavedTable = {
  name: 'windows',
  rows: (state) => [...state.maintenance.all()],
  take: (state, rows: readonly MaintenanceWindow[]) => {
    for (const window of rows) state.maintenance.put(window);
  },
};
const licenceTable: SavedTable = {
  name: 'licences',
  rows: ({ licences }) => licences.rows().map(({ licence, total }) => ({ licence, total })),
  take: (state, rows: readonly { licence: string; total: number }[]) => {
    for (const { licence, total } of rows) state.licences.put(licence, total);
  },
};

const runTimeTable: SavedTable = {
  name: 'runTimes',
  rows: ({ runTimes }) => runTimes.savedKinds(),
  take: ({ runTimes }, rows: readonly SavedKind[]) => {
    for (const row of rows) runTimes.restoreKind(row);
  },
};
const runTrustTable: SavedTable = {
  name: 'runTrust',
  rows: ({ runTimes }) => runTimes.savedNear(),
  take: ({ runTimes }, rows: readonly (readonly [QueueName, number])[]) => {
    for (const row of rows) runTimes.restoreNear(row);
  },
};

const enrolmentTable: SavedTable = {
  name: 'enrolments',
  rows: ({ enrolments }) => [...enrolments.all()],
  take: ({ enrolments }, rows: readonly Enrolment[]) => {
    for (const row of rows) enrolments.put(row);
  },
};

/** In the order in which they are restored. A new table is added here and nowhere else. */
const savedTables: readonly SavedTable[] = [
  savedCalendars,
  savedSchedules,
  tenantTable,
  windowTable,
  licenceTable,
  enrolmentTable,
  setAsideTable,
  arrayTable,
  workflowTable,
  brokenGangTable,
  runTimeTable,
  runTrustTable,
];

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
