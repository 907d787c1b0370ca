// The least count among the places that count for an even spread, kept between questions: it rises by steps as places
// fill up and falls only where something ended.

export interface LeastSource {
  /** Another number means that other places may count. */
  readonly version: number;
  /** Attempts by place; none where a place is not in it. */
  readonly counts: ReadonlyMap<number, number>;
  /** Grows where a count may have fallen. */
  readonly ends: number;
  /** The places that count now. */
  readonly rows: () => readonly number[];
}

export class Least {
  #rows: readonly number[] = [];
  #version = -1;
  #ends = -1;
  #min = 0;
  /** Where a place with the least count was seen last: those before it had more, since the last full look. */
  #at = 0;

  /** The places that count, in order. */
  rows(source: LeastSource): readonly number[] {
    this.#renew(source);
    return this.#rows;
  }
  /** Infinity where no place counts. Amortised O(1) while nothing ends, else O(places). */
  of(source: LeastSource): number {
    this.#renew(source);
    if (this.#ends !== source.ends) {
      this.#ends = source.ends;
      this.#lookAtAll(source);
    }
    while (this.#at < this.#rows.length && this.#countAt(this.#at, source) !== this.#min) this.#at += 1;
    if (this.#at >= this.#rows.length) this.#lookAtAll(source);
    return this.#min;
  }

  /** Places with the least count, in order. */
  *fewest(source: LeastSource): IterableIterator<number> {
    const min = this.of(source);
    for (let at = this.#at; at < this.#rows.length; at += 1) {
      const row = this.#rows[at] ?? -1;
      if ((source.counts.get(row) ?? 0) === min) yield row;
    }
  }

  #renew(source: LeastSource): void {
    if (this.#version === source.version) return;
    this.#version = source.version;
    this.#rows = source.rows();
    this.#ends = -1;
  }
  #lookAtAll(source: LeastSource): void {
    this.#min = Number.POSITIVE_INFINITY;
    this.#at = 0;
    for (let at = 0; at < this.#rows.length && this.#min > 0; at += 1) {
      const count = this.#countAt(at, source);
      if (count >= this.#min) continue;
      this.#min = count;
      this.#at = at;
    }
  }
  #countAt(at: number, { counts }: LeastSource): number {
    return counts.get(this.#rows[at] ?? -1) ?? 0;
  }
}
