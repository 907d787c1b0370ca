// At most so many placements per second, as a mean over some seconds: a bucket of tokens, one for each. Soft state: a
// restart begins with one token.

/** What has not been used for this long may be used at once. Longer than the engine's own pulse. */
const savedMs = 2_000;

export class RateGate {
  #tokens = 1;
  #atMs = 0;

  /** May one be placed now? */
  isOpen(ratePerS: number, nowMs: number): boolean {
    this.#fill(ratePerS, nowMs);
    return this.#tokens >= 1;
  }
  /** When one may be placed. */
  opensAtMs(ratePerS: number, nowMs: number): number {
    this.#fill(ratePerS, nowMs);
    return nowMs + Math.ceil((Math.max(0, 1 - this.#tokens) * 1_000) / ratePerS);
  }
  take(): void {
    this.#tokens -= 1;
  }
  reset(): void {
    this.#tokens = 1;
    this.#atMs = 0;
  }

  #fill(ratePerS: number, nowMs: number): void {
    const most = Math.max(1, (ratePerS * savedMs) / 1_000);
    const gained = this.#atMs === 0 ? 0 : (Math.max(0, nowMs - this.#atMs) * ratePerS) / 1_000;
    this.#tokens = Math.min(most, this.#tokens + gained);
    this.#atMs = nowMs;
  }
}
