// Lets agents join as there is room. Who finds none gets a place of its own behind all that are expected, as many a
// second as were planned, and is let in when it comes back then: a plan swings less than what follows each moment.
import type { Ms, NodeId } from '../protocol/brands.ts';
import {
  joinInFlightMs,
  joinsBurstMax,
  joinsPerSecondMax,
  nodesMax,
  placeWithinMs,
} from '../protocol/limits.ts';

/** A timer of the agent may fire so much before its place. */
const earlyMs = 50;
/** A place that nobody came for is forgotten. */
const keptMs = 60_000;
/** Measurements over which the rate of joins is an average: about a second. */
const rateOf = 4;

export interface Room {
  /** Places given per second. */
  readonly perSecond: number;
  /** Joins begun and not ended. */
  readonly inFlightMax: number;
}
interface AdmissionSetting {
  /** This process's part of the plant's joins, 0 to 1. */
  readonly share: number;
  /** Agents that come back on their own, each at the place it was given before: new places follow behind those. */
  readonly returning: number;
  readonly clock: () => Ms;
}

export class Admission {
  readonly #room: Room;
  readonly #burst: number;
  readonly #mostPerSecond: number;
  readonly #clock: () => Ms;
  /** When those told to come back are due. */
  readonly #places = new Map<NodeId, number>();
  /** Since when. In the order they began. */
  readonly #inFlight = new Map<NodeId, number>();
  #nextPlaceMs: number;
  /** Joins that may begin at once without a place. */
  #spare: number;
  #sparedAtMs: number;
  #begun = 0;
  #measuredAtMs: number;
  #perSecond = 0;

  constructor(room: Room, { share, returning, clock }: AdmissionSetting) {
    this.#room = room;
    this.#clock = clock;
    this.#burst = Math.max(1, joinsBurstMax * share);
    this.#mostPerSecond = joinsPerSecondMax * share;
    this.#spare = this.#burst;
    this.#sparedAtMs = this.#measuredAtMs = clock();
    this.#nextPlaceMs = clock() + (returning * 1_000) / room.perSecond;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }
  get waiting(): number {
    return this.#places.size;
  }
  /** Joins begun per second, over about a second. */
  get perSecond(): number {
    return this.#perSecond;
  }

  /** To be called a few times a second. */
  measure(): void {
    const nowMs = this.#clock();
    const passedMs = nowMs - this.#measuredAtMs;
    if (passedMs <= 0) return;
    this.#perSecond += ((this.#begun * 1_000) / passedMs - this.#perSecond) / rateOf;
    this.#begun = 0;
    this.#measuredAtMs = nowMs;
    this.#forgetMissed(nowMs);
  }

  /**
   * 0: its join begins now, until `ended`; asked again meanwhile, it has still begun. Otherwise the whole milliseconds
   * after which it should ask again.
   */
  waitMs(nodeId: NodeId): number {
    if (this.#inFlight.has(nodeId)) return 0;
    const nowMs = this.#clock();
    const dueMs = this.#places.get(nodeId);
    const isEarly = dueMs !== undefined && nowMs < dueMs - earlyMs;
    if (isEarly) return Math.ceil(dueMs - nowMs);
    if (this.#hasRoom() && (dueMs !== undefined || this.#takeSpare(nowMs))) {
      this.#begin(nodeId, nowMs);
      return 0;
    }
    return Math.ceil(this.#newPlace(nodeId, nowMs) - nowMs);
  }

  /** Joined, refused or gone. Safe to call twice, and for one that never began. */
  ended(nodeId: NodeId): void {
    this.#inFlight.delete(nodeId);
  }

  #hasRoom(): boolean {
    return this.#inFlight.size < this.#room.inFlightMax;
  }

  #takeSpare(nowMs: number): boolean {
    const passedMs = Math.max(0, nowMs - this.#sparedAtMs);
    this.#sparedAtMs = nowMs;
    this.#spare = Math.min(this.#burst, this.#spare + (passedMs * this.#mostPerSecond) / 1_000);
    if (this.#spare < 1) return false;
    this.#spare -= 1;
    return true;
  }

  #begin(nodeId: NodeId, nowMs: number): void {
    this.#places.delete(nodeId);
    this.#inFlight.set(nodeId, nowMs);
    this.#begun += 1;
  }

  /** Where there are as many places as nodes, it is told one and asks then as a new one. */
  #newPlace(nodeId: NodeId, nowMs: number): number {
    const stepMs = 1_000 / this.#room.perSecond;
    const dueMs = Math.max(nowMs + stepMs, Math.min(this.#nextPlaceMs, nowMs + placeWithinMs));
    this.#nextPlaceMs = dueMs + stepMs;
    // Anew, so that places stay in the order of their times.
    this.#places.delete(nodeId);
    if (this.#places.size < nodesMax) this.#places.set(nodeId, dueMs);
    return dueMs;
  }

  #forgetMissed(nowMs: number): void {
    for (const [nodeId, sinceMs] of this.#inFlight) {
      if (sinceMs > nowMs - joinInFlightMs) break;
      this.#inFlight.delete(nodeId);
    }
    for (const [nodeId, dueMs] of this.#places) {
      if (dueMs > nowMs - keptMs) break;
      this.#places.delete(nodeId);
    }
  }
}
