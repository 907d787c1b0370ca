// INTRUDER: an address that is refused often. One alarm per address, until it has been quiet for a while.
import type { Alarms } from './alarms.ts';

/** Somebody who waits a minute between tries is still the same. */
const clearAfterMs = 300_000;

interface RefusedOften {
  readonly address: string;
  readonly refusals: number;
}

export class Intruders {
  readonly #alarms: Pick<Alarms, 'raise' | 'clear'>;
  /** When each was seen last. */
  readonly #seenAtMs = new Map<string, number>();

  constructor(alarms: Pick<Alarms, 'raise' | 'clear'>) {
    this.#alarms = alarms;
  }

  /** To be called every few seconds with those that were refused often within the last minute. */
  check(often: readonly RefusedOften[], nowMs: number): void {
    for (const { address, refusals } of often) {
      this.#seenAtMs.set(address, nowMs);
      this.#alarms.raise({ code: 'INTRUDER', source: address, params: { count: refusals } });
    }
    for (const [address, atMs] of this.#seenAtMs) {
      if (nowMs - atMs < clearAfterMs) continue;
      this.#seenAtMs.delete(address);
      this.#alarms.clear('INTRUDER', address);
    }
  }
}
