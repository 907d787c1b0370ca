// candidates -> filters -> scorers -> best node. It reads the fleet and returns a choice; binding is apply's work.
import type { NodeIndex, Token } from '../../protocol/brands.ts';
import { candidatesMax } from '../../protocol/limits.ts';
import type { AskClass } from '../state/classTable.ts';
import { Choices, Comparison } from './choices.ts';
import { GpuPlacer } from './gpuPlacer.ts';
import type { AskRules, Preference } from '../state/askRules.ts';
import type { Filter } from './filter.ts';
import type { Policy } from './policy.ts';

import {
  looksAtFirst,
  looksForQuiet,
  type PlaceOptions,
  type PlacerParts,
  type Search,
  type Taken,
} from './search.ts';
import { isAmongEmpty, meets, nodesBySpread, nodesNamed, nodesTogether, weightOf } from './ruledSearch.ts';

const placesNarrowFirst = ['cell', 'line', 'area'] as const;

const plainly: PlaceOptions = {};

/** Puts every node with GPUs behind every one without, for an ask that needs none. */
const gpuLast = -1_000;

export class Placer {
  readonly #parts: PlacerParts;
  readonly #policy: Policy;
  readonly #gpu: GpuPlacer;
  readonly #found = new Int32Array(candidatesMax); // reused, since a cycle places hundreds of tasks
  /** Those that are asked of every node, and those that are asked only where there are rules. */
  readonly #plainFilters: readonly Filter[];
  readonly #ruleFilters: readonly Filter[];
  /** What the last search compared, for `choices`. */
  readonly #last = new Comparison();
  /** Why the newest placements went where they did. */
  readonly choices = new Choices();
  /** Nodes to leave out of the search under way. */
  #avoided: ReadonlySet<NodeIndex> | undefined;
  /** Searches that had to look at every open node of a class, because a rarer resource ruled out the first ones. */
  wideSearches = 0;

  /** `policy`: for queues that name none. Its filters hold for all. */
  constructor(parts: PlacerParts, policy: Policy) {
    this.#parts = parts;
    this.#policy = policy;
    this.#plainFilters = policy.filters.filter(({ isRule }) => !isRule);
    this.#ruleFilters = policy.filters.filter(({ isRule }) => isRule);
    const { fleet, classes, index, mix } = parts;
    this.#gpu = new GpuPlacer({ fleet, classes, shapes: index.gpu, mix }, policy.gpuScore);
  }

  /** The best node for an ask, or undefined where none fits now. Ties go to the earlier candidate. */
  place(
    ask: AskClass,
    { avoid, isStrict = false, policy = this.#policy }: PlaceOptions = plainly,
  ): NodeIndex | undefined {
    if (!avoid || avoid.size === 0) return this.#search(ask, policy);
    this.#avoided = avoid;
    const node = this.#search(ask, policy);
    this.#avoided = undefined;
    return node ?? (isStrict ? undefined : this.#search(ask, policy));
  }

  /** Remembers the last choice as that of an attempt. */
  remember(token: Token, node: NodeIndex): void {
    this.choices.keep(token, node, this.#last);
  }

  #search(ask: AskClass, policy: Policy): NodeIndex | undefined {
    return ask.rules ? this.#byRules(ask, ask.rules, policy) : this.#anywhere(ask, policy);
  }

  /** Bit mask of the devices that the ask should get on the node that `place` has chosen for it. */
  devicesOn(node: NodeIndex, ask: AskClass, policy: Policy = this.#policy): number {
    return this.#gpu.devicesOn(node, ask, policy.gpuScore);
  }

  /** Does this node take the ask now? The same rules as `place`. */
  fits(node: NodeIndex, ask: AskClass): boolean {
    const nodeClass = this.#parts.fleet.nodeClass[node] ?? -1;
    return this.#parts.classes.usableFlags(ask)[nodeClass] === 1 && !this.#isRefused(node, ask);
  }

  #byRules(ask: AskClass, { together, spread, prefer }: AskRules, policy: Policy): NodeIndex | undefined {
    const { fleet } = this.#parts;
    if (together && together.watched.total > 0)
      return this.#bestOf(this.#accepted(nodesTogether(together, fleet), ask), ask, policy);
    if (spread) {
      for (const nodes of nodesBySpread(ask, spread, fleet)) {
        const found = this.#bestOf(this.#accepted(nodes, ask), ask, policy);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    return prefer.length > 0 ? this.#preferred(ask, prefer, policy) : this.#anywhere(ask, policy);
  }

  #anywhere(ask: AskClass, policy: Policy): NodeIndex | undefined {
    if (ask.places.length > 0)
      return this.#namedNode(ask) ?? this.#bestOf(this.#inPlace(ask, ask.places), ask, policy);
    if (ask.ask.gpu) return this.#bestWithGpu(ask, policy);
    const count = this.#firstCandidates(ask, policy);
    if (count > 0) return this.#bestOf(count, ask, policy);
    // A named resource is often found on few classes: worth a look at those with GPUs before a search of all nodes.
    const isRare = Object.keys(ask.ask.custom).length > 0;
    const wide = (): NodeIndex | undefined => this.#bestOf(this.#wideSearch(ask, policy), ask, policy);
    return isRare ? (this.#bestWithGpu(ask, policy) ?? wide()) : (wide() ?? this.#bestWithGpu(ask, policy));
  }

  /** The node with most weight among the best for each preference and the best of all. */
  #preferred(ask: AskClass, prefer: readonly Preference[], policy: Policy): NodeIndex | undefined {
    let best: NodeIndex | undefined;
    let most = -1;
    const all = prefer.reduce((sum, { weight }) => sum + weight, 0);
    for (const wanted of [...prefer, undefined]) {
      const node = wanted ? this.#meeting(ask, wanted, policy) : this.#anywhere(ask, policy);
      const weight = node === undefined ? -1 : weightOf(node, prefer, this.#parts);
      if (weight > most) [best, most] = [node, weight];
      if (most === all) break;
    }
    return best;
  }

  /** The best node found that meets a preference. */
  #meeting(ask: AskClass, wanted: Preference, policy: Policy): NodeIndex | undefined {
    const isWanted: Taken = (node) => meets(node, wanted, this.#parts);
    const count =
      wanted.places.length > 0
        ? this.#inPlace(ask, wanted.places, isWanted)
        : this.#candidates(ask, { policy, looksMax: looksAtFirst, isWanted });
    if (count > 0) return this.#bestOf(count, ask, policy);
    return wanted.places.length > 0 ? undefined : this.#bestWithGpu(ask, policy, isWanted);
  }

  #bestWithGpu(ask: AskClass, policy: Policy, isWanted?: Taken): NodeIndex | undefined {
    return this.#gpu.best(ask, this.#taker(ask, isWanted), policy.gpuScore);
  }

  #bestOf(count: number, ask: AskClass, policy: Policy): NodeIndex | undefined {
    const prefer = ask.rules?.prefer ?? noPreferences;
    return this.#last.best(this.#found, count, {
      policy: policy.name,
      score: (node) => this.#scoreOf(node, ask, policy),
      weight: prefer.length === 0 ? undefined : (node) => weightOf(node, prefer, this.#parts),
    });
  }

  /** The first of these nodes that take the ask, into `#found`. */
  #accepted(nodes: Iterable<NodeIndex>, ask: AskClass, isWanted?: Taken, from = 0): number {
    const { fleet, classes } = this.#parts;
    const usable = classes.usableFlags(ask);
    let count = from;
    for (const node of nodes) {
      if (count >= candidatesMax) return count;
      if (isWanted && !isWanted(node)) continue;
      if (this.#isRefused(node, ask) || usable[fleet.nodeClass[node] ?? -1] !== 1) continue;
      this.#found[count] = node;
      count += 1;
    }
    return count;
  }

  /** Nodes of the narrowest places that are named: few beside all nodes of its classes. */
  #inPlace(ask: AskClass, places: AskClass['places'], isWanted?: Taken): number {
    const { fleet } = this.#parts;
    const valuesOf = (label: string) => places.find(([named]) => named === label)?.[1];
    const names = isWanted && valuesOf('node');
    if (names) return this.#accepted(nodesNamed(names, fleet), ask, isWanted);
    for (const label of placesNarrowFirst) {
      let count = 0;
      const named = valuesOf(label);
      for (const name of named ?? [])
        count = this.#accepted(fleet.places.named(label, name), ask, isWanted, count);
      if (named) return count;
    }
    return 0; // a selector on `node` alone, and none of those named takes it
  }

  #firstCandidates(ask: AskClass, policy: Policy): number {
    const { shuns } = policy;
    if (shuns) {
      const isWanted: Taken = (node) => !shuns(node, this.#parts.fleet);
      const count = this.#candidates(ask, { policy, looksMax: looksForQuiet, isWanted });
      if (count > 0) return count;
    }
    return this.#candidates(ask, { policy, looksMax: looksAtFirst });
  }

  #wideSearch(ask: AskClass, policy: Policy): number {
    const { classes, index } = this.#parts;
    if (!classes.usableBy(ask).some((nodeClass) => index.sizeOf(nodeClass) > 0)) return 0;
    this.wideSearches += 1;
    return this.#candidates(ask, { policy, looksMax: Number.POSITIVE_INFINITY });
  }

  /** Among nodes without GPUs. */
  #candidates(ask: AskClass, { policy, looksMax, isWanted }: Search): number {
    const query = {
      cpu: ask.ask.cpu,
      memory: ask.ask.memory,
      order: isAmongEmpty(ask, looksMax > looksAtFirst) ? ('emptiest' as const) : policy.order,
      accepts: this.#taker(ask, isWanted),
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
    for (const node of nodesNamed(names, this.#parts.fleet)) if (this.fits(node, ask)) return node;
    return undefined;
  }

  #taker(ask: AskClass, isWanted?: Taken): Taken {
    return isWanted
      ? (node) => isWanted(node) && !this.#isRefused(node, ask)
      : (node) => !this.#isRefused(node, ask);
  }

  #isRefused(node: NodeIndex, ask: AskClass): boolean {
    if (this.#avoided?.has(node) === true) return true;
    const { fleet, reservations } = this.#parts;
    for (const filter of this.#plainFilters) if (filter.refuses(node, ask, fleet)) return true;
    if (reservations.refuses(node, ask)) return true;
    if (!ask.rules && !fleet.hasGuards) return false;
    for (const filter of this.#ruleFilters) if (filter.refuses(node, ask, fleet)) return true;
    return false;
  }

  #scoreOf(node: NodeIndex, ask: AskClass, policy: Policy): number {
    const { fleet } = this.#parts;
    if (fleet.gpuDevices[node] !== 0)
      return this.#gpu.scoreOf(node, ask, policy.gpuScore) + (ask.ask.gpu ? 0 : gpuLast);
    let sum = 0;
    for (const { weight, score } of policy.scorers) sum += weight * score(node, ask, fleet);
    return sum;
  }
}

const noPreferences: readonly Preference[] = [];
