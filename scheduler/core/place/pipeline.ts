// candidates -> filters -> scorers -> best node. It reads the fleet and returns a choice; binding is apply's work.
import { type NodeIndex, nodeIndex } from '../../protocol/brands.ts';
import { candidatesMax } from '../../protocol/limits.ts';
import type { CapacityIndex } from '../state/capacityIndex.ts';
import type { AskClass, ClassTable } from '../state/classTable.ts';
import type { NodeTable } from '../state/nodeTable.ts';
import type { AskMix } from '../state/askMix.ts';
import { GpuPlacer } from './gpuPlacer.ts';
import type { Policy } from './policy.ts';

/** Nodes looked at before a wide search; a fit in CPU and memory is nearly always among the first few. */
const looksAtFirst = 4 * candidatesMax;

const placesNarrowFirst = ['cell', 'line', 'area'] as const;

export interface PlacerParts {
  readonly fleet: NodeTable;
  readonly classes: ClassTable;
  readonly index: CapacityIndex;
  readonly mix: AskMix;
}

export interface PlaceOptions {
  /** Rather not these nodes: taken only where no other fits, or not at all where `isStrict`. */
  readonly avoid?: ReadonlySet<NodeIndex> | undefined;
  readonly isStrict?: boolean;
}

const plainly: PlaceOptions = {};

/** Puts every node with GPUs behind every one without, for an ask that needs none. */
const gpuLast = -1_000;

export class Placer {
  readonly #parts: PlacerParts;
  readonly #policy: Policy;
  readonly #gpu: GpuPlacer;
  readonly #found = new Int32Array(candidatesMax); // reused, since a cycle places hundreds of tasks
  /** Nodes to leave out of the search under way. */
  #avoided: ReadonlySet<NodeIndex> | undefined;
  /** Searches that had to look at every open node of a class, because a rarer resource ruled out the first ones. */
  wideSearches = 0;

  constructor(parts: PlacerParts, policy: Policy) {
    this.#parts = parts;
    this.#policy = policy;
    const { fleet, classes, index, mix } = parts;
    this.#gpu = new GpuPlacer({ fleet, classes, shapes: index.gpu, mix }, policy.gpuScore);
  }

  /** The best node for an ask, or undefined where none fits now. Ties go to the earlier candidate. */
  place(ask: AskClass, { avoid, isStrict = false }: PlaceOptions = plainly): NodeIndex | undefined {
    if (!avoid || avoid.size === 0) return this.#search(ask);
    this.#avoided = avoid;
    const node = this.#search(ask);
    this.#avoided = undefined;
    return node ?? (isStrict ? undefined : this.#search(ask));
  }

  #search(ask: AskClass): NodeIndex | undefined {
    if (ask.places.length > 0) return this.#namedNode(ask) ?? this.#bestOf(this.#inPlace(ask), ask);
    if (ask.ask.gpu) return this.#bestWithGpu(ask);
    const count = this.#candidates(ask, looksAtFirst);
    if (count > 0) return this.#bestOf(count, ask);
    // A named resource is often found on few classes: worth a look at those with GPUs before a search of all nodes.
    const isRare = Object.keys(ask.ask.custom).length > 0;
    return isRare
      ? (this.#bestWithGpu(ask) ?? this.#bestOf(this.#wideSearch(ask), ask))
      : (this.#bestOf(this.#wideSearch(ask), ask) ?? this.#bestWithGpu(ask));
  }

  /** Bit mask of the devices that the ask should get on the node that `place` has chosen for it. */
  devicesOn(node: NodeIndex, ask: AskClass): number {
    return this.#gpu.devicesOn(node, ask);
  }

  #bestWithGpu(ask: AskClass): NodeIndex | undefined {
    return this.#gpu.best(ask, this.#refuses);
  }

  #bestOf(count: number, ask: AskClass): NodeIndex | undefined {
    let best: NodeIndex | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < count; i += 1) {
      const node = nodeIndex(this.#found[i] ?? 0);
      const score = this.#scoreOf(node, ask);
      if (score > bestScore) [best, bestScore] = [node, score];
    }
    return best;
  }

  /** Does this node take the ask now? The same rules as `place`. */
  fits(node: NodeIndex, ask: AskClass): boolean {
    const nodeClass = this.#parts.fleet.nodeClass[node] ?? -1;
    return this.#parts.classes.usableFlags(ask)[nodeClass] === 1 && !this.#isRefused(node, ask);
  }

  /** Nodes of the places that the ask names, where it names some: few beside all nodes of its classes. */
  #inPlaces(ask: AskClass, names: readonly string[], label: 'area' | 'line' | 'cell'): number {
    const { fleet, classes } = this.#parts;
    const usable = classes.usableFlags(ask);
    let count = 0;
    for (const name of names)
      for (const node of fleet.inPlace(label, name)) {
        if (count >= candidatesMax) return count;
        if (this.#isRefused(node, ask) || usable[fleet.nodeClass[node] ?? -1] !== 1) continue;
        this.#found[count] = node;
        count += 1;
      }
    return count;
  }

  #inPlace(ask: AskClass): number {
    for (const label of placesNarrowFirst) {
      const names = ask.places.find(([named]) => named === label)?.[1];
      if (names) return this.#inPlaces(ask, names, label);
    }
    return 0; // a selector on `node` alone, and none of those named takes it
  }

  #wideSearch(ask: AskClass): number {
    const { classes, index } = this.#parts;
    if (!classes.usableBy(ask).some((nodeClass) => index.sizeOf(nodeClass) > 0)) return 0;
    this.wideSearches += 1;
    return this.#candidates(ask, Number.POSITIVE_INFINITY);
  }

  /** Among nodes without GPUs. */
  #candidates(ask: AskClass, looksMax: number): number {
    const query = {
      cpu: ask.ask.cpu,
      memory: ask.ask.memory,
      order: this.#policy.order,
      accepts: (node: NodeIndex) => !this.#isRefused(node, ask),
      looksMax,
    };
    let count = 0;
    for (const nodeClass of this.#parts.classes.usableBy(ask)) {
      if (count >= candidatesMax) break;
      count = this.#parts.index.find(nodeClass, query, this.#found, count);
    }
    return count;
  }

  /** A selector on `node` names its few candidates itself. */
  #namedNode(ask: AskClass): NodeIndex | undefined {
    const names = ask.places.find(([label]) => label === 'node')?.[1] ?? [];
    for (const name of names) {
      const node = this.#parts.fleet.indexOf(name as Parameters<NodeTable['indexOf']>[0]);
      if (node !== undefined && this.fits(node, ask)) return node;
    }
    return undefined;
  }

  readonly #refuses = (node: NodeIndex, ask: AskClass): boolean => this.#isRefused(node, ask);

  #isRefused(node: NodeIndex, ask: AskClass): boolean {
    if (this.#avoided?.has(node) === true) return true;
    for (const filter of this.#policy.filters) if (filter.refuses(node, ask, this.#parts.fleet)) return true;
    return false;
  }

  #scoreOf(node: NodeIndex, ask: AskClass): number {
    if (this.#parts.fleet.gpuDevices[node] !== 0)
      return this.#gpu.scoreOf(node, ask) + (ask.ask.gpu ? 0 : gpuLast);
    let sum = 0;
    for (const { weight, score } of this.#policy.scorers) sum += weight * score(node, ask, this.#parts.fleet);
    return sum;
  }
}
