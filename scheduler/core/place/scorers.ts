// How good a feasible node is, from 0 to 1. Pure arithmetic on columns.
import type { NodeIndex } from '../../protocol/brands.ts';
import type { AskClass } from '../state/classTable.ts';
import type { NodeTable } from '../state/nodeTable.ts';

export interface Scorer {
  readonly weight: number;
  readonly score: (node: NodeIndex, ask: AskClass, fleet: NodeTable) => number;
}

/** Mean share of CPU and memory that is taken once the task is there: high where little would be left over. */
export function binPack(node: NodeIndex, ask: AskClass, fleet: NodeTable): number {
  const cpu = takenShare(fleet.cpuTotal[node] ?? 0, fleet.cpuFree[node] ?? 0, ask.ask.cpu);
  const memory = takenShare(fleet.memoryTotal[node] ?? 0, fleet.memoryFree[node] ?? 0, ask.ask.memory);
  return (cpu + memory) / 2;
}

export function spread(node: NodeIndex, ask: AskClass, fleet: NodeTable): number {
  return 1 - binPack(node, ask, fleet);
}

const takenShare = (total: number, free: number, ask: number): number =>
  total === 0 ? 1 : (total - free + ask) / total;
