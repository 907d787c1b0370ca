// What is to happen in a run, earliest first; what was put first goes first among equals.

interface Entry<Item> {
  readonly atMs: number;
  readonly order: number;
  readonly item: Item;
}

export class Agenda<Item> {
  readonly #heap: Entry<Item>[] = [];
  #order = 0;

  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** O(log n). */
  add(atMs: number, item: Item): void {
    const heap = this.#heap;
    const entry = { atMs, item, order: this.#order };
    this.#order += 1;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (!above || !isBefore(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  /** The earliest that is due, removed. O(log n). */
  takeDue(nowMs: number): Item | undefined {
    const heap = this.#heap;
    const [first] = heap;
    if (!first || first.atMs > nowMs) return undefined;
    const last = heap.pop();
    if (last && last !== first) sink(heap, last);
    return first.item;
  }
}

const isBefore = <Item>(a: Entry<Item>, b: Entry<Item>): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

function sink<Item>(heap: Entry<Item>[], entry: Entry<Item>): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    let below = heap[child];
    if (!below) break;
    const right = heap[child + 1];
    if (right && isBefore(right, below)) {
      child += 1;
      below = right;
    }
    if (!isBefore(below, entry)) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = entry;
}
