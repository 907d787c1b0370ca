// Books kept beside the core: every answer is checked against them, and they say what is allocated. Also the peer: the
// best fit among all nodes, looked at one by one.
import type { OpenbAnswer, OpenbPod } from '../../scheduler/adapters/openb.ts';
import type { PlantNode } from './workload.ts';

const perDevice = 1_000;

export class Ledger {
  readonly #nodes: readonly PlantNode[];
  readonly #cpu: number[];
  readonly #memory: number[];
  readonly #devices: number[][];
  /** Thousandths of a device, in all and taken. */
  readonly total: number;
  taken = 0;

  constructor(nodes: readonly PlantNode[]) {
    this.#nodes = nodes;
    this.#cpu = nodes.map(({ cpu }) => cpu);
    this.#memory = nodes.map(({ mem }) => mem);
    this.#devices = nodes.map(({ gpus }) => Array.from({ length: gpus }, () => perDevice));
    this.total = perDevice * nodes.reduce((sum, { gpus }) => sum + gpus, 0);
  }

  /** Throws where the answer is not legal. */
  take(pod: OpenbPod, { node, gpus = [] }: OpenbAnswer): void {
    const devices = this.#devices[node] ?? [];
    const isLegal =
      this.fits(node, pod) &&
      new Set(gpus).size === pod.gpus &&
      gpus.length === pod.gpus &&
      gpus.every((device) => (devices[device] ?? 0) >= pod.milli);
    if (!isLegal)
      throw new Error(`node ${node}, devices ${gpus.join(' ')}: not legal for ${JSON.stringify(pod)}`);
    this.#cpu[node] = (this.#cpu[node] ?? 0) - pod.cpu;
    this.#memory[node] = (this.#memory[node] ?? 0) - pod.mem;
    for (const device of gpus) devices[device] = (devices[device] ?? 0) - pod.milli;
    this.taken += pod.gpus * pod.milli;
  }

  fits(node: number, { cpu, mem, gpus, milli, spec }: OpenbPod): boolean {
    if ((this.#cpu[node] ?? -1) < cpu || (this.#memory[node] ?? -1) < mem) return false;
    if (gpus === 0) return true;
    if (spec.length > 0 && !spec.includes(this.#nodes[node]?.model ?? '')) return false;
    return this.#roomyCount(node, milli) >= gpus;
  }

  /** O(nodes). */
  fitsSomewhere(pod: OpenbPod): boolean {
    return this.#nodes.some((_, node) => this.fits(node, pod));
  }

  /** Best fit in CPU and GPU, of all nodes. */
  bestFit(pod: OpenbPod): OpenbAnswer {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let node = 0; node < this.#nodes.length; node += 1) {
      if (!this.fits(node, pod)) continue;
      const left = this.#left(node);
      if (left < least) [best, least] = [node, left];
    }
    return { node: best, gpus: best < 0 ? [] : this.#roomy(best, pod.milli).slice(0, pod.gpus) };
  }

  #left(node: number): number {
    let gpu = 0;
    for (const free of this.#devices[node] ?? []) gpu += free;
    return (this.#cpu[node] ?? 0) / 128_000 + gpu / 8_000; // the largest node's CPU and GPU
  }
  #roomyCount(node: number, milli: number): number {
    let count = 0;
    for (const free of this.#devices[node] ?? []) if (free >= milli) count += 1;
    return count;
  }
  /** Devices with room, the fullest first. */
  #roomy(node: number, milli: number): number[] {
    return (this.#devices[node] ?? [])
      .flatMap((free, device) => (free >= milli ? [{ free, device }] : []))
      .sort((a, b) => a.free - b.free)
      .map(({ device }) => device);
  }
}
