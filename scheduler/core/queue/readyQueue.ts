// Who goes next: queues share the plant by weight, in a queue its tenants do, and a tenant's tasks go by priority,
// which waiting raises. Lanes whose ask no node can take are set aside and cost nothing until woken.
import type { QueueName } from '../../protocol/brands.ts';
import { readyWindowMax } from '../../protocol/limits.ts';
import type { QueueSettings } from '../../protocol/queue.ts';
import type { Amounts } from '../../protocol/view.ts';
import type { AskClass } from '../state/classTable.ts';
import type { Plant } from '../state/plant.ts';
import type { Task } from '../state/taskTable.ts';
import { isBorrowing, queueGate } from './limits.ts';
import type { Lane } from './lane.ts';
import type { Line } from './line.ts';
import { charge, isLess, type Known, leastServed, Queue } from './queue.ts';
import { dominantShare, gpuOf } from './share.ts';
import { plainTenant, type TenantTable } from './tenants.ts';

/** Lanes are sorted anew where the plant has grown or shrunk by more than this since. */
const resortAt = 0.1;

export class ReadyQueue {
  readonly queues = new Map<QueueName, Queue>();
  /** Time of the turn. Soft state. */
  nowMs = 0;
  /** When the first of the queues that wait for their rate may go on; infinite where none waits. Soft state. */
  rateOpensAtMs = Number.POSITIVE_INFINITY;
  /** Grows with each change of what waits, for what is worked out of it. Soft state. */
  version = 0;
  /** Blocked asks for which attempts of others may be stopped: of late set aside, or asked for. Soft state. */
  readonly comers = new Set<AskClass>();
  readonly #plant: Plant;
  readonly #tenants: TenantTable;
  readonly #known: Known;
  readonly #lanesByAsk = new Map<AskClass, Set<Lane>>();
  /** The plant as it was when lanes were last sorted by what share of it they ask. */
  #sortedFor: Amounts & { readonly version: number } = { cpu: 0, memory: 0, gpu: 0, version: 0 };
  #open = 0;

  constructor(plant: Plant, tenants: TenantTable, known: Known) {
    this.#plant = plant;
    this.#tenants = tenants;
    this.#known = known;
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
    if (!known) this.queues.set(name, new Queue(name, settings, this.#known));
    else {
      if (known.settings.ratePerS !== settings.ratePerS) known.rate.reset();
      known.settings = settings;
      for (const line of known.lines.values()) line.listAll(); // quotas may let through what they did not
    }
    this.version += 1;
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
    if (line.share.live === 0 && line.waiting === 0) queue.lines.delete(line.tenant.name);
  }

  /** Puts a task in line; its `enqueuedOrder` must be larger than any before. O(log lanes), O(queues) for the first. */
  push(task: Task): void {
    const queue = this.mustGet(task.spec.queue);
    const line = this.lineOf(task);
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

  /** Counts a placement against the queue's and the tenant's turn. O(queues + tenants of the queue). */
  charge(task: Task): void {
    const queue = this.mustGet(task.spec.queue);
    charge(queue, this.queues.values(), queue.settings.weight);
    const line = this.lineOf(task);
    charge(line, queue.lines.values(), (line.tenant.settings ?? plainTenant).weight);
    if (queue.settings.ratePerS !== undefined) queue.rate.take();
  }

  /**
   * The task that should be placed next, left in line; undefined where none is ready. Queues below what is guaranteed
   * to them go first, then the one with the least share of the plant by weight, then the least served.
   */
  next(nowMs: number): Task | undefined {
    this.nowMs = nowMs;
    this.rateOpensAtMs = Number.POSITIVE_INFINITY;
    this.#resort();
    let best: { isOwn: boolean; level: number; served: number; task: Task } | undefined;
    for (const queue of this.queues.values()) {
      const { settings, served, share } = queue;
      if (queue.waiting === 0) continue;
      const level = share.dominantOf(this.#plant) / settings.weight;
      if (!settings.guaranteed && best && !isLess({ isOwn: false, level, served }, best)) continue;
      const task = this.#isShut(queue, nowMs) ? undefined : queue.first(this.#plant, nowMs);
      if (!task) continue;
      const isOwn = settings.guaranteed !== undefined && !isBorrowing(share, settings, task.askClass);
      if (!best || isLess({ isOwn, level, served }, best)) best = { isOwn, level, served, task };
    }
    return best?.task;
  }

  /** No node can take this ask now: its lanes are passed over. */
  block(askClass: AskClass): void {
    if (askClass.isBlocked) return;
    askClass.isBlocked = true;
    this.version += 1;
    for (const lane of this.lanesOf(askClass)) this.#open -= lane.size;
  }
  wake(askClass: AskClass): void {
    if (!askClass.isBlocked) return;
    askClass.isBlocked = false;
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
    this.rateOpensAtMs = Number.POSITIVE_INFINITY;
    this.#sortedFor = { cpu: 0, memory: 0, gpu: 0, version: 0 };
    for (const askClass of this.#lanesByAsk.keys()) askClass.isBlocked = false;
    for (const queue of this.queues.values()) {
      queue.rate.reset();
      for (const line of queue.lines.values()) line.served = 0;
      this.#open += queue.waiting;
    }
    this.#resort();
  }

  laneOf(task: Task): Lane | undefined {
    return this.queues.get(task.spec.queue)?.lines.get(task.spec.tenant)?.laneOf(task);
  }

  #begin(lane: Lane): void {
    lane.bulk = this.#bulkOf(lane);
    const alike = this.#lanesByAsk.get(lane.askClass);
    if (alike) alike.add(lane);
    else this.#lanesByAsk.set(lane.askClass, new Set([lane]));
  }

  #isShut(queue: Queue, nowMs: number): boolean {
    const gate = queueGate(queue, nowMs);
    const { ratePerS } = queue.settings;
    if (gate === 'QUEUE_RATE' && ratePerS !== undefined)
      this.rateOpensAtMs = Math.min(this.rateOpensAtMs, queue.rate.opensAtMs(ratePerS, nowMs));
    return gate !== undefined;
  }

  /** O(1) where the plant is about as it was, else O(lanes log lanes). */
  #resort(): void {
    const { cpu, memory, gpu, version } = this.#plant;
    const was = this.#sortedFor;
    if (was.version === version) return;
    const isNear = (now: number, then: number): boolean => Math.abs(now - then) <= resortAt * then;
    if (was.version > 0 && isNear(cpu, was.cpu) && isNear(memory, was.memory) && isNear(gpu, was.gpu)) return;
    this.#sortedFor = { cpu, memory, gpu, version };
    for (const queue of this.queues.values())
      for (const line of queue.lines.values()) {
        for (const lane of line.lanes.values()) lane.bulk = this.#bulkOf(lane);
        line.listAll();
      }
  }

  #bulkOf({ askClass: { ask } }: Lane): number {
    return dominantShare({ cpu: ask.cpu, memory: ask.memory, gpu: gpuOf(ask) }, this.#sortedFor);
  }
}
