// What is kept for tasks that fit nowhere yet: for each a node and the time from which it should have room there.
// Others may start on such a node only if they have ended by then, or leave enough beside. Soft state: after a restart
// reservations are made anew.
import type { NodeIndex } from '../../protocol/brands.ts';
import { reservationsMax } from '../../protocol/limits.ts';
import type { AskClass } from '../state/classTable.ts';
import type { NodeTable } from '../state/nodeTable.ts';
import type { RunTimes } from '../state/runTimes.ts';
import { attemptOf, type LiveAttempt, type Task, type TaskTable } from '../state/taskTable.ts';
import { type ExpectedEnd, NodePlan } from './nodePlan.ts';

export interface Reservation {
  readonly task: Task;
  readonly node: NodeIndex;
  /** When the task should be able to start, as far as the expected ends of others can be trusted. */
  fromMs: number;
  untilMs: number;
}

/** An attempt that runs longer than expected is taken to end this soon. */
const overdueMs = 1_000;

export class Reservations {
  readonly #fleet: NodeTable;
  readonly #tasks: TaskTable;
  readonly #runTimes: RunTimes;
  /** In the order in which they were made. */
  #kept: Reservation[] = [];
  /** Of the nodes with reservations; made anew where something changed. */
  readonly #plans = new Map<NodeIndex, NodePlan>();
  #nowMs = 0;
  /** Who is being placed, and when it should have ended: worked out where it is asked for. */
  #asker: Task | undefined;
  #askerUntilMs: number | undefined;

  constructor(fleet: NodeTable, tasks: TaskTable, runTimes: RunTimes) {
    this.#fleet = fleet;
    this.#tasks = tasks;
    this.#runTimes = runTimes;
  }

  get all(): readonly Reservation[] {
    return this.#kept;
  }
  get isFull(): boolean {
    return this.#kept.length >= reservationsMax;
  }
  of(task: Task): Reservation | undefined {
    return this.#kept.find((kept) => kept.task === task);
  }

  /** The time of the turn. */
  begin(nowMs: number): void {
    this.#nowMs = nowMs;
    this.lookFor(undefined);
  }
  /** For whom nodes are looked at from now on. Undefined: for the shortest task that an ask may stand for. */
  lookFor(task: Task | undefined): void {
    this.#asker = task;
    this.#askerUntilMs = undefined;
  }
  /** The same for the length of this work only. */
  lookingFor<Found>(task: Task, look: () => Found): Found {
    const before = this.#asker;
    this.lookFor(task);
    const found = look();
    this.lookFor(before);
    return found;
  }

  /** Is the room there kept for others? Nothing is kept from who has the reservation itself. */
  refuses(node: NodeIndex, ask: AskClass): boolean {
    if (this.#kept.length === 0 || !this.#plans.has(node)) return false;
    if (this.#asker && (this.#dueOn(node, this.#asker) || this.#isAllFor(node, this.#asker))) return false;
    const untilMs = this.#asker ? this.#untilMs(this.#asker) : this.#nowMs + this.#leastLengthOf(ask);
    // Several members of a gang may go to one node, and who wants a node alone leaves nothing beside: they have to end
    // before what is kept begins.
    if ((this.#asker && ask.gangSize > 0) || ask.rules?.isExclusive) return untilMs > this.#firstFromMs(node);
    return !this.#planOf(node).takes(ask.ask, untilMs);
  }
  /** Those whose time has come. */
  due(): readonly Reservation[] {
    return this.#kept.filter(({ fromMs }) => fromMs <= this.#nowMs);
  }
  /** For an explanation: who it is kept for, and from when. */
  first(node: NodeIndex): Reservation | undefined {
    return this.#kept.find((kept) => kept.node === node);
  }

  /** When the task could start there beside what is kept already; undefined where it never could. O(attempts there). */
  earliestOn(node: NodeIndex, task: Task): number | undefined {
    const plan = this.#plans.has(node) ? this.#planOf(node) : this.#planFor(node);
    return plan.earliest(task.spec.ask, this.#runTimes.lengthOf(task.spec));
  }
  /**
   * For an explanation: the same for a node that cannot take it now, and where it is not room that is short, when it
   * should be empty. Undefined where that is not before `beforeMs`.
   */
  roomAtMs(node: NodeIndex, task: Task, beforeMs: number): number | undefined {
    const ends = this.#endsOn(node);
    const firstMs = ends.reduce((first, end) => Math.min(first, end.atMs), Number.POSITIVE_INFINITY);
    if (firstMs >= beforeMs) return undefined;
    const plan = this.#plans.has(node)
      ? this.#planOf(node)
      : new NodePlan(node, this.#fleet, this.#nowMs, ends);
    const atMs = plan.earliest(task.spec.ask, this.#runTimes.lengthOf(task.spec));
    if (atMs === undefined || atMs > this.#nowMs) return atMs;
    return ends.reduce((last, end) => Math.max(last, end.atMs), atMs);
  }
  /** Keeps a node for a task from the first time on at which it has room. */
  keep(task: Task, node: NodeIndex): Reservation {
    const kept = { task, node, fromMs: 0, untilMs: 0 };
    if (this.#plans.has(node)) this.#hold(this.#planOf(node), kept);
    this.#kept.push(kept);
    if (!this.#plans.has(node)) this.#planOf(node);
    return kept;
  }
  drop(isMeant: (kept: Reservation) => boolean): readonly Reservation[] {
    const dropped = this.#kept.filter(isMeant);
    if (dropped.length === 0) return dropped;
    this.#kept = this.#kept.filter((kept) => !isMeant(kept));
    for (const { node } of dropped) this.changed(node);
    return dropped;
  }
  clear(): void {
    this.#kept = [];
    this.#plans.clear();
  }

  /** What is on the node has changed by other than a placement. */
  changed(node: NodeIndex): void {
    if (this.#plans.delete(node) && this.first(node)) this.#planOf(node);
  }
  /**
   * A task has been placed: what it holds is in the plan of its node from now on. Gives the reservations that ended by
   * it: what was kept there beyond what the task took may be had by others.
   */
  placed(task: Task, live: LiveAttempt): readonly Reservation[] {
    const untilMs = this.#nowMs + this.#runTimes.lengthOf(task.spec);
    const used = this.#dueOn(live.node, task);
    const dropped = this.drop((kept) => kept === used || kept.task === task);
    if (dropped.some((kept) => kept.node === live.node)) return dropped;
    const plan = this.#plans.get(live.node);
    if (!plan || plan.staleAtMs <= this.#nowMs || task.askClass.rules?.isExclusive) this.changed(live.node);
    else {
      plan.begin(this.#nowMs);
      plan.hold(task.spec.ask, { fromMs: this.#nowMs, untilMs, gpuMask: live.gpuMask });
    }
    return dropped;
  }

  /**
   * The reservation there that this task may use: its own, or that of another with the same ask. Who of them goes first
   * is for the queues to say.
   */
  #dueOn(node: NodeIndex, { askClass }: Task): Reservation | undefined {
    return this.#kept.find(
      (kept) => kept.node === node && kept.fromMs <= this.#nowMs && kept.task.askClass === askClass,
    );
  }

  /** All that is kept there is kept for this task. */
  #isAllFor(node: NodeIndex, task: Task): boolean {
    return this.#kept.every((kept) => kept.node !== node || kept.task === task);
  }

  #firstFromMs(node: NodeIndex): number {
    this.#planOf(node);
    return this.#kept.reduce(
      (first, kept) => (kept.node === node ? Math.min(first, kept.fromMs) : first),
      Number.POSITIVE_INFINITY,
    );
  }

  #planOf(node: NodeIndex): NodePlan {
    const known = this.#plans.get(node);
    if (known && known.staleAtMs > this.#nowMs) {
      known.begin(this.#nowMs);
      return known;
    }
    const plan = this.#planFor(node);
    // In the order of their times: whoever may start earlier by now takes nothing from those that were due before him.
    const there = this.#kept.filter((kept) => kept.node === node);
    for (const kept of there.sort((a, b) => a.fromMs - b.fromMs)) this.#hold(plan, kept);
    this.#plans.set(node, plan);
    return plan;
  }
  #planFor(node: NodeIndex): NodePlan {
    return new NodePlan(node, this.#fleet, this.#nowMs, this.#endsOn(node));
  }
  /** When what runs there should end. */
  #endsOn(node: NodeIndex): readonly ExpectedEnd[] {
    const ends: ExpectedEnd[] = [];
    for (const token of this.#fleet.attemptsOn(node)) {
      const task = this.#tasks.byToken(token);
      const live = attemptOf(task, token);
      if (task && live) ends.push(this.#endOf(task, live));
    }
    return ends;
  }
  #hold(plan: NodePlan, kept: Reservation): void {
    const { ask } = kept.task.spec;
    const lengthMs = this.#runTimes.lengthOf(kept.task.spec);
    kept.fromMs = plan.earliest(ask, lengthMs) ?? Number.POSITIVE_INFINITY;
    kept.untilMs = kept.fromMs + lengthMs;
    if (Number.isFinite(kept.fromMs)) plan.hold(ask, kept);
  }
  #untilMs(asker: Task): number {
    this.#askerUntilMs ??= this.#nowMs + this.#runTimes.lengthOf(asker.spec);
    return this.#askerUntilMs;
  }
  /** The bound of an ask is rounded up by less than half an octave, and some may be known to run shorter. */
  #leastLengthOf({ boundMs }: AskClass): number {
    return (boundMs / 1.5) * this.#runTimes.leastPart;
  }
  #endOf({ spec, askClass }: Task, { startedAtMs, placedAtMs, gpuMask }: LiveAttempt): ExpectedEnd {
    const expectedMs = (startedAtMs ?? placedAtMs) + this.#runTimes.lengthOf(spec);
    const isAlone = askClass.rules?.isExclusive === true;
    return { atMs: Math.max(expectedMs, this.#nowMs + overdueMs), ask: spec.ask, gpuMask, isAlone };
  }
}
