// candidates -> filters -> scorers -> best node. It reads the fleet and returns a choice; binding is apply's work.
import { type NodeIndex, nodeIndex } from '../../protocol/brands.ts';
import { candidatesMax } from '../../protocol/limits.ts';
import type { CapacityIndex } from '../state/capacityIndex.ts';
import type { AskClass, ClassTable } from '../state/classTable.ts';
import type { NodeTable } from '../state/nodeTable.ts';
import type { Policy } from './policy.ts';

/** Nodes looked at before a wide search; a fit in CPU and memory is nearly always among the first few. */
const looksAtFirst = 4 * candidatesMax;

const placesNarrowFirst = ['cell', 'line', 'area'] as const;

export interface PlacerParts {
  readonly fleet: NodeTable;
  readonly classes: ClassTable;
  readonly index: CapacityIndex;
}

export class Placer {
  readonly #parts: PlacerParts;
  readonly #policy: Policy;
  readonly #found = new Int32Array(candidatesMax); // reused, since a cycle places hundreds of tasks
  /** Searches that had to look at every open node of a class, because a rarer resource ruled out the first ones. */
  wideSearches = 0;

  constructor(parts: PlacerParts, policy: Policy) {
    this.#parts = parts;
    this.#policy = policy;
  }

  /** The best node for an ask, or undefined where none fits now. Ties go to the earlier candidate. */
  place(ask: AskClass): NodeIndex | undefined {
    const named = this.#namedNode(ask);
    if (named !== undefined) return named;
    let count = this.#candidates(ask, looksAtFirst);
    if (count === 0 && ask.places.length === 0) {
      this.wideSearches += 1;
      count = this.#candidates(ask, Number.POSITIVE_INFINITY);
    }
    let best: NodeIndex | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < count; i += 1) {
      const node = nodeIndex(this.#found[i] ?? 0);
      const score = this.#weightedScore(node, ask);
      if (score > bestScore) [best, bestScore] = [node, score];
    }
    return best;
  }

  /** Does this node take the ask now? The same rules as `place`. */
  fits(node: NodeIndex, ask: AskClass): boolean {
    const nodeClass = this.#parts.fleet.nodeClass[node] ?? -1;
    return this.#parts.classes.usableBy(ask).includes(nodeClass) && !this.#isRefused(node, ask);
  }

  /** Nodes of the places that the ask names, where it names some: few beside all nodes of its classes. */
  #inPlaces(ask: AskClass, names: readonly string[], label: 'area' | 'line' | 'cell'): number {
    const { fleet, classes } = this.#parts;
    const usable = classes.usableBy(ask);
    let count = 0;
    for (const name of names)
      for (const node of fleet.inPlace(label, name)) {
        if (count >= candidatesMax) return count;
        if (this.#isRefused(node, ask) || !usable.includes(fleet.nodeClass[node] ?? -1)) continue;
        this.#found[count] = node;
        count += 1;
      }
    return count;
  }

  #candidates(ask: AskClass, looksMax: number): number {
    for (const label of placesNarrowFirst) {
      const names = ask.places.find(([named]) => named === label)?.[1];
      if (names) return this.#inPlaces(ask, names, label);
    }
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

  #isRefused(node: NodeIndex, ask: AskClass): boolean {
    for (const filter of this.#policy.filters) if (filter.refuses(node, ask, this.#parts.fleet)) return true;
    return false;
  }

  #weightedScore(node: NodeIndex, ask: AskClass): number {
    let sum = 0;
    for (const { weight, score } of this.#policy.scorers) sum += weight * score(node, ask, this.#parts.fleet);
    return sum;
  }
}
