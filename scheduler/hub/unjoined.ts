// Connections that have not joined yet: closed after a while, since each holds a socket that an agent could have.
import type { Ms } from '../protocol/brands.ts';
import { joinWithinMs } from '../protocol/limits.ts';

interface Waiting {
  readonly hasJoined: boolean;
  readonly close: (reason: string) => void;
}

const checkEveryMs = 1_000;

/** One timer for all, and none while nobody waits: they stand in the order they came. */
export class Unjoined {
  readonly #clock: () => Ms;
  readonly #sinceMs = new Map<Waiting, number>();
  #timer: NodeJS.Timeout | undefined;
  #closed = 0;

  constructor(clock: () => Ms) {
    this.#clock = clock;
  }

  /** Closed for it since the start. */
  get closed(): number {
    return this.#closed;
  }

  add(one: Waiting): void {
    this.#sinceMs.set(one, this.#clock());
    this.#timer ??= setInterval(() => {
      this.#check();
    }, checkEveryMs);
  }

  /** Joined or gone. */
  remove(one: Waiting): void {
    this.#sinceMs.delete(one);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#sinceMs.clear();
  }

  #check(): void {
    const beforeMs = this.#clock() - joinWithinMs;
    for (const [one, sinceMs] of this.#sinceMs) {
      if (sinceMs > beforeMs) break;
      this.#sinceMs.delete(one);
      if (one.hasJoined) continue;
      this.#closed += 1;
      one.close(`it did not join within ${joinWithinMs / 1_000} s`);
    }
    if (this.#sinceMs.size === 0) this.stop();
  }
}
