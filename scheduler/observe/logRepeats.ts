// Keeps one message from filling the log: after so many within a minute it is counted, and told once with its count.

/** A message a second for a minute is news; more of the same is noise that pushes the rest out of the files. */
export const sameMessagesMax = 60;
const windowMs = 60_000;
/** Different messages looked after; messages are texts of our code, so that there are some hundreds at most. */
const keysMax = 1_000;

interface Seen {
  readonly sinceMs: number;
  count: number;
}

export class LogRepeats {
  readonly #seen = new Map<string, Seen>();
  readonly #tell: (key: string, count: number) => void;

  /** `tell`: so many lines of this key were not written. */
  constructor(tell: (key: string, count: number) => void) {
    this.#tell = tell;
  }

  /** False: one of too many; it is counted. */
  take(key: string, nowMs: number): boolean {
    const found = this.#seen.get(key);
    // A clock that was set back ends the window too.
    const isOver = found !== undefined && Math.abs(nowMs - found.sinceMs) >= windowMs;
    if (isOver) this.#end(key, found);
    if (found === undefined || isOver) {
      const [oldest] = this.#seen;
      if (this.#seen.size >= keysMax && oldest) this.#end(...oldest);
      this.#seen.set(key, { sinceMs: nowMs, count: 1 });
      return true;
    }
    found.count += 1;
    return found.count <= sameMessagesMax;
  }

  /** Tells of those whose minute is over; with nothing given, of all. */
  sweep(nowMs = Number.POSITIVE_INFINITY): void {
    for (const [key, seen] of this.#seen) if (nowMs - seen.sinceMs >= windowMs) this.#end(key, seen);
  }

  #end(key: string, { count }: Seen): void {
    this.#seen.delete(key);
    if (count > sameMessagesMax) this.#tell(key, count - sameMessagesMax);
  }
}
