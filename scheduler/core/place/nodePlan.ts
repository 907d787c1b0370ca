// What will be free on one node from now on: a step wherever an attempt should end, or something kept begins or ends.
import type { NodeIndex } from '../../protocol/brands.ts';
import type { Ask } from '../../protocol/task.ts';
import type { NodeTable } from '../state/nodeTable.ts';
import { changedRoom, devicesIn, hasRoom, type Room, roomOf } from './room.ts';

/** From `atMs` to the next step this is free. */
interface Step {
  readonly atMs: number;
  room: Room;
}

/** What an attempt gives back, and when it should. */
export interface ExpectedEnd {
  readonly atMs: number;
  readonly ask: Ask;
  readonly gpuMask: number;
  /** It has the node for itself: until then nobody else may start there, whatever is free. */
  readonly isAlone?: boolean;
}

/** Without a mask it is kept for somebody, and devices are yet to be chosen. */
interface Held {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly gpuMask?: number;
}

export class NodePlan {
  readonly node: NodeIndex;
  readonly #fleet: NodeTable;
  readonly #steps: Step[];
  /** From when on devices are kept for somebody: which ones cannot be told before the time has come. */
  #devicesKeptFromMs = Number.POSITIVE_INFINITY;

  constructor(node: NodeIndex, fleet: NodeTable, nowMs: number, ends: readonly ExpectedEnd[]) {
    this.node = node;
    this.#fleet = fleet;
    let room = roomOf(node, fleet);
    const aloneUntilMs = ends.find(({ isAlone }) => isAlone === true)?.atMs ?? nowMs;
    this.#steps = [{ atMs: nowMs, room: aloneUntilMs > nowMs ? { ...room, cpu: -1 } : room }];
    for (const { atMs, ask, gpuMask } of [...ends].sort((a, b) => a.atMs - b.atMs)) {
      room = changedRoom(room, { ask, gpuMask, sign: 1 }, fleet);
      if (atMs < aloneUntilMs) continue;
      const last = this.#steps.at(-1);
      if (last?.atMs === atMs) last.room = room;
      else this.#steps.push({ atMs, room });
    }
  }

  /** The time at which the plan has to be made anew: something should have ended by then. */
  get staleAtMs(): number {
    return this.#steps[1]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Time has passed, to before `staleAtMs`: what was free is free from now on. */
  begin(nowMs: number): void {
    const [first] = this.#steps;
    if (first) this.#steps[0] = { atMs: nowMs, room: first.room };
  }

  /** May this run from now until then without taking what is kept? */
  takes(ask: Ask, untilMs: number): boolean {
    if (ask.gpu && untilMs > this.#devicesKeptFromMs) return false;
    for (const { atMs, room } of this.#steps) {
      if (atMs >= untilMs) return true;
      if (!hasRoom(room, ask, this.#fleet)) return false;
    }
    return true;
  }

  /** The first time at which there is room for so long; undefined where there never is. O(steps). */
  earliest(ask: Ask, lengthMs: number): number | undefined {
    let from = 0;
    while (from < this.#steps.length) {
      const start = this.#steps[from]?.atMs ?? 0;
      const lack = this.#firstLack(from, ask, start + lengthMs);
      if (lack === undefined) return start;
      from = lack + 1;
    }
    return undefined;
  }

  /** Takes an ask's amounts out of the plan for a time: what is kept, or what has just been placed. */
  hold(ask: Ask, { fromMs, untilMs, gpuMask }: Held): void {
    const first = this.#cut(fromMs);
    const end = this.#cut(untilMs);
    const starting = this.#steps[first];
    const mask = gpuMask ?? (ask.gpu && starting ? (devicesIn(starting.room, ask.gpu) ?? 0) : 0);
    if (gpuMask === undefined && ask.gpu) this.#devicesKeptFromMs = Math.min(this.#devicesKeptFromMs, fromMs);
    for (let at = first; at < end; at += 1) {
      const step = this.#steps[at];
      if (step) step.room = changedRoom(step.room, { ask, gpuMask: mask, sign: -1 }, this.#fleet);
    }
  }

  /** Index of the first step from `from` on that has no room, among those before a time. */
  #firstLack(from: number, ask: Ask, untilMs: number): number | undefined {
    for (let at = from; at < this.#steps.length; at += 1) {
      const step = this.#steps[at];
      if (!step || step.atMs >= untilMs) return undefined;
      if (!hasRoom(step.room, ask, this.#fleet)) return at;
    }
    return undefined;
  }

  /** Index of the step that begins at this time, made where there is none; 0 for one that is past. */
  #cut(atMs: number): number {
    const next = this.#steps.findIndex((step) => step.atMs >= atMs);
    if (next < 0) {
      const last = this.#steps.at(-1);
      if (last) this.#steps.push({ atMs, room: last.room });
      return this.#steps.length - 1;
    }
    if (next === 0 || this.#steps[next]?.atMs === atMs) return next;
    const before = this.#steps[next - 1];
    if (before) this.#steps.splice(next, 0, { atMs, room: before.room });
    return next;
  }
}
