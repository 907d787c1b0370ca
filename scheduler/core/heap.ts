// A binary heap: what goes first is on top. Items are not looked for in it; whoever has gone is passed over on top.

export class Heap<Item> {
  readonly #before: (a: Item, b: Item) => boolean;
  #items: Item[] = [];

  /** `before` is a total order that does not change while items are in the heap. */
  constructor(before: (a: Item, b: Item) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }
  top(): Item | undefined {
    return this.#items[0];
  }
  /** In no order. */
  items(): IterableIterator<Item> {
    return this.#items.values();
  }
  clear(): void {
    this.#items = [];
  }

  /** O(log n). */
  push(item: Item): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent];
      if (above === undefined || !this.#before(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  /** Takes the top away, and gives it. O(log n). */
  pop(): Item | undefined {
    const top = this.#items[0];
    const last = this.#items.pop();
    if (last !== undefined && this.#items.length > 0) this.#sink(last, 0);
    return top;
  }

  /** Keeps only what `stays`. O(n). */
  sift(stays: (item: Item) => boolean): void {
    this.#items = this.#items.filter(stays);
    for (let at = (this.#items.length >> 1) - 1; at >= 0; at -= 1) {
      const item = this.#items[at];
      if (item !== undefined) this.#sink(item, at);
    }
  }

  #sink(item: Item, from: number): void {
    const items = this.#items;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      let below = items[child];
      if (below === undefined) break;
      const right = items[child + 1];
      if (right !== undefined && this.#before(right, below)) {
        child += 1;
        below = right;
      }
      if (!this.#before(below, item)) break;
      items[at] = below;
      at = child;
    }
    items[at] = item;
  }
}
