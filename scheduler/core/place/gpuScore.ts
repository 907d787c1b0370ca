// How good a node with GPUs is for an ask, judged by its shape alone. Pure arithmetic; O(devices).
import { gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import type { Ask } from '../../protocol/task.ts';
import type { GpuShape, GpuShapes } from '../state/gpuShapes.ts';
import type { GpuOutlook } from './gpuOutlook.ts';

/** What placing an ask on a shape would do. */
export interface GpuFit {
  /** Whole devices' worth of free GPU that becomes unusable for the mix of asks; negative where it becomes less. */
  readonly wasted: number;
  /** Cosine between what is asked and what is free, as shares of what the plant has: 1 is the same direction. */
  readonly alignment: number;
  /** Whole devices' worth that is free before. */
  readonly free: number;
  /** Free CPU and GPU afterwards, each as a share of the plant's, summed. */
  readonly left: number;
}
/** Any number; higher is better. */
export type GpuScorer = (fit: GpuFit) => number;

/**
 * Least new fragmentation first. Where that differs little, the node whose free CPU, memory and GPU are to each other
 * as the ask's, so that no resource is left alone where another has run out; then the emptier node.
 * The weights were chosen on one public trace (openb, default list) and checked on three other lists of the same trace;
 * twice the alignment or the emptiness changed what was allocated by less than 0.1 %.
 */
export const leastWaste: GpuScorer = ({ wasted, alignment, free }) => 4 * alignment + 0.04 * free - wasted;
/** Fragmentation alone, in the steps of FGD; on a tie the shape that arose first. */
export const fragmentation: GpuScorer = ({ wasted }) => Math.trunc(100 / (1 + Math.exp(wasted)));
export const fullestFirst: GpuScorer = ({ left }) => -left;
export const emptiestFirst: GpuScorer = ({ left }) => left;

/** What is scored against what, for one ask on many shapes. */
export class GpuJudge {
  readonly #ask: Ask;
  readonly #outlook: GpuOutlook;
  readonly #score: GpuScorer;
  readonly #unit: { readonly cpu: number; readonly memory: number; readonly gpu: number };
  readonly #asked: number;
  readonly #askLength: number;

  constructor(ask: Ask, outlook: GpuOutlook, totals: GpuShapes['totals'], score: GpuScorer) {
    this.#ask = ask;
    this.#outlook = outlook;
    this.#score = score;
    this.#unit = {
      cpu: 1 / Math.max(1, totals.cpu),
      memory: 1 / Math.max(1, totals.memory),
      gpu: 1 / Math.max(1, totals.devices * gpuThousandthsPerDevice),
    };
    this.#asked = ask.gpu ? ask.gpu.devices * ask.gpu.thousandths : 0;
    this.#askLength = this.#length(ask.cpu, ask.memory, this.#asked);
  }

  /** Has the shape the CPU, the memory and the devices? Named resources and slots are asked of its nodes. */
  fits({ cpu, memory, largest, whole }: GpuShape): boolean {
    const ask = this.#ask;
    if (cpu < ask.cpu || memory < ask.memory) return false;
    if (!ask.gpu) return true;
    return ask.gpu.thousandths < gpuThousandthsPerDevice
      ? largest >= ask.gpu.thousandths
      : whole >= ask.gpu.devices;
  }

  /** For a shape that fits. */
  score(shape: GpuShape): number {
    this.#judge(shape);
    const { gpu, cpu } = this.#unit;
    return this.#score({
      wasted: (shape.usable - this.#bestAfter(shape).usable - this.#asked) / gpuThousandthsPerDevice,
      alignment: this.#alignment(shape),
      free: shape.gpu / gpuThousandthsPerDevice,
      left: (shape.cpu - this.#ask.cpu) * cpu + (shape.gpu - this.#asked) * gpu,
    });
  }

  /** Free thousandths of the device that a shared ask should get on a shape that fits; the fuller one on a tie. */
  bestDevice(shape: GpuShape): number {
    return this.#bestAfter(shape).device;
  }

  #bestAfter({ cpu, devices, whole }: GpuShape): { usable: number; device: number } {
    const outlook = this.#outlook;
    const row = outlook.rowOf(cpu - this.#ask.cpu);
    const parts = outlook.usableParts(row, devices);
    const { devices: wanted, thousandths } = this.#ask.gpu ?? { devices: 0, thousandths: 0 };
    if (thousandths === 0 || thousandths === gpuThousandthsPerDevice) {
      const taken = wanted * outlook.usablePart(row, gpuThousandthsPerDevice);
      return { usable: parts - taken + outlook.usableWhole(row, whole - wanted), device: 0 };
    }
    const best = { usable: Number.NEGATIVE_INFINITY, device: 0 };
    for (let at = 0; at < devices.length; at += 1) {
      const free = devices[at] ?? 0;
      if (free < thousandths || free === devices[at - 1]) continue;
      const change = outlook.usablePart(row, free - thousandths) - outlook.usablePart(row, free);
      const stillWhole = free === gpuThousandthsPerDevice ? whole - 1 : whole;
      const usable = parts + change + outlook.usableWhole(row, stillWhole);
      if (usable <= best.usable) continue;
      best.usable = usable;
      best.device = free;
    }
    return best;
  }

  /** What does not depend on the ask: worked out once, until the outlook is another one. */
  #judge(shape: GpuShape): void {
    const outlook = this.#outlook;
    if (shape.judgedFor === outlook) return;
    const row = outlook.rowOf(shape.cpu);
    shape.usable = outlook.usableParts(row, shape.devices) + outlook.usableWhole(row, shape.whole);
    shape.length = this.#length(shape.cpu, shape.memory, shape.gpu);
    shape.judgedFor = outlook;
  }

  #alignment({ cpu, memory, gpu, length }: GpuShape): number {
    const { cpu: perCpu, memory: perMemory, gpu: perGpu } = this.#unit;
    const dot =
      cpu * perCpu * (this.#ask.cpu * perCpu) +
      memory * perMemory * (this.#ask.memory * perMemory) +
      gpu * perGpu * (this.#asked * perGpu);
    const lengths = length * this.#askLength;
    return lengths > 0 ? dot / lengths : 0;
  }

  #length(cpu: number, memory: number, gpu: number): number {
    const [a, b, c] = [cpu * this.#unit.cpu, memory * this.#unit.memory, gpu * this.#unit.gpu];
    return Math.sqrt(a * a + b * b + c * c); // not Math.hypot: ten times slower, for a range that is not needed
  }
}
