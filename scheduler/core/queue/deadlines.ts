// Live tasks whose deadline has passed, counted by queue when somebody asks. They run all the same. Soft state.
import type { QueueName } from '../../protocol/brands.ts';
import type { Task } from '../state/taskTable.ts';
import { Heap } from '../heap.ts';

interface Due {
  readonly atMs: number;
  readonly task: Task;
}

export class Deadlines {
  readonly #ahead = new Heap<Due>((a, b) => a.atMs < b.atMs);
  readonly #live = new Set<Task>();
  readonly #missed = new Map<QueueName, Set<Task>>();

  add(task: Task): void {
    const { deadlineMs } = task.spec;
    if (deadlineMs === undefined) return;
    this.#live.add(task);
    this.#ahead.push({ atMs: deadlineMs, task });
  }
  remove(task: Task): void {
    if (!this.#live.delete(task)) return;
    this.#missed.get(task.spec.queue)?.delete(task);
    if (this.#ahead.size > 2 * this.#live.size + 64) this.#ahead.sift((due) => this.#live.has(due.task));
  }

  /** How many of a queue's live tasks have missed theirs. Amortised O(log n). */
  missedIn(queue: QueueName, nowMs: number): number {
    for (let due = this.#ahead.top(); due && due.atMs < nowMs; due = this.#ahead.top()) {
      this.#ahead.pop();
      if (!this.#live.has(due.task)) continue;
      const missed = this.#missed.get(due.task.spec.queue);
      if (missed) missed.add(due.task);
      else this.#missed.set(due.task.spec.queue, new Set([due.task]));
    }
    return this.#missed.get(queue)?.size ?? 0;
  }
}
