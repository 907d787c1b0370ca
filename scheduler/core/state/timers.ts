// Deadlines of leases, backoffs and delays in one binary heap. Renewing a lease touches nothing here: a timer
// that fires early is put back by its owner, so 50,000 heartbeats cost no heap work.
import { Heap } from '../heap.ts';

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
  readonly #heap = new Heap<Timer>(isBefore);

  get size(): number {
    return this.#heap.size;
  }

  nextDueMs(): number | undefined {
    return this.#heap.top()?.dueMs;
  }

  /** O(log n). */
  add(timer: Timer): void {
    this.#heap.push(timer);
  }

  /** The earliest timer due at `nowMs`, removed; undefined where none is. O(log n). */
  takeDue(nowMs: number): Timer | undefined {
    const first = this.#heap.top();
    return first === undefined || first.dueMs > nowMs ? undefined : this.#heap.pop();
  }

  clear(): void {
    this.#heap.clear();
  }
}

/** Total order, so that equal deadlines fire the same way in every run. */
function isBefore(a: Timer, b: Timer): boolean {
  if (a.dueMs !== b.dueMs) return a.dueMs < b.dueMs;
  if (a.kind !== b.kind) return a.kind < b.kind;
  return a.id < b.id;
}
