// The peer of the placement bench: nodes as objects, every task looks at all of them. The same rules, the same score.
import { gpuThousandthsPerDevice } from '../../scheduler/protocol/limits.ts';
import type { NodeSpec } from '../../scheduler/protocol/node.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';

/** Tasks of a phase that run at the same time, here and in what it is compared with. */
export const runningMax = 200;

interface NaiveNode {
  readonly id: string;
  readonly spec: NodeSpec;
  readonly isOnline: boolean;
  readonly isCordoned: boolean;
  cpuFree: number;
  memoryFree: number;
  slotsFree: number;
  readonly gpuFree: number[];
  readonly customFree: Record<string, number>;
}
interface Held {
  readonly node: NaiveNode;
  readonly spec: TaskSpec;
  readonly devices: readonly number[];
}

export class NaivePlant {
  readonly #nodes: readonly NaiveNode[];
  #held: Held[] = [];

  constructor(specs: readonly NodeSpec[]) {
    this.#nodes = specs.map((spec, index) => ({
      id: `n${index}`,
      spec,
      isOnline: true,
      isCordoned: false,
      cpuFree: spec.resources.cpu,
      memoryFree: spec.resources.memory,
      slotsFree: spec.resources.slots,
      gpuFree: Array.from({ length: spec.resources.gpuDevices }, () => gpuThousandthsPerDevice),
      customFree: { ...spec.resources.custom },
    }));
  }

  fill(takenShare: (index: number) => number): void {
    for (const [index, node] of this.#nodes.entries()) {
      const { cpu, memory } = node.spec.resources;
      node.cpuFree -= Math.floor(cpu * takenShare(index));
      node.memoryFree -= Math.floor(memory * takenShare(index));
      node.slotsFree -= 1;
    }
  }

  run(specs: readonly TaskSpec[], seconds: number): { readonly perS: number } {
    this.#held = [];
    const beganMs = performance.now();
    let at = 0;
    for (; performance.now() - beganMs < seconds * 1_000; at += 1) {
      const spec = specs[at % specs.length];
      const node = spec && this.#best(spec);
      if (!node) continue;
      this.#take(node, spec);
      this.#giveBack();
    }
    return { perS: (at * 1_000) / (performance.now() - beganMs) };
  }

  #best(spec: TaskSpec): NaiveNode | undefined {
    let best: NaiveNode | undefined;
    let bestScore = -Infinity;
    for (const node of this.#nodes) {
      if (!canRun(node, spec)) continue;
      const score = scoreOf(node, spec);
      if (score > bestScore) [best, bestScore] = [node, score];
    }
    return best;
  }

  #take(node: NaiveNode, spec: TaskSpec): void {
    const devices = devicesFor(node, spec) ?? [];
    this.#held.push({ node, spec, devices });
    change({ node, spec, devices }, -1);
  }

  /** Of the phase's own: what filled the plant stays. */
  #giveBack(): void {
    if (this.#held.length <= runningMax) return;
    const held = this.#held.shift();
    if (held) change(held, 1);
  }
}

function canRun(node: NaiveNode, spec: TaskSpec): boolean {
  const { ask } = spec;
  if (!node.isOnline || node.isCordoned) return false;
  if (node.cpuFree < ask.cpu || node.memoryFree < ask.memory || node.slotsFree < ask.slots) return false;
  return isOfClass(node, spec) && hasRare(node, spec);
}

function isOfClass(node: NaiveNode, { work, selector, tolerations }: TaskSpec): boolean {
  if (!node.spec.kinds.includes(work.kind)) return false;
  if (node.spec.taints.some((taint) => !tolerations.includes(taint))) return false;
  for (const name in selector) if (!selector[name]?.includes(labelOf(node, name))) return false;
  return true;
}

function hasRare(node: NaiveNode, { ask }: TaskSpec): boolean {
  for (const name in ask.custom) if ((node.customFree[name] ?? 0) < (ask.custom[name] ?? 0)) return false;
  return ask.gpu === undefined || devicesFor(node, { ask }) !== undefined;
}

function labelOf({ id, spec }: NaiveNode, name: string): string {
  if (name === 'node') return id;
  if (name === 'area' || name === 'line' || name === 'cell') return spec.place[name];
  return spec.labels[name] ?? '';
}

function scoreOf({ spec, cpuFree, memoryFree }: NaiveNode, { ask }: TaskSpec): number {
  const { cpu, memory } = spec.resources;
  return ((cpu - cpuFree + ask.cpu) / cpu + (memory - memoryFree + ask.memory) / memory) / 2;
}

function devicesFor({ gpuFree }: NaiveNode, { ask }: Pick<TaskSpec, 'ask'>): readonly number[] | undefined {
  const { gpu } = ask;
  if (!gpu) return [];
  const fitting = gpuFree.flatMap((free, device) => (free >= gpu.thousandths ? [device] : []));
  const byFree = fitting.sort((a, b) => (gpuFree[a] ?? 0) - (gpuFree[b] ?? 0));
  return byFree.length >= gpu.devices ? byFree.slice(0, gpu.devices) : undefined;
}

function change({ node, spec: { ask }, devices }: Held, sign: 1 | -1): void {
  node.cpuFree += sign * ask.cpu;
  node.memoryFree += sign * ask.memory;
  node.slotsFree += sign * ask.slots;
  for (const device of devices)
    node.gpuFree[device] = (node.gpuFree[device] ?? 0) + sign * (ask.gpu?.thousandths ?? 0);
  for (const name in ask.custom)
    node.customFree[name] = (node.customFree[name] ?? 0) + sign * (ask.custom[name] ?? 0);
}
