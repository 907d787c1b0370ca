// A lane holds the waiting tasks of one queue, one priority and one ask class, first in, first out. Its first `window`
// tasks are in the ready window; the rest is backlog.
import type { AskClass } from '../state/classTable.ts';
import type { Task } from '../state/taskTable.ts';

/** Left-over entries are swept once they outnumber the tasks, so that removal stays O(1) amortised. */
const sweepFrom = 64;

interface Entry {
  readonly task: Task;
  /** The task's order when it was put here; another order means it has left since. */
  readonly order: number;
}

export class Lane {
  readonly priority: number;
  readonly askClass: AskClass;
  /** Tasks in the ready window. Soft state. */
  window = 0;
  #entries: Entry[] = [];
  #head = 0;
  #size = 0;

  constructor(priority: number, askClass: AskClass) {
    this.priority = priority;
    this.askClass = askClass;
  }

  get size(): number {
    return this.#size;
  }
  get backlog(): number {
    return this.#size - this.window;
  }

  push(task: Task): void {
    this.#entries.push({ task, order: task.enqueuedOrder });
    this.#size += 1;
  }

  /** Counts a task out that has left (placed or cancelled). Its entry goes when the sweep or the head reaches it. */
  leave(): void {
    this.#size -= 1;
    if (this.window > this.#size) this.window = this.#size;
    if (this.#entries.length - this.#head > 2 * this.#size + sweepFrom) this.#sweep();
  }

  /** The task that waits longest. Amortised O(1). */
  first(): Task | undefined {
    while (this.#head < this.#entries.length) {
      const entry = this.#entries[this.#head];
      if (entry && isWaiting(entry)) return entry.task;
      this.#head += 1;
    }
    this.#entries = [];
    this.#head = 0;
    return undefined;
  }

  /** How many tasks of this lane go before one with this order. O(size). */
  ahead(order: number): number {
    let count = 0;
    for (let at = this.#head; at < this.#entries.length; at += 1) {
      const entry = this.#entries[at];
      if (!entry || entry.order >= order) break;
      if (isWaiting(entry)) count += 1;
    }
    return count;
  }

  *tasks(): IterableIterator<Task> {
    for (let at = this.#head; at < this.#entries.length; at += 1) {
      const entry = this.#entries[at];
      if (entry && isWaiting(entry)) yield entry.task;
    }
  }

  #sweep(): void {
    this.#entries = this.#entries.slice(this.#head).filter(isWaiting);
    this.#head = 0;
  }
}

const isWaiting = ({ task, order }: Entry): boolean => task.state === 'ready' && task.enqueuedOrder === order;
