// Lets agents join at a rate: past it each is told its own place in the line, and is let in when it comes back then.
import type { Ms, NodeId } from '../protocol/brands.ts';
import { nodesMax } from '../protocol/limits.ts';

/** A timer of the agent may fire so much before its place. */
const earlyMs = 50;
/** A place that nobody came for is forgotten. */
const keptMs = 60_000;

export class Admission {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  readonly #clock: () => Ms;
  /** When the next place is free; may be in the past, by the burst at most. */
  #freeAtMs = 0;
  /** Places given away, the soonest first. */
  readonly #booked = new Map<NodeId, number>();

  constructor(perSecond: number, burst: number, clock: () => Ms) {
    this.#intervalMs = 1_000 / perSecond;
    this.#burstMs = burst * this.#intervalMs;
    this.#clock = clock;
  }

  /** 0: it may join now. Otherwise the whole milliseconds until its place, which stays its own. */
  waitMs(nodeId: NodeId): number {
    const nowMs = this.#clock();
    this.#forgetMissed(nowMs);
    const booked = this.#booked.get(nodeId);
    if (booked !== undefined) {
      if (booked > nowMs + earlyMs) return Math.ceil(booked - nowMs);
      this.#booked.delete(nodeId);
      return 0;
    }
    const freeAtMs = Math.max(this.#freeAtMs, nowMs - this.#burstMs);
    if (freeAtMs > nowMs && this.#booked.size >= nodesMax) return Math.ceil(freeAtMs - nowMs);
    this.#freeAtMs = freeAtMs + this.#intervalMs;
    if (freeAtMs <= nowMs) return 0;
    this.#booked.set(nodeId, freeAtMs);
    return Math.ceil(freeAtMs - nowMs);
  }

  #forgetMissed(nowMs: number): void {
    for (const [nodeId, atMs] of this.#booked) {
      if (atMs > nowMs - keptMs) return;
      this.#booked.delete(nodeId);
    }
  }
}
