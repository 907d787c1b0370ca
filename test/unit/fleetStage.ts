// Columns of a made-up plant, as an engine would hold them, for tests of frames and of metric history.
import { type NodeTable, nodeState } from '../../scheduler/core/state/nodeTable.ts';
import { nodeId, type NodeIndex, token } from '../../scheduler/protocol/brands.ts';
import { nodeSpec } from './coreStage.ts';

export interface Seat {
  readonly id: string;
  readonly area?: string;
  readonly line?: string;
  readonly cell?: string;
  readonly kinds?: readonly string[];
}

export function seat(table: NodeTable, { id, area = 'A', line = 'L1', cell = 'C1', kinds }: Seat): NodeIndex {
  const row = table.add(nodeId(id));
  table.describe(row, nodeSpec({ place: { area, line, cell }, ...(kinds && { kinds }) }));
  table.state[row] = nodeState.online;
  table.lastSeenMs[row] = 0;
  return row;
}

/** What an agent measured and what the scheduler gave it: a node of 4 cores and 4 GiB. */
export function use(
  table: NodeTable,
  row: NodeIndex,
  of: { cpuUsed?: number; memoryUsed?: number; cpuTaken?: number; tasks?: number; seenMs?: number },
): void {
  table.cpuUsed[row] = of.cpuUsed ?? -1;
  table.memoryUsed[row] = of.memoryUsed ?? -1;
  table.cpuFree[row] = (table.cpuTotal[row] ?? 0) - (of.cpuTaken ?? 0);
  table.slotsFree[row] = (table.slotsTotal[row] ?? 0) - (of.tasks ?? 0);
  for (let i = 1; i <= (of.tasks ?? 0); i += 1) table.attemptsOn(row).add(token(row * 1_000 + i));
  table.lastSeenMs[row] = of.seenMs ?? 0;
}
