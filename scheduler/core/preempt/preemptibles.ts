// Which nodes hold attempts that may be stopped for others, by priority. Worked out from the live attempts: nothing of
// it is saved.
import type { NodeIndex } from '../../protocol/brands.ts';
import { priorityMax } from '../../protocol/limits.ts';
import type { LiveAttempt, Task } from '../state/taskTable.ts';
import { isPreemptible } from './preemptible.ts';

/**
 * Nodes in a row that can be entered anywhere; the last one takes the place of one that leaves. Each new one is put at
 * a place drawn by lot: nodes of one kind come one after another, and a look at a part is to find some of every kind.
 */
class Level {
  readonly counts = new Map<NodeIndex, number>();
  readonly #row: NodeIndex[] = [];
  readonly #places = new Map<NodeIndex, number>();
  #draw = 1;

  get size(): number {
    return this.#row.length;
  }
  add(node: NodeIndex): void {
    const count = this.counts.get(node) ?? 0;
    this.counts.set(node, count + 1);
    if (count === 0) this.#enter(node);
  }
  remove(node: NodeIndex): void {
    const count = this.counts.get(node) ?? 0;
    if (count > 1) this.counts.set(node, count - 1);
    else if (this.counts.delete(node)) this.#leave(node);
  }
  /** The row is a ring. */
  at(place: number): NodeIndex | undefined {
    return this.#row[place % this.#row.length];
  }

  #enter(node: NodeIndex): void {
    this.#draw = (Math.imul(this.#draw, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes
    const place = Math.floor((this.#draw / 2 ** 32) * (this.#row.length + 1));
    const there = this.#row[place];
    if (there !== undefined) this.#put(there, this.#row.length);
    this.#put(node, place);
  }
  #leave(node: NodeIndex): void {
    const place = this.#places.get(node);
    const last = this.#row.pop();
    this.#places.delete(node);
    if (place !== undefined && last !== undefined && last !== node) this.#put(last, place);
  }
  #put(node: NodeIndex, place: number): void {
    this.#row[place] = node;
    this.#places.set(node, place);
  }
}

/** Where a look at the nodes begins. */
export interface LookFrom {
  /** By how much the row of each priority is turned. */
  readonly turnedBy: number;
  /** So many are passed over, of the whole round. */
  readonly skip: number;
}

export class Preemptibles {
  readonly #levels = Array.from({ length: priorityMax + 1 }, () => new Level());
  /** One was placed since this was last set to false. */
  hasNew = false;

  get isEmpty(): boolean {
    return this.#levels.every(({ size }) => size === 0);
  }
  add(task: Task, { node }: Pick<LiveAttempt, 'node'>): void {
    if (!isPreemptible(task)) return;
    this.#levels[task.spec.priority]?.add(node);
    this.hasNew = true;
  }
  remove(task: Task, { node }: Pick<LiveAttempt, 'node'>): void {
    if (isPreemptible(task)) this.#levels[task.spec.priority]?.remove(node);
  }
  holds(node: NodeIndex): boolean {
    return this.#levels.some(({ counts }) => counts.has(node));
  }
  /** How many there are on each node. For a check against the tasks. */
  countsAt(priority: number): ReadonlyMap<NodeIndex, number> {
    return this.#levels[priority]?.counts ?? new Map<NodeIndex, number>();
  }

  /** How many nodes a whole round has; one that has attempts of several priorities counts as often. */
  roundTo(priorityMost: number): number {
    let nodes = 0;
    for (let at = 0; at <= priorityMost; at += 1) nodes += this.#levels[at]?.size ?? 0;
    return nodes;
  }
  /** One round over the nodes with attempts up to this priority, those with the lowest first; then it starts again. */
  *round(priorityMost: number, { turnedBy, skip }: LookFrom): IterableIterator<NodeIndex> {
    const all = this.roundTo(priorityMost);
    let passed = all > 0 ? skip % all : 0;
    for (let [at, left] = [0, all]; left > 0; at = at < priorityMost ? at + 1 : 0) {
      const level = this.#levels[at];
      if (!level) continue;
      for (let place = passed; place < level.size && left > 0; place += 1, left -= 1) {
        const node = level.at(turnedBy + place);
        if (node !== undefined) yield node;
      }
      passed = Math.max(0, passed - level.size);
    }
  }
}
