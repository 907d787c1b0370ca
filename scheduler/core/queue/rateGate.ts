// At most so many placements per second, as a mean over some seconds: a bucket of tokens, one for each. Soft state: a
// restart begins with one token.

/** What has not been used for this long may be used at once. Longer than the engine's own pulse. */
const savedMs = 2_000;

export class RateGate {
  #tokens = 1;
  #atMs = 0;

  /** May one be placed now? Looking changes nothing: who explains a queue asks as well. */
  isOpen(ratePerS: number, nowMs: number): boolean {
    return this.#tokensAt(ratePerS, nowMs) >= 1;
  }
  /** When one may be placed. */
  opensAtMs(ratePerS: number, nowMs: number): number {
    return nowMs + Math.ceil((Math.max(0, 1 - this.#tokensAt(ratePerS, nowMs)) * 1_000) / ratePerS);
  }
  take(ratePerS: number, nowMs: number): void {
    this.#tokens = this.#tokensAt(ratePerS, nowMs) - 1;
    this.#atMs = nowMs;
  }
  reset(): void {
    this.#tokens = 1;
    this.#atMs = 0;
  }

  #tokensAt(ratePerS: number, nowMs: number): number {
    const most = Math.max(1, (ratePerS * savedMs) / 1_000);
    const gained = this.#atMs === 0 ? 0 : (Math.max(0, nowMs - this.#atMs) * ratePerS) / 1_000;
    return Math.min(most, this.#tokens + gained);
  }
}
