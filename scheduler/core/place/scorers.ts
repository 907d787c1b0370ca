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

/** From here on a node counts as busy: a tenth is left for what its tasks need on top. */
const busyShare = 0.9;

/** Share of CPU and memory that will not be in use once the task is there, as far as measured; the scarcer of both. */
export function quiet(node: NodeIndex, ask: AskClass, fleet: NodeTable): number {
  const cpu = usedShare(cpuOf(node, fleet), ask.ask.cpu);
  const memory = usedShare(memoryOf(node, fleet), ask.ask.memory);
  return 1 - Math.max(cpu, memory);
}
/** Is nearly all of its CPU or memory in use, whatever is reserved? */
export function isBusy(node: NodeIndex, fleet: NodeTable): boolean {
  const cpu = cpuOf(node, fleet);
  const memory = memoryOf(node, fleet);
  return cpu.used >= busyShare * cpu.total || memory.used >= busyShare * memory.total;
}

interface Use {
  readonly total: number;
  readonly reserved: number;
  /** As measured; below 0 where nothing was. */
  readonly used: number;
}
const cpuOf = (node: NodeIndex, { cpuTotal, cpuFree, cpuUsed }: NodeTable): Use =>
  useOf(cpuTotal[node] ?? 0, cpuFree[node] ?? 0, cpuUsed[node] ?? -1);
const memoryOf = (node: NodeIndex, { memoryTotal, memoryFree, memoryUsed }: NodeTable): Use =>
  useOf(memoryTotal[node] ?? 0, memoryFree[node] ?? 0, memoryUsed[node] ?? -1);
const useOf = (total: number, free: number, used: number): Use => ({ total, reserved: total - free, used });

/**
 * What is reserved beyond the use counts half: it may be wanted yet, and a task that was placed a moment ago has not
 * been measured. Without that, all tasks between two measurements would go to the same node.
 */
function usedShare({ total, reserved, used }: Use, ask: number): number {
  if (total === 0) return 1;
  const likely = used < 0 ? reserved : Math.max(used, (used + reserved) / 2);
  return (likely + ask) / total;
}

const takenShare = (total: number, free: number, ask: number): number =>
  total === 0 ? 1 : (total - free + ask) / total;
