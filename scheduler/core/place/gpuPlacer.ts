// Chooses among nodes with GPUs: the best-scored shape that fits, by what the mix of asks can still use afterwards.
import type { NodeIndex } from '../../protocol/brands.ts';
import { gpuDevicesMax, gpuThousandthsPerDevice, keptScoresMax } from '../../protocol/limits.ts';
import type { AskMix } from '../state/askMix.ts';
import type { AskClass, ClassTable } from '../state/classTable.ts';
import type { GpuShapes } from '../state/gpuShapes.ts';
import type { NodeTable } from '../state/nodeTable.ts';
import { chooseGpus, hasCustom } from './filters.ts';
import { GpuOutlook } from './gpuOutlook.ts';
import { GpuRanking } from './gpuRanking.ts';
import { GpuJudge, type GpuScorer } from './gpuScore.ts';

/** The outlook is checked against the mix after this share of new asks, and made again where it has moved this far. */
const checkAfterShare = 1 / 8;
const checkAfterLeast = 64;
const driftMax = 0.05;
/** Likewise where the plant's GPU nodes have grown or shrunk by this share: scores are in shares of the plant. */
const plantDriftMax = 0.1;

export interface GpuPlacerParts {
  readonly fleet: NodeTable;
  readonly classes: ClassTable;
  readonly shapes: GpuShapes;
  readonly mix: AskMix;
}

interface Kept {
  readonly judge: GpuJudge;
  readonly ranking: GpuRanking;
}

export class GpuPlacer {
  readonly #parts: GpuPlacerParts;
  /** Scores of this one are kept by the ask's key alone. */
  readonly #mainScore: GpuScorer;
  #outlook: GpuOutlook;
  #totals = { cpu: 0, memory: 0, devices: 0 };
  #checkedAt = 0;
  /** By the scorer and the ask's key, since a class goes with its last task and its like comes again. Oldest first. */
  readonly #kept = new Map<string, Kept>();
  #keptScores = 0;

  constructor(parts: GpuPlacerParts, score: GpuScorer) {
    this.#parts = parts;
    this.#mainScore = score;
    this.#outlook = new GpuOutlook(parts.mix);
  }

  /** The best node with GPUs, or undefined where none takes the ask now. */
  best(ask: AskClass, takes: (node: NodeIndex) => boolean, score = this.#mainScore): NodeIndex | undefined {
    if (this.#parts.shapes.size === 0) return undefined;
    this.#renew();
    const { classes, fleet } = this.#parts;
    const usable = classes.usableFlags(ask);
    const { ranking } = this.#keptFor(ask, score);
    const before = ranking.size;
    const hasRare = Object.keys(ask.ask.custom).length > 0;
    const found = ranking.best({
      admits: ({ nodeClass, nodes }) =>
        usable[nodeClass] === 1 && (!hasRare || hasCustom(nodes[0], ask.ask, fleet)),
      pick: (shape) => shape.nodes.find((node) => takes(node)),
    });
    this.#keptScores += ranking.size - before;
    return found;
  }

  /** How good a node with GPUs is that takes the ask: comparable for one ask only. */
  scoreOf(node: NodeIndex, ask: AskClass, score = this.#mainScore): number {
    const shape = this.#parts.shapes.shapeOf(node);
    if (!shape) return Number.NEGATIVE_INFINITY;
    this.#renew();
    return this.#keptFor(ask, score).judge.score(shape);
  }

  /** Bit mask of the devices that an ask should get on a node that takes it. */
  devicesOn(node: NodeIndex, ask: AskClass, score = this.#mainScore): number {
    const { fleet, shapes } = this.#parts;
    const { gpu } = ask.ask;
    if (!gpu) return 0;
    const shape = shapes.shapeOf(node);
    if (gpu.thousandths === gpuThousandthsPerDevice || !shape) return chooseGpus(node, ask.ask, fleet) ?? 0;
    return deviceWith(fleet, node, this.#keptFor(ask, score).judge.bestDevice(shape));
  }

  #keptFor(ask: AskClass, score: GpuScorer): Kept {
    const key = score === this.#mainScore ? ask.key : `${score.name} ${ask.key}`;
    const known = this.#kept.get(key);
    if (known) return known;
    this.#makeRoom();
    const { shapes } = this.#parts;
    const judge = new GpuJudge(ask.ask, this.#outlook, this.#totals, score);
    const made = { judge, ranking: new GpuRanking(shapes, judge) };
    this.#kept.set(key, made);
    return made;
  }

  #makeRoom(): void {
    for (const [key, { ranking }] of this.#kept) {
      if (this.#keptScores <= keptScoresMax && this.#kept.size < keptAsksMax) return;
      this.#kept.delete(key);
      this.#keptScores -= ranking.size;
    }
  }

  /** Starts over with a new outlook where the mix or the plant is no longer what the scores were made for. */
  #renew(): void {
    if (!this.#hasPlantMoved() && !this.#hasMixMoved()) return;
    this.#outlook = new GpuOutlook(this.#parts.mix);
    this.#totals = { ...this.#parts.shapes.totals };
    this.#kept.clear();
    this.#keptScores = 0;
  }
  #hasPlantMoved(): boolean {
    const { cpu, memory, devices } = this.#parts.shapes.totals;
    const was = this.#totals;
    const moved = (now: number, then: number): boolean => Math.abs(now - then) > plantDriftMax * then;
    return moved(devices, was.devices) || moved(cpu, was.cpu) || moved(memory, was.memory);
  }
  #hasMixMoved(): boolean {
    const { mix } = this.#parts;
    if (mix.counted - this.#checkedAt < Math.max(checkAfterLeast, mix.total * checkAfterShare)) return false;
    this.#checkedAt = mix.counted;
    return this.#outlook.driftTo(mix) > driftMax;
  }
}

/** Asks whose scores are kept: each also costs its own few hundred bytes. */
const keptAsksMax = 4_096;

function deviceWith(fleet: NodeTable, node: NodeIndex, free: number): number {
  for (let device = 0; device < (fleet.gpuDevices[node] ?? 0); device += 1)
    if (fleet.gpuFree[node * gpuDevicesMax + device] === free) return 1 << device;
  throw new Error(`node row ${String(node)} has no device with ${String(free)} thousandths free`);
}
