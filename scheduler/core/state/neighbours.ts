// How many placed attempts there are by the labels of their tasks and the place they are in, for those sets of labels
// alone that the placement rules of some live task name. Worked out from the live attempts: nothing of it is saved.
import type { NodeIndex } from '../../protocol/brands.ts';
import { watchedLabelsMax } from '../../protocol/limits.ts';
import type { PlaceScope } from '../../protocol/taskRules.ts';
import type { PlaceTable } from './placeTable.ts';

type Labels = Readonly<Record<string, string>>;
/** What is read of a task that has a live attempt. */
interface Placed {
  readonly spec: { readonly labels: Labels };
  readonly live: { readonly node: NodeIndex } | undefined;
}
type Counts = Map<number, number>;
const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : 1);

/** One set of labels, and the placed attempts of tasks that have all of them. */
export class Watched {
  readonly labels: readonly (readonly [string, string])[];
  /** Rules of live ask classes that name it. */
  users = 0;
  total = 0;
  /** Grows with every placement and every end; `ends` with every end alone. */
  changes = 0;
  ends = 0;
  readonly #places: PlaceTable;
  readonly #byNode: Counts = new Map();
  /** Made when first asked for. */
  readonly #byPlace = new Map<PlaceScope, Counts>();

  constructor(labels: readonly (readonly [string, string])[], places: PlaceTable) {
    this.labels = labels;
    this.#places = places;
  }

  matches(labels: Labels): boolean {
    for (const [label, value] of this.labels) if (labels[label] !== value) return false;
    return true;
  }
  /** Attempts by place; places without any are not in it. */
  countsIn(scope: PlaceScope): ReadonlyMap<number, number> {
    if (scope === 'node') return this.#byNode;
    let counts = this.#byPlace.get(scope);
    if (counts) return counts;
    counts = new Map();
    for (const [node, count] of this.#byNode)
      change(counts, this.#places.rowOf(scope, node as NodeIndex), count);
    this.#byPlace.set(scope, counts);
    return counts;
  }

  add(node: NodeIndex, by: 1 | -1): void {
    change(this.#byNode, node, by);
    for (const [scope, counts] of this.#byPlace) change(counts, this.#places.rowOf(scope, node), by);
    this.total += by;
    this.changes += 1;
    if (by < 0) this.ends += 1;
  }
  /** A node leaves its places (-1), or has entered its new ones (1), with all that it runs. */
  shift(node: NodeIndex, sign: 1 | -1): void {
    const count = this.#byNode.get(node);
    if (count === undefined) return;
    for (const [scope, counts] of this.#byPlace)
      change(counts, this.#places.rowOf(scope, node), sign * count);
    this.changes += 1;
    this.ends += 1;
  }
}

function change<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  const next = (counts.get(key) ?? 0) + by;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}

/** Placed attempts of tasks that have one value of a label, and the sets that are found by it. */
interface Slot {
  readonly attempts: Set<Placed>;
  readonly watched: Set<Watched>;
}

export class Neighbours {
  /** Grows with every change of any set that is watched. */
  changes = 0;
  readonly #places: PlaceTable;
  readonly #placed: () => Iterable<Placed>;
  readonly #byKey = new Map<string, Watched>();
  /** By the first label of a set, then its value: an attempt finds the sets that it belongs to in a step or two. */
  readonly #names = new Map<string, Map<string, Slot>>();
  /** Names with sets, and how many. */
  readonly #used = new Map<string, number>();

  constructor(places: PlaceTable, placed: () => Iterable<Placed>) {
    this.#places = places;
    this.#placed = placed;
  }

  /** Sets that are watched now. */
  all(): Iterable<Watched> {
    return this.#byKey.values();
  }

  /** Counts one more user of a set. O(placed attempts) for the first set of a label, else O(those with its value). */
  watch(labels: Labels): Watched {
    const entries = Object.entries(labels).sort(byName);
    const key = JSON.stringify(entries);
    let watched = this.#byKey.get(key);
    if (!watched) {
      watched = new Watched(entries, this.#places);
      const { attempts, watched: sets } = this.#slotOf(watched);
      for (const task of attempts)
        if (task.live && watched.matches(task.spec.labels)) watched.add(task.live.node, 1);
      sets.add(watched);
      this.#byKey.set(key, watched);
      change(this.#used, watched.labels[0]?.[0] ?? '', 1);
    }
    watched.users += 1;
    return watched;
  }
  release(watched: Watched): void {
    watched.users -= 1;
    if (watched.users > 0) return;
    this.#byKey.delete(JSON.stringify(watched.labels));
    this.#slotOf(watched).watched.delete(watched);
    change(this.#used, watched.labels[0]?.[0] ?? '', -1);
  }
  /** Can these sets be watched beside those that are? */
  hasRoomFor(sets: readonly Labels[]): boolean {
    const added = new Set<string>();
    for (const labels of sets) {
      const name = Object.keys(labels).sort()[0] ?? '';
      if (!this.#used.has(name)) added.add(name);
    }
    return this.#used.size + added.size <= watchedLabelsMax;
  }

  placed(task: Placed): void {
    this.#count(task, 1);
  }
  /** Before the task's live attempt is taken from it. */
  ended(task: Placed): void {
    this.#count(task, -1);
  }
  /** The node is about to leave its places, or has entered its new ones. */
  shift(node: NodeIndex, sign: 1 | -1): void {
    for (const watched of this.#byKey.values()) watched.shift(node, sign);
    this.changes += 1;
  }

  #count(task: Placed, by: 1 | -1): void {
    if (this.#names.size === 0 || !task.live) return;
    const { labels } = task.spec;
    for (const [name, values] of this.#names) {
      const value = labels[name];
      if (value === undefined) continue;
      const slot = slotIn(values, value);
      if (by > 0) slot.attempts.add(task);
      else slot.attempts.delete(task);
      for (const watched of slot.watched) {
        if (!watched.matches(labels)) continue;
        watched.add(task.live.node, by);
        this.changes += 1;
      }
      if (slot.attempts.size === 0 && slot.watched.size === 0) values.delete(value);
    }
  }

  #slotOf(watched: Watched): Slot {
    const [name, value] = watched.labels[0] ?? ['', ''];
    return slotIn(this.#names.get(name) ?? this.#addName(name), value);
  }
  /** Names stay for a while after their last set, since the like comes again: reading all attempts is not free. */
  #addName(name: string): Map<string, Slot> {
    if (this.#names.size >= watchedLabelsMax) this.#dropIdleName();
    const values = new Map<string, Slot>();
    this.#names.set(name, values);
    for (const task of this.#placed()) {
      const value = task.spec.labels[name];
      if (value !== undefined) slotIn(values, value).attempts.add(task);
    }
    return values;
  }
  #dropIdleName(): void {
    for (const name of this.#names.keys()) {
      if (this.#used.has(name)) continue;
      this.#names.delete(name);
      return;
    }
  }
}

function slotIn(values: Map<string, Slot>, value: string): Slot {
  let slot = values.get(value);
  if (!slot) values.set(value, (slot = { attempts: new Set(), watched: new Set() }));
  return slot;
}
