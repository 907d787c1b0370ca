// Who of several goes next: queues of the plant, or the tenants of one queue. Where each stands is worked out anew only
// where something of it has changed since: a plant with a thousand tenants pays for those that were served.
import { Heap } from '../heap.ts';
import type { Task } from '../state/taskTable.ts';

/** One of those that take turns. */
export interface Contender {
  /** Placements so far by weight. */
  served: number;
  /** In the order of their making: the earlier one goes first on a tie. */
  readonly place: number;
  /** Where it stands with its next task; undefined where it has none to be placed. Written by its contest. */
  candidate: Candidate | undefined;
  /** Where it stands among those to be looked at anew; -1 where it does not. Written by its contest. */
  staleAt: number;
}

/** What decides between contenders. */
export interface Standing {
  /** It would still be within what is guaranteed to it. */
  readonly isOwn: boolean;
  /** See `levelOf`. */
  readonly level: number;
  readonly served: number;
  readonly of: Contender;
}
export interface Candidate extends Standing {
  readonly task: Task;
}

/** Parts of the plant that are told apart: a thousandth of a core among 50,000 nodes is more than a hundred of them. */
const levelSteps = 2 ** 40;

/**
 * Dominant share of the plant by weight, in steps. Shares that are equal come out a last bit apart (3 of 9 by weight 3,
 * 1 of 9 by weight 1): then whoever has it a bit less would go first at each tie, for ever.
 */
export const levelOf = (dominantShare: number, weight: number): number =>
  Math.round((dominantShare / weight) * levelSteps);

/** Does the first go before the second? Weighted dominant resource fairness. A total order. */
export function isLess(a: Standing, b: Standing): boolean {
  if (a.isOwn !== b.isOwn) return a.isOwn;
  if (a.level !== b.level) return a.level < b.level;
  return a.served < b.served || (a.served === b.served && a.of.place < b.of.place);
}

/**
 * Contenders that all could be served stay within 1 of each other. One further behind was empty or blocked meanwhile:
 * what it missed then is gone, or it would keep the others out for as long when it comes back.
 */
const lagMax = 2;
/** Candidates that no longer hold are swept once they outnumber those that do. */
const sweepFrom = 64;

export class Contest<One extends Contender> {
  readonly #sorted = new Heap<Candidate>(isLess);
  /** Those of which something has changed: each once. */
  readonly #stale: One[] = [];
  #holding = 0;
  /** What the most served one has; undefined where that has to be looked for. */
  #most: number | undefined;

  /** To be called where anything has changed that its standing or its next task is made of. O(1). */
  touch(one: One): void {
    if (one.staleAt < 0) one.staleAt = this.#stale.push(one) - 1;
  }
  /** It takes part no longer. */
  forget(one: One): void {
    const last = one.staleAt < 0 ? undefined : this.#stale.pop();
    if (last && last !== one) {
      this.#stale[one.staleAt] = last;
      last.staleAt = one.staleAt;
    }
    one.staleAt = -1;
    this.#set(one, undefined);
    if (one.served === this.#most) this.#most = undefined;
  }

  /** Of all candidates the one that goes first. Amortised O(log n) for each contender that was touched. */
  first(candidateOf: (one: One) => Candidate | undefined): Candidate | undefined {
    for (const one of this.#stale) {
      one.staleAt = -1;
      this.#set(one, candidateOf(one));
    }
    this.#stale.length = 0;
    if (this.#sorted.size > 2 * this.#holding + sweepFrom) this.#sorted.sift(holds);
    for (;;) {
      const top = this.#sorted.top();
      if (!top || holds(top)) return top;
      this.#sorted.pop();
    }
  }

  /** Counts a placement of one of them. `all`: looked through only where the most served one has gone. */
  charge(one: One, all: Iterable<One>, weight: number): void {
    const most = this.#most ?? mostServed(all);
    one.served = Math.max(one.served, most - lagMax) + 1 / weight;
    this.#most = Math.max(most, one.served);
    this.touch(one);
  }
  /** Somebody else has set how much they were served. */
  recount(): void {
    this.#most = undefined;
  }

  #set(one: One, candidate: Candidate | undefined): void {
    this.#holding += (candidate ? 1 : 0) - (one.candidate ? 1 : 0);
    one.candidate = candidate;
    if (candidate) this.#sorted.push(candidate);
  }
}

const holds = (candidate: Candidate): boolean => candidate.of.candidate === candidate;

function mostServed(all: Iterable<Contender>): number {
  let most = 0;
  for (const { served } of all) most = Math.max(most, served);
  return most;
}
/** The least served of those that have tasks in line; 0 where none has. */
export function leastServed(all: Iterable<Contender & { readonly waiting: number }>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { served, waiting } of all) if (waiting > 0) least = Math.min(least, served);
  return least === Number.POSITIVE_INFINITY ? 0 : least;
}
