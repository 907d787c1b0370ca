// What a virtual machine measures of itself: a base by class and hour, noise, what runs on it, and what goes wrong.
import type { NodeUse } from '../resourceProbe.ts';
import { chance, wander } from './chance.ts';
import type { Machine, MachineClass } from './plant.ts';

/** Shares of capacity that the machine's own programs take at full load. */
const own: Readonly<Record<MachineClass, { readonly cpu: number; readonly memory: number }>> = {
  plc: { cpu: 0.3, memory: 0.42 },
  vision: { cpu: 0.18, memory: 0.3 },
  edge: { cpu: 0.14, memory: 0.25 },
};
/** Tasks use less than they asked for, each node's mix by another share: a full node is busy, not in trouble. */
const usedOfReserved = { cpu: [0.38, 0.25], memory: [0.5, 0.2] } as const;
/** Lifts most machines of a hot line above the warning limit of 85 %. */
const hotCpu = 0.6;
const slowCpu = 0.22;
const noiseShare = 0.06;
const mostShare = 0.985;

export interface Moment {
  /** 0 to 1: how busy the plant is at this hour. */
  readonly load: number;
  /** Plant time in minutes. */
  readonly minutes: number;
  readonly isHot: boolean;
  readonly isSlow: boolean;
  readonly seed: number;
}

export function useOf({ index, class: machineClass, spec }: Machine, reserved: NodeUse, at: Moment): NodeUse {
  const { cpu, memory } = spec.resources;
  const { load, minutes, seed } = at;
  const character = 0.7 + 0.6 * chance(seed, index, 1);
  const noise = wander(seed, index, minutes) * noiseShare + wander(seed, index + 1, minutes / 7) * noiseShare;
  const trouble = (at.isHot ? hotCpu : 0) + (at.isSlow ? slowCpu : 0);
  const [cpuLeast, cpuSpan] = usedOfReserved.cpu;
  const [memoryLeast, memorySpan] = usedOfReserved.memory;
  const share = chance(seed, index, 2);
  const cpuShare = own[machineClass].cpu * load * character + noise + trouble;
  const memoryShare = own[machineClass].memory * (0.85 + 0.15 * load) * character + noise / 3;
  const cpuUsed = cpuShare * cpu + reserved.cpuMillicores * (cpuLeast + cpuSpan * share);
  const memoryUsed = memoryShare * memory + reserved.memoryMiB * (memoryLeast + memorySpan * share);
  return {
    cpuMillicores: Math.round(within(cpuUsed, 0.01 * cpu, mostShare * cpu)),
    memoryMiB: Math.round(within(memoryUsed, 0.05 * memory, mostShare * memory)),
  };
}

const within = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
