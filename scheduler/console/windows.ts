// Sums and latency quantiles over the last so many seconds, in fixed memory.
import type { Ms } from '../protocol/brands.ts';

/** Counts per slot of time; the oldest slot is reused. Times before the window are ignored. */
export class SlidingSum {
  readonly #slotMs: number;
  readonly #slots: Float64Array;
  readonly #startMs: number;
  #head: number;

  /** `startMs`: since when counts are complete; rates of a younger window are taken over its age. */
  constructor(slotMs: number, slotCount: number, startMs: Ms) {
    this.#slotMs = slotMs;
    this.#slots = new Float64Array(slotCount);
    this.#startMs = startMs;
    this.#head = Math.floor(startMs / slotMs);
  }

  add(atMs: Ms, count: number): void {
    const slot = Math.floor(atMs / this.#slotMs);
    this.#advance(slot);
    if (slot <= this.#head - this.#slots.length) return;
    const index = this.#indexOf(slot);
    this.#slots[index] = (this.#slots[index] ?? 0) + count;
  }

  sum(nowMs: Ms): number {
    this.#advance(Math.floor(nowMs / this.#slotMs));
    let sum = 0;
    for (const count of this.#slots) sum += count;
    return sum;
  }

  /** Over the whole window, its unfinished slot by the part that has passed; at least over one second. */
  ratePerS(nowMs: Ms): number {
    const sum = this.sum(nowMs);
    const windowMs = (this.#slots.length - 1) * this.#slotMs + (nowMs - this.#head * this.#slotMs);
    const overMs = Math.max(1_000, Math.min(windowMs, nowMs - this.#startMs));
    return (sum * 1_000) / overMs;
  }

  #advance(slot: number): void {
    const passed = Math.min(slot - this.#head, this.#slots.length);
    for (let i = 0; i < passed; i += 1) this.#slots[this.#indexOf(slot - i)] = 0;
    if (slot > this.#head) this.#head = slot;
  }

  #indexOf(slot: number): number {
    const { length } = this.#slots;
    return ((slot % length) + length) % length;
  }
}

/** Each bucket ends 5 % above the one before: a quantile is never understated, and overstated by 5 % at most. */
const bucketRatio = 1.05;
const firstBucketMs = 0.01;
/** Up to 28 hours; what took longer counts as that. */
const bucketCount = Math.ceil(Math.log(1e8 / firstBucketMs) / Math.log(bucketRatio)) + 1;

/** How often each latency occurred, in 2 kB. */
export class LatencyHistogram {
  readonly #buckets = new Uint32Array(bucketCount);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(latencyMs: number): void {
    const exact = Math.log(Math.max(latencyMs, firstBucketMs) / firstBucketMs) / Math.log(bucketRatio);
    const bucket = Math.min(bucketCount - 1, Math.ceil(exact - 1e-9));
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
  }

  addAll(other: LatencyHistogram): void {
    for (let i = 0; i < bucketCount; i += 1) {
      this.#buckets[i] = (this.#buckets[i] ?? 0) + (other.#buckets[i] ?? 0);
    }
    this.#count += other.#count;
  }

  /** The smallest bucket end that `share` (0..1) of the samples do not exceed; 0 where there are none. */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let i = 0; i < bucketCount && this.#count > 0; i += 1) {
      seen += this.#buckets[i] ?? 0;
      if (seen >= rank) return firstBucketMs * bucketRatio ** i;
    }
    return 0;
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#count = 0;
  }
}

/** Latencies of the last `slotCount` slots of time, the unfinished one included. */
export class LatencyWindow {
  readonly #slotMs: number;
  readonly #slots: LatencyHistogram[];
  readonly #merged = new LatencyHistogram();
  #head: number;

  constructor(slotMs: number, slotCount: number, startMs: Ms) {
    this.#slotMs = slotMs;
    this.#slots = Array.from({ length: slotCount }, () => new LatencyHistogram());
    this.#head = Math.floor(startMs / slotMs);
  }

  add(atMs: Ms, latencyMs: number): void {
    this.#advance(atMs);
    this.#slots[this.#head % this.#slots.length]?.add(latencyMs);
  }

  /** Undefined where nothing was added in the window. */
  quantiles(nowMs: Ms): { readonly p50: number; readonly p99: number } | undefined {
    this.#advance(nowMs);
    this.#merged.clear();
    for (const slot of this.#slots) this.#merged.addAll(slot);
    if (this.#merged.count === 0) return undefined;
    return { p50: this.#merged.quantile(0.5), p99: this.#merged.quantile(0.99) };
  }

  #advance(nowMs: Ms): void {
    const slot = Math.floor(nowMs / this.#slotMs);
    const first = Math.max(this.#head + 1, slot - this.#slots.length + 1);
    for (let next = first; next <= slot; next += 1) this.#slots[next % this.#slots.length]?.clear();
    if (slot > this.#head) this.#head = slot;
  }
}
