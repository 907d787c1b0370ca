// Who goes next: queues share by weight, within a queue priority decides, and waiting raises it. A bounded ready window
// is what a cycle may look at; lanes whose ask no node can take are set aside and cost nothing until woken.
import type { QueueName } from '../../protocol/brands.ts';
import { ageingStepMs, readyWindowMax } from '../../protocol/limits.ts';
import type { QueueSettings } from '../../protocol/queue.ts';
import type { AskClass } from '../state/classTable.ts';
import type { Task } from '../state/taskTable.ts';
import { Lane } from './lane.ts';
import { Share } from './share.ts';

/**
 * Queues that all could be served stay within 1 of each other. One further behind was empty or blocked meanwhile: what
 * it missed then is gone, or it would keep the others out for as long when it comes back.
 */
const lagMax = 2;

export interface Queue {
  readonly name: QueueName;
  settings: QueueSettings;
  readonly share: Share;
  /**
   * Placements so far divided by weight: the queue that has had least goes next (start-time fair queueing, Goyal 1996).
   * A queue that was empty starts where the least of the others stands, so that it cannot save up.
   */
  served: number;
  readonly lanes: Map<string, Lane>;
  /** Tasks in line, over all lanes. */
  waiting: number;
  backoff: number;
}

export class ReadyQueue {
  readonly queues = new Map<QueueName, Queue>();
  #windowSize = 0;
  /** Some lane that is not blocked has tasks behind the window. */
  #hasBacklog = false;

  /** Tasks in the ready window. */
  get windowSize(): number {
    return this.#windowSize;
  }

  put(name: QueueName, settings: QueueSettings): void {
    const known = this.queues.get(name);
    if (known) known.settings = settings;
    else {
      const empty = { served: 0, lanes: new Map<string, Lane>(), waiting: 0, backoff: 0 };
      this.queues.set(name, { name, settings, share: new Share(), ...empty });
    }
  }
  mustGet(name: QueueName): Queue {
    const queue = this.queues.get(name);
    if (!queue) throw new Error(`queue ${name} does not exist`);
    return queue;
  }

  /** Puts a task in line; `task.enqueuedOrder` must be larger than any before. O(1). */
  push(task: Task): void {
    const queue = this.mustGet(task.spec.queue);
    if (queue.waiting === 0) queue.served = Math.max(queue.served, this.#leastServed());
    const lane = this.#laneOf(queue, task);
    lane.push(task);
    queue.waiting += 1;
    if (lane.askClass.isBlocked) return;
    if (this.#windowSize < readyWindowMax || (lane.window === 0 && this.#takeOneFromLowest()))
      this.#grant(lane, 1);
    else this.#hasBacklog = true;
  }

  /** Takes a task out of line, wherever it stands. The caller has changed its state. */
  leave(task: Task): void {
    const queue = this.mustGet(task.spec.queue);
    const key = laneKey(task);
    const lane = queue.lanes.get(key);
    if (!lane) throw new Error(`task ${String(task.taskId)} is in no lane`);
    const windowBefore = lane.window;
    lane.leave(); // the lane's own backlog moves up; the window shrinks only where there is none
    queue.waiting -= 1;
    this.#windowSize += lane.window - windowBefore;
    if (lane.size === 0) queue.lanes.delete(key);
  }

  /** Counts a placement against the queue's share. O(queues). */
  charge(queue: Queue): void {
    let most = 0;
    for (const { served } of this.queues.values()) most = Math.max(most, served);
    queue.served = Math.max(queue.served, most - lagMax) + 1 / queue.settings.weight;
  }

  /** The task that should be placed next, left in line; undefined where none is ready. */
  next(nowMs: number): Task | undefined {
    this.#promote();
    let best: Task | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const queue of this.queues.values()) {
      if (queue.waiting === 0 || queue.served >= least) continue;
      const task = firstOf(queue, nowMs);
      if (!task) continue;
      best = task;
      least = queue.served;
    }
    return best;
  }

  /** No node can take this ask now: its lanes give up their place in the window. */
  block(askClass: AskClass): void {
    askClass.isBlocked = true;
    for (const lane of this.#lanesOf(askClass)) {
      this.#windowSize -= lane.window;
      lane.window = 0;
    }
  }
  wake(askClass: AskClass): void {
    askClass.isBlocked = false;
    this.#hasBacklog = true;
    for (const lane of this.#lanesOf(askClass))
      if (this.#windowSize < readyWindowMax || this.#takeOneFromLowest()) this.#grant(lane, 1);
  }

  /** Forgets the window and all blocks: after a restart nothing is known of either. */
  reset(): void {
    this.#windowSize = 0;
    for (const queue of this.queues.values())
      for (const lane of queue.lanes.values()) {
        lane.window = 0;
        lane.askClass.isBlocked = false;
      }
    this.#hasBacklog = true;
  }

  laneOf(task: Task): Lane | undefined {
    return this.queues.get(task.spec.queue)?.lanes.get(laneKey(task));
  }

  /**
   * Fills the window, higher priorities first. Each lane's head comes before any lane's second task, so that neither
   * fairness nor ageing is lost behind a full window.
   */
  #promote(): void {
    if (!this.#hasBacklog || this.#windowSize >= readyWindowMax) return;
    const lanes = [...this.queues.values()]
      .flatMap((queue) => [...queue.lanes.values()])
      .filter((lane) => !lane.askClass.isBlocked && lane.backlog > 0)
      .sort((a, b) => b.priority - a.priority);
    for (const lane of lanes)
      if (lane.window === 0 && this.#windowSize < readyWindowMax) this.#grant(lane, 1);
    for (const lane of lanes) this.#grant(lane, Math.min(readyWindowMax - this.#windowSize, lane.backlog));
    this.#hasBacklog = lanes.some((lane) => lane.backlog > 0);
  }

  /** Makes room for the head of a lane that has nothing in a full window. False where every lane has just one. */
  #takeOneFromLowest(): boolean {
    let lowest: Lane | undefined;
    for (const queue of this.queues.values())
      for (const lane of queue.lanes.values())
        if (lane.window > 1 && (!lowest || lane.priority < lowest.priority)) lowest = lane;
    if (!lowest) return false;
    this.#grant(lowest, -1);
    this.#hasBacklog = true;
    return true;
  }

  #grant(lane: Lane, count: number): void {
    lane.window += count;
    this.#windowSize += count;
  }

  #laneOf(queue: Queue, task: Task): Lane {
    const key = laneKey(task);
    let lane = queue.lanes.get(key);
    if (!lane) queue.lanes.set(key, (lane = new Lane(task.spec.priority, task.askClass)));
    return lane;
  }

  *#lanesOf(askClass: AskClass): IterableIterator<Lane> {
    for (const queue of this.queues.values())
      for (const lane of queue.lanes.values()) if (lane.askClass === askClass) yield lane;
  }

  #leastServed(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const queue of this.queues.values()) if (queue.waiting > 0) least = Math.min(least, queue.served);
    return least === Number.POSITIVE_INFINITY ? 0 : least;
  }
}

const laneKey = (task: Task): string => `${String(task.spec.priority)}/${String(task.askClass.row)}`;

/** The queue's task with the highest priority after ageing; the older one on a tie. O(lanes). */
function firstOf(queue: Queue, nowMs: number): Task | undefined {
  let best: Task | undefined;
  let bestRank = Number.NEGATIVE_INFINITY;
  for (const lane of queue.lanes.values()) {
    if (lane.askClass.isBlocked || lane.window === 0) continue;
    const task = lane.first();
    if (!task) continue;
    const rank = lane.priority + Math.floor(Math.max(0, nowMs - task.enqueuedAtMs) / ageingStepMs);
    if (rank < bestRank || (rank === bestRank && best && best.enqueuedOrder < task.enqueuedOrder)) continue;
    best = task;
    bestRank = rank;
  }
  return best;
}
