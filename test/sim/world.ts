// The simulated world: one clock, one queue of events, one seeded source of randomness, and a hash of all that happened.
import { Heap } from '../../scheduler/core/heap.ts';
import { type Random, seededRandom } from '../../scheduler/core/ports.ts';

interface Planned {
  readonly atMs: number;
  /** Order of planning: events of one moment run in it. */
  readonly order: number;
  run: (() => void) | undefined;
}

/** Wall clock at the start: any fixed time will do. */
const wallStartMs = 1_750_000_000_000;

export class World {
  /** True time since the start: never jumps. */
  nowMs = 0;
  /** How far the host's wall clock is off. */
  wallOffsetMs = 0;
  /** The host's machine is off for so long that nobody calls it before then. */
  awayUntilMs = 0;
  readonly random: Random;
  #order = 0;
  readonly #heap = new Heap<Planned>(isBefore);
  #hash = 0x811c9dc5;
  #events = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** What the host's clock shows. */
  get wallMs(): number {
    return wallStartMs + this.nowMs + this.wallOffsetMs;
  }
  /** Hash of every note so far: equal for equal runs. */
  get traceHash(): string {
    return (this.#hash >>> 0).toString(16);
  }
  get events(): number {
    return this.#events;
  }

  /** Runs `run` after a delay; the answer cancels it. */
  after(delayMs: number, run: () => void): () => void {
    const planned: Planned = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order, run };
    this.#order += 1;
    this.#heap.push(planned);
    return () => {
      planned.run = undefined;
    };
  }

  /** Runs events until `isDone`, or until `untilMs`, or until there are none. */
  runUntil(untilMs: number, isDone: () => boolean = () => false): void {
    for (;;) {
      const next = this.#heap.top();
      if (next === undefined || next.atMs > untilMs) break;
      this.#heap.pop();
      const { run } = next;
      if (!run) continue;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.#events += 1;
      run();
      if (isDone()) return;
    }
    this.nowMs = Math.max(this.nowMs, Math.min(untilMs, this.#heap.top()?.atMs ?? untilMs));
  }

  /** Adds a fact to the trace (FNV-1a). */
  note(what: string): void {
    let hash = this.#hash;
    for (let at = 0; at < what.length; at += 1) hash = Math.imul(hash ^ what.charCodeAt(at), 0x01000193);
    this.#hash = Math.imul(hash ^ Math.floor(this.nowMs * 1_000), 0x01000193);
  }

  chance(share: number): boolean {
    return this.random.next() < share;
  }
  between(least: number, most: number): number {
    return least + (most - least) * this.random.next();
  }
  whole(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1));
  }
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.whole(0, items.length - 1)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

const isBefore = (a: Planned, b: Planned): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
