// How fast tasks end of late: what an honest "come back later" is worked out from. Soft state.

/** About the last cycle's worth. */
const samplesMax = 256;

export class EndRate {
  /** When the last tasks ended, in a ring. */
  #atMs: number[] = [];
  #next = 0;

  count(atMs: number): void {
    if (this.#atMs.length < samplesMax) this.#atMs.push(atMs);
    else this.#atMs[this.#next] = atMs;
    this.#next = (this.#next + 1) % samplesMax;
  }

  /** Tasks per second up to now; 0 where too few have ended to tell. A rate that dries up falls with time. */
  perS(nowMs: number): number {
    const count = this.#atMs.length;
    const first = this.#atMs[count < samplesMax ? 0 : this.#next];
    const last = this.#atMs[(this.#next + samplesMax - 1) % samplesMax] ?? this.#atMs.at(-1);
    if (first === undefined || last === undefined) return 0;
    const overMs = Math.max(nowMs, last) - first;
    return overMs > 0 ? ((count - 1) / overMs) * 1_000 : 0;
  }
}
