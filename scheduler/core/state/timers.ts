// Deadlines of leases, backoffs and delays in one binary heap. Renewing a lease touches nothing here: a timer
// that fires early is put back by its owner, so 50,000 heartbeats cost no heap work.

export type TimerKind =
  | 'node'
  | 'attempt'
  | 'backoff'
  | 'straggler'
  | 'delayed'
  | 'gang'
  | 'rate'
  | 'window'
  | 'nominee'
  | 'preempt';
export interface Timer {
  readonly dueMs: number;
  readonly kind: TimerKind;
  /** Node index, token or task id, by kind; of a delayed array, its own id; 0 for `rate`, `window` and `preempt`. */
  readonly id: number;
}

export class Timers {
  readonly #heap: Timer[] = [];

  get size(): number {
    return this.#heap.length;
  }

  nextDueMs(): number | undefined {
    return this.#heap[0]?.dueMs;
  }

  /** O(log n). */
  add(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(timer, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
  }

  /** The earliest timer due at `nowMs`, removed; undefined where none is. O(log n). */
  takeDue(nowMs: number): Timer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.dueMs > nowMs) return undefined;
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #sink(timer: Timer): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, below)) {
        child += 1;
        below = right;
      }
      if (!isBefore(below, timer)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = timer;
  }
}

/** Total order, so that equal deadlines fire the same way in every run. */
function isBefore(a: Timer, b: Timer): boolean {
  if (a.dueMs !== b.dueMs) return a.dueMs < b.dueMs;
  if (a.kind !== b.kind) return a.kind < b.kind;
  return a.id < b.id;
}
