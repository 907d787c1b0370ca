// Counts what may happen only so often per key and minute (failed logins per address, enrolments), in bounded memory.
import type { Ms } from '../protocol/brands.ts';

const windowMs = 60_000;

interface Count {
  sinceMs: number;
  count: number;
}

/** How many times something may happen per key and minute. Forgets the oldest key beyond `keysMax`. */
export class MinuteLimit {
  readonly #perMinuteMax: number;
  readonly #keysMax: number;
  readonly #clock: () => Ms;
  readonly #byKey = new Map<string, Count>();

  constructor(perMinuteMax: number, keysMax: number, clock: () => Ms) {
    this.#perMinuteMax = perMinuteMax;
    this.#keysMax = keysMax;
    this.#clock = clock;
  }

  /** Milliseconds until `key` may try again; 0 where it may now. */
  waitMs(key: string): number {
    const found = this.#byKey.get(key);
    if (found === undefined || found.count < this.#perMinuteMax) return 0;
    return Math.max(0, found.sinceMs + windowMs - this.#clock());
  }

  add(key: string): void {
    const nowMs = this.#clock();
    const found = this.#byKey.get(key);
    if (found !== undefined && nowMs < found.sinceMs + windowMs) {
      found.count += 1;
      return;
    }
    this.#byKey.delete(key);
    if (this.#byKey.size >= this.#keysMax) this.#forgetOldest();
    this.#byKey.set(key, { sinceMs: nowMs, count: 1 });
  }

  #forgetOldest(): void {
    const oldest = this.#byKey.keys().next();
    if (oldest.done !== true) this.#byKey.delete(oldest.value);
  }
}
