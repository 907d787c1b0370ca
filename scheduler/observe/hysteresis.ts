// A condition that comes and goes: raised once it has lasted, cleared once it has been gone for a while.

export interface Thresholds {
  readonly raiseAfterMs: number;
  readonly clearAfterMs: number;
}

export class Hysteresis {
  readonly #thresholds: Thresholds;
  #badSinceMs: number | undefined;
  #goodSinceMs: number | undefined;
  #isRaised = false;

  constructor(thresholds: Thresholds) {
    this.#thresholds = thresholds;
  }

  /** True while the alarm stands. Between `bad` and `good` nothing changes, and no time counts for either. */
  update(nowMs: number, reading: 'bad' | 'between' | 'good'): boolean {
    this.#badSinceMs = reading === 'bad' ? (this.#badSinceMs ?? nowMs) : undefined;
    this.#goodSinceMs = reading === 'good' ? (this.#goodSinceMs ?? nowMs) : undefined;
    const { raiseAfterMs, clearAfterMs } = this.#thresholds;
    if (this.#badSinceMs !== undefined && nowMs - this.#badSinceMs >= raiseAfterMs) this.#isRaised = true;
    if (this.#goodSinceMs !== undefined && nowMs - this.#goodSinceMs >= clearAfterMs) this.#isRaised = false;
    return this.#isRaised;
  }
}
