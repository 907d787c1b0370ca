// Who goes next: queues share the plant by weight, in a queue its tenants do, and a tenant's tasks go by priority,
// which waiting raises. Lanes whose ask no node can take are set aside and cost nothing until woken.
import type { QueueName } from '../../protocol/brands.ts';
import { readyWindowMax } from '../../protocol/limits.ts';
import type { QueueSettings } from '../../protocol/queue.ts';
import type { AskClass } from '../state/classTable.ts';
import type { Plant } from '../state/plant.ts';
import type { Task } from '../state/taskTable.ts';
import { Bulk } from './bulk.ts';
import { leastServed } from './contest.ts';
import type { Lane } from './lane.ts';
import type { Line } from './line.ts';
import type { Known, Queue } from './queue.ts';
import type { TenantTable } from './tenants.ts';
import { Turns } from './turns.ts';

export class ReadyQueue {
  readonly queues = new Map<QueueName, Queue>();
  /** Time of the turn. Soft state. */
  nowMs = 0;
  /** Grows with each change of what waits, for what is worked out of it. Soft state. */
  version = 0;
  /** Blocked asks for which attempts of others may be stopped: of late set aside, or asked for. Soft state. */
  readonly comers = new Set<AskClass>();
  /** What a queue or tenant with a guarantee holds has changed since preemption looked. */
  haveGuaranteesMoved = false;
  /** Live asks that no node could take when last tried. Soft state. */
  readonly blocked = new Set<AskClass>();
  readonly #turns: Turns;
  readonly #bulk: Bulk;
  readonly #tenants: TenantTable;
  readonly #lanesByAsk = new Map<AskClass, Set<Lane>>();
  #open = 0;

  constructor(plant: Plant, tenants: TenantTable, known: Known) {
    this.#turns = new Turns(plant, this.queues, known);
    this.#bulk = new Bulk(plant);
    this.#tenants = tenants;
  }

  /** When the first of the queues that wait for their rate may go on; infinite where none waits. */
  get rateOpensAtMs(): number {
    return this.#turns.rateOpensAtMs;
  }
  /** Tasks in the ready window: of those whose ask is not blocked, as many as the window shows. */
  get windowSize(): number {
    return Math.min(this.#open, readyWindowMax);
  }
  /** Tasks in line whose ask is not blocked. */
  get open(): number {
    return this.#open;
  }

  put(name: QueueName, settings: QueueSettings): void {
    const known = this.queues.get(name);
    if (!known) this.queues.set(name, this.#turns.queueMade(name, settings));
    else {
      if (known.settings.ratePerS !== settings.ratePerS) known.rate.reset();
      known.settings = settings;
      for (const line of known.lines.values()) line.listAll(); // quotas may let through what they did not
    }
    this.#turns.settingsChanged();
    this.version += 1;
  }
  /** To be called for a queue in which nothing is live. */
  remove(name: QueueName): void {
    this.#turns.forget(this.mustGet(name));
    this.queues.delete(name);
    this.#turns.settingsChanged();
  }
  /** As a snapshot has it. */
  setServed(name: QueueName, served: number): void {
    this.#turns.setServed(this.mustGet(name), served);
  }
  mustGet(name: QueueName): Queue {
    const queue = this.queues.get(name);
    if (!queue) throw new Error(`queue ${name} does not exist`);
    return queue;
  }
  /** To be called where a tenant's settings have changed. O(queues + its lanes log lanes). */
  tenantChanged(name: string): void {
    for (const queue of this.queues.values()) queue.lines.get(name)?.listAll();
  }

  /** The line that a task belongs to, made where it is new. */
  lineOf({ spec }: Task): Line {
    return this.mustGet(spec.queue).lineOf(this.#tenants.of(spec.tenant));
  }
  /** To be called when a task of this line went. */
  forgetIfIdle(queue: Queue, line: Line): void {
    if (line.share.live === 0 && line.waiting === 0) queue.forget(line);
  }

  /** Puts a task in line; its `enqueuedOrder` must be larger than any before. O(log lanes), O(queues) for the first. */
  push(task: Task): void {
    const queue = this.mustGet(task.spec.queue);
    const line = this.lineOf(task);
    if (queue.waiting === 0 || line.waiting === 0) line.touch();
    if (queue.waiting === 0) queue.served = Math.max(queue.served, leastServed(this.queues.values()));
    if (line.waiting === 0) line.served = Math.max(line.served, leastServed(queue.lines.values()));
    const lane = line.laneFor(task);
    if (lane.size === 0) this.#begin(lane);
    lane.push(task);
    queue.waiting += 1;
    line.waiting += 1;
    this.version += 1;
    if (lane.askClass.isBlocked) {
      if (queue.settings.canPreempt === true) this.comers.add(lane.askClass);
      return;
    }
    this.#open += 1;
    // A task with a deadline may be the new first one; without, it is the last.
    if (lane.listed === 0 || task.spec.deadlineMs !== undefined) line.list(lane);
  }

  /** Takes a task out of line, wherever it stands. The caller has changed its state. */
  leave(task: Task): void {
    const queue = this.mustGet(task.spec.queue);
    const line = this.lineOf(task);
    const lane = line.laneOf(task);
    if (!lane) throw new Error(`task ${String(task.taskId)} is in no lane`);
    lane.leave();
    line.touch();
    queue.waiting -= 1;
    line.waiting -= 1;
    this.version += 1;
    if (!lane.askClass.isBlocked) this.#open -= 1;
    if (lane.size > 0) return;
    line.remove(lane, task);
    const alike = this.#lanesByAsk.get(lane.askClass);
    alike?.delete(lane);
    if (alike?.size === 0) this.#lanesByAsk.delete(lane.askClass);
  }

  /** Counts a placement against the queue's and the tenant's turn. */
  charge(task: Task): void {
    const queue = this.mustGet(task.spec.queue);
    this.#turns.charge(queue, this.lineOf(task), this.nowMs);
  }

  /** Counts what an attempt reserves with its queue, its tenant, and the tenant's part of the queue. */
  hold(task: Task): void {
    const { ask } = task.spec;
    const line = this.#changedLineOf(task);
    this.mustGet(task.spec.queue).share.hold(ask);
    line.share.hold(ask);
    line.tenant.share.hold(ask);
  }
  release(task: Task): void {
    const { ask } = task.spec;
    const line = this.#changedLineOf(task);
    this.mustGet(task.spec.queue).share.release(ask);
    line.share.release(ask);
    line.tenant.share.release(ask);
  }
  takeGuaranteeNews(): boolean {
    const is = this.haveGuaranteesMoved;
    this.haveGuaranteesMoved = false;
    return is;
  }
  /** Where the tenant has bounds or a guarantee, what it holds in one queue decides in all of them. */
  #changedLineOf(task: Task): Line {
    const line = this.lineOf(task);
    if (line.tenant.settings?.guaranteed || this.mustGet(task.spec.queue).settings.guaranteed)
      this.haveGuaranteesMoved = true;
    if (line.tenant.settings) for (const other of line.tenant.lines) other.touch();
    else line.touch();
    return line;
  }

  /**
   * The task that should be placed next, left in line; undefined where none is ready. Queues below what is guaranteed
   * to them go first, then the one with the least share of the plant by weight, then the least served.
   * O(log queues + log tenants + log lanes), and as much for each queue and tenant of which something has changed.
   */
  next(nowMs: number): Task | undefined {
    this.nowMs = nowMs;
    this.#bulk.resort(this.queues.values());
    return this.#turns.next(nowMs);
  }

  /** No node can take this ask now: its lanes are passed over. */
  block(askClass: AskClass): void {
    if (askClass.isBlocked) return;
    askClass.isBlocked = true;
    this.blocked.add(askClass);
    this.version += 1;
    for (const lane of this.lanesOf(askClass)) {
      this.#open -= lane.size;
      lane.line.touch();
    }
  }
  wake(askClass: AskClass): void {
    if (!askClass.isBlocked) return;
    askClass.isBlocked = false;
    this.blocked.delete(askClass);
    this.version += 1;
    for (const lane of this.lanesOf(askClass)) {
      this.#open += lane.size;
      lane.line.list(lane);
    }
  }
  /** Its lanes, over all queues. */
  lanesOf(askClass: AskClass): Iterable<Lane> {
    return this.#lanesByAsk.get(askClass) ?? [];
  }

  /** Forgets all blocks, turns and rates: after a restart nothing is known of them. */
  reset(): void {
    this.#open = 0;
    this.comers.clear();
    this.version += 1;
    for (const askClass of this.blocked) askClass.isBlocked = false;
    this.blocked.clear();
    for (const queue of this.queues.values()) {
      queue.rate.reset();
      queue.forgetTurns();
      this.#open += queue.waiting;
    }
    this.#turns.reset();
    this.#bulk.resortAnew(this.queues.values());
  }

  laneOf(task: Task): Lane | undefined {
    return this.queues.get(task.spec.queue)?.lines.get(task.spec.tenant)?.laneOf(task);
  }

  #begin(lane: Lane): void {
    lane.bulk = this.#bulk.of(lane);
    const alike = this.#lanesByAsk.get(lane.askClass);
    if (alike) alike.add(lane);
    else this.#lanesByAsk.set(lane.askClass, new Set([lane]));
  }
}
