// How much may come per second and at once. Two numbers and no timer: cheap enough for each of 50,000 connections.

export class Rate {
  readonly #perMs: number;
  readonly #burstMs: number;
  /** What was taken is paid for by then. */
  #paidAtMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1_000;
    this.#burstMs = burst / this.#perMs;
  }

  /** Takes it in any case. 0: within the rate; otherwise milliseconds until it is again. */
  take(amount: number, nowMs: number): number {
    this.#paidAtMs = Math.max(this.#paidAtMs, nowMs - this.#burstMs) + amount / this.#perMs;
    return Math.max(0, this.#paidAtMs - nowMs);
  }

  /** Takes it where the rate allows. 0: taken; otherwise milliseconds until it may be asked again. */
  ask(amount: number, nowMs: number): number {
    const paidAtMs = Math.max(this.#paidAtMs, nowMs - this.#burstMs) + amount / this.#perMs;
    if (paidAtMs > nowMs) return Math.ceil(paidAtMs - nowMs);
    this.#paidAtMs = paidAtMs;
    return 0;
  }
}
