// What is to happen in a run, earliest first; what was put first goes first among equals.
import { Heap } from '../../core/heap.ts';

interface Entry<Item> {
  readonly atMs: number;
  readonly order: number;
  readonly item: Item;
}

export class Agenda<Item> {
  readonly #heap = new Heap<Entry<Item>>(isBefore);
  #order = 0;

  get nextMs(): number {
    return this.#heap.top()?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** O(log n). */
  add(atMs: number, item: Item): void {
    this.#heap.push({ atMs, item, order: this.#order });
    this.#order += 1;
  }

  /** The earliest that is due, removed. O(log n). */
  takeDue(nowMs: number): Item | undefined {
    return this.nextMs > nowMs ? undefined : this.#heap.pop()?.item;
  }
}

const isBefore = <Item>(a: Entry<Item>, b: Entry<Item>): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
