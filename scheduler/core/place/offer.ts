// What some nodes can take, for many asks at once: nodes alike stand together with the most that any of them has free,
// so that an ask looks at those alone where it may fit. What is asked last are the rules of placement themselves.
import type { NodeIndex } from '../../protocol/brands.ts';
import { gpuDevicesMax, gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import type { PlaceLabel } from '../state/askRules.ts';
import { bucketOf } from '../state/capacityIndex.ts';
import type { AskClass, ClassTable } from '../state/classTable.ts';
import type { NodeTable } from '../state/nodeTable.ts';
import type { Placer } from './pipeline.ts';
import { placeOf } from './ruleFilters.ts';

/** So few pairs of asks and nodes are looked at one by one. */
const pairsMin = 64;
/** More than there are buckets of memory. */
const cpuStep = 64;

interface Parts {
  readonly nodes: NodeTable;
  readonly classes: ClassTable;
  readonly placer: Placer;
}

/** Which of these asks fit on some of these nodes now? O(nodes + asks) where they differ in what they need. */
export function fitting(asks: Iterable<AskClass>, on: ReadonlySet<NodeIndex>, parts: Parts): AskClass[] {
  const all = [...asks];
  if (all.length * on.size <= pairsMin) return all.filter((ask) => hasFit(on, ask, parts));
  const offer = new Offer(on, parts);
  return all.filter((ask) => offer.takes(ask));
}

function hasFit(nodes: Iterable<NodeIndex>, ask: AskClass, { placer }: Parts): boolean {
  for (const node of nodes) if (placer.fits(node, ask)) return true;
  return false;
}

class Offer {
  readonly #parts: Parts;
  readonly #nodes: ReadonlySet<NodeIndex>;
  readonly #byClass = new Map<number, ClassGroup>();
  readonly #byPlace = new Map<PlaceLabel, ReadonlyMap<string, readonly NodeIndex[]>>();

  constructor(nodes: ReadonlySet<NodeIndex>, parts: Parts) {
    this.#parts = parts;
    this.#nodes = nodes;
    for (const node of nodes) this.#groupOf(node).add(node, parts.nodes);
  }

  takes(ask: AskClass): boolean {
    if (ask.places.length > 0) return this.#takesInPlace(ask);
    const { classes, nodes } = this.#parts;
    const usable = classes.usableFlags(ask);
    for (const [nodeClass, { most, cells }] of this.#byClass) {
      if (usable[nodeClass] !== 1 || !most.covers(ask, nodes)) continue;
      for (const cell of cells.values())
        if (cell.most.covers(ask, nodes) && hasFit(cell.nodes, ask, this.#parts)) return true;
    }
    return false;
  }

  #takesInPlace(ask: AskClass): boolean {
    const [first] = ask.places;
    const [label, names] = ask.places.find(([named]) => named === 'node') ?? first ?? ['node', []];
    const there = this.#inPlaces(label);
    return names.some((name) => hasFit(there.get(name) ?? [], ask, this.#parts));
  }

  #groupOf(node: NodeIndex): ClassGroup {
    const nodeClass = this.#parts.nodes.nodeClass[node] ?? -1;
    let group = this.#byClass.get(nodeClass);
    if (!group) this.#byClass.set(nodeClass, (group = new ClassGroup()));
    return group;
  }

  #inPlaces(label: PlaceLabel): ReadonlyMap<string, readonly NodeIndex[]> {
    const known = this.#byPlace.get(label);
    if (known) return known;
    const { nodes: fleet } = this.#parts;
    const made = new Map<string, NodeIndex[]>();
    for (const node of this.#nodes) {
      if (!fleet.specs[node]) continue; // it has been forgotten since
      const name = placeOf(node, label, fleet);
      const there = made.get(name);
      if (there) there.push(node);
      else made.set(name, [node]);
    }
    this.#byPlace.set(label, made);
    return made;
  }
}

/** Nodes of one class, apart by what they have free. */
class ClassGroup {
  readonly most = new Most();
  readonly cells = new Map<number, { readonly most: Most; readonly nodes: NodeIndex[] }>();

  add(node: NodeIndex, fleet: NodeTable): void {
    const bucket = (free: Int32Array): number => bucketOf(Math.max(0, free[node] ?? 0));
    const key = bucket(fleet.cpuFree) * cpuStep + bucket(fleet.memoryFree);
    let cell = this.cells.get(key);
    if (!cell) this.cells.set(key, (cell = { most: new Most(), nodes: [] }));
    cell.nodes.push(node);
    cell.most.see(node, fleet);
    this.most.see(node, fleet);
  }
}

/** The most that any of some nodes has free, each resource by itself. */
class Most {
  #cpu = 0;
  #memory = 0;
  #slots = 0;
  /** On one device. */
  #gpu = 0;
  #wholeGpus = 0;
  /** By column of the named resource. */
  readonly #custom: number[] = [];

  see(node: NodeIndex, fleet: NodeTable): void {
    this.#cpu = Math.max(this.#cpu, fleet.cpuFree[node] ?? 0);
    this.#memory = Math.max(this.#memory, fleet.memoryFree[node] ?? 0);
    this.#slots = Math.max(this.#slots, fleet.slotsFree[node] ?? 0);
    if (fleet.gpuDevices[node] !== 0) this.#seeGpus(node, fleet);
    for (const [at, free] of fleet.customFree.entries())
      this.#custom[at] = Math.max(this.#custom[at] ?? 0, free[node] ?? 0);
  }

  /** False where all of them have too little of something. */
  covers({ ask: { cpu, memory, slots, gpu, custom } }: AskClass, fleet: NodeTable): boolean {
    if (cpu > this.#cpu || memory > this.#memory || slots > this.#slots) return false;
    for (const name in custom)
      if ((this.#custom[fleet.knownCustomColumn(name) ?? -1] ?? 0) < (custom[name] ?? 0)) return false;
    if (!gpu) return true;
    const { devices, thousandths } = gpu;
    return thousandths < gpuThousandthsPerDevice ? thousandths <= this.#gpu : devices <= this.#wholeGpus;
  }

  #seeGpus(node: NodeIndex, fleet: NodeTable): void {
    let whole = 0;
    for (let device = 0; device < (fleet.gpuDevices[node] ?? 0); device += 1) {
      const free = fleet.gpuFree[node * gpuDevicesMax + device] ?? 0;
      this.#gpu = Math.max(this.#gpu, free);
      if (free === gpuThousandthsPerDevice) whole += 1;
    }
    this.#wholeGpus = Math.max(this.#wholeGpus, whole);
  }
}
