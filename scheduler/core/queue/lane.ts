// A lane holds the waiting tasks of one tenant in one queue with one priority and one ask, those with deadlines apart.
// Without deadlines it is first in, first out.
import type { AskClass } from '../state/classTable.ts';
import type { Task } from '../state/taskTable.ts';
import { Heap } from '../heap.ts';
import { byArrival, isWaiting, type Standing, standingOf } from './taskOrder.ts';
import type { Tenant } from './tenants.ts';

/** Left-over entries are swept once they outnumber the tasks, so that removal stays O(1) amortised. */
const sweepFrom = 64;

type Entry = Pick<Standing, 'task' | 'order'>;

/** Entries in the order in which they go. One that has left is passed over by who reads. */
interface Entries {
  readonly size: number;
  readonly push: (task: Task) => void;
  readonly top: () => Entry | undefined;
  readonly pop: () => void;
  /** All that wait, in no order. */
  readonly waiting: () => Iterable<Entry>;
  readonly sweep: () => void;
}

/** The line that a lane is of. */
interface Owner {
  readonly tenant: Tenant;
  readonly touch: () => void;
  readonly list: (lane: Lane) => void;
  readonly relist: (lane: Lane) => void;
}

/** How far its first task has looked through the nodes for something to stop. */
interface Look {
  readonly turnedBy: number;
  /** Nodes passed so far. */
  skip: number;
  /** So many make a whole round since there was news. */
  endsAt: number;
  newsCount: number;
}

export class Lane {
  readonly line: Owner;
  readonly priority: number;
  readonly askClass: AskClass;
  /** Dominant share of the plant of one such task, as the plant was when lanes were last sorted. Soft state. */
  bulk = 0;
  /** Order of the task by which the lane is listed in its line; 0 where it is not. Soft state. */
  listed = 0;
  /** A look for attempts to stop that is not at its end. Soft state. */
  look: Look | undefined = undefined;
  readonly #entries: Entries;
  #size = 0;

  constructor(line: Owner, task: Task) {
    this.line = line;
    this.priority = task.spec.priority;
    this.askClass = task.askClass;
    this.#entries = task.spec.deadlineMs === undefined ? new Fifo() : new ByDeadline();
  }

  get size(): number {
    return this.#size;
  }

  push(task: Task): void {
    this.#entries.push(task);
    this.#size += 1;
  }

  /** Counts a task out that has left (placed or cancelled). Its entry goes when the sweep or the head reaches it. */
  leave(): void {
    this.#size -= 1;
    if (this.#entries.size > 2 * this.#size + sweepFrom) this.#entries.sweep();
  }

  /** The task that goes next. Amortised O(1), O(log n) with deadlines. */
  first(): Task | undefined {
    for (;;) {
      const entry = this.#entries.top();
      if (!entry || isWaiting(entry)) return entry?.task;
      this.#entries.pop();
    }
  }

  standing(task: Task): Standing {
    return standingOf(task, this.bulk);
  }

  /** How many tasks of this lane go before this one. O(size). */
  ahead(task: Task): number {
    let count = 0;
    const standing = this.standing(task);
    for (const entry of this.#entries.waiting())
      if (entry.task !== task && byArrival.before(this.standing(entry.task), standing, 0)) count += 1;
    return count;
  }

  *tasks(): IterableIterator<Task> {
    for (const { task } of this.#entries.waiting()) yield task;
  }
}

class Fifo implements Entries {
  #entries: Entry[] = [];
  #head = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }
  push(task: Task): void {
    this.#entries.push({ task, order: task.enqueuedOrder });
  }
  top(): Entry | undefined {
    if (this.#head < this.#entries.length) return this.#entries[this.#head];
    this.#entries = [];
    this.#head = 0;
    return undefined;
  }
  /** What was read is kept until half of the list is such, so that it goes in amortised O(1). */
  pop(): void {
    this.#head += 1;
    if (this.#head > sweepFrom && 2 * this.#head > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
  *waiting(): Iterable<Entry> {
    for (let at = this.#head; at < this.#entries.length; at += 1) {
      const entry = this.#entries[at];
      if (entry && isWaiting(entry)) yield entry;
    }
  }
  sweep(): void {
    this.#entries = this.#entries.slice(this.#head).filter(isWaiting);
    this.#head = 0;
  }
}

/** All of one lane are of one bulk: it does not matter here. */
class ByDeadline implements Entries {
  readonly #heap = new Heap<Standing>((a, b) => byArrival.before(a, b, 0));

  get size(): number {
    return this.#heap.size;
  }
  push(task: Task): void {
    this.#heap.push(standingOf(task, 0));
  }
  top(): Entry | undefined {
    return this.#heap.top();
  }
  pop(): void {
    this.#heap.pop();
  }
  *waiting(): Iterable<Entry> {
    for (const entry of this.#heap.items()) if (isWaiting(entry)) yield entry;
  }
  sweep(): void {
    this.#heap.sift(isWaiting);
  }
}
