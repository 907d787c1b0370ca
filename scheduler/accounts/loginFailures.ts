// Wrong passwords, counted by name and address: who goes on guessing waits longer each time. Soft state: a restart
// forgets it, and costs a guesser more time than it saves.
import * as limits from '../protocol/accountLimits.ts';
import type { Ms } from '../protocol/brands.ts';

interface Count {
  failures: number;
  atMs: number;
}
const ruleOf = {
  /** One name from one address. */
  pair: { free: limits.loginFailuresFree, waitMaxMs: limits.loginWaitMaxMs },
  /** One address, whatever names it tries. */
  address: { free: limits.sharedFailuresFree, waitMaxMs: limits.loginWaitMaxMs },
  /** One name, from wherever. */
  name: { free: limits.sharedFailuresFree, waitMaxMs: limits.nameWaitMaxMs },
} as const;
type Kind = keyof typeof ruleOf;
const kinds: readonly Kind[] = ['pair', 'address', 'name'];

export class LoginFailures {
  readonly #clock: () => Ms;
  readonly #counts = new Map<string, Count>();

  constructor(clock: () => Ms) {
    this.#clock = clock;
  }

  /** Milliseconds until this name may be tried from this address; 0: now. */
  waitMs(name: string, address: string): number {
    return Math.max(...kinds.map((kind) => this.#waitOf(kind, keyOf(kind, name, address))));
  }

  /** Counted before the password is looked at: many tries at once are as many failures. */
  add(name: string, address: string): void {
    for (const kind of kinds) {
      const key = keyOf(kind, name, address);
      const failures = (this.#fresh(key)?.failures ?? 0) + 1;
      this.#counts.delete(key);
      this.#counts.set(key, { failures, atMs: this.#clock() });
    }
    while (this.#counts.size > limits.loginFailuresMax)
      this.#counts.delete(this.#counts.keys().next().value ?? '');
  }

  /**
   * The password was right after all. What others failed with stays: somebody who knows one password must not get more
   * guesses at those of others by it.
   */
  forgive(name: string, address: string): void {
    this.#counts.delete(keyOf('pair', name, address));
    for (const kind of ['address', 'name'] as const) {
      const count = this.#counts.get(keyOf(kind, name, address));
      if (count) count.failures -= 1;
    }
  }

  #waitOf(kind: Kind, key: string): number {
    const count = this.#fresh(key);
    const { free, waitMaxMs } = ruleOf[kind];
    if (!count || count.failures < free) return 0;
    const waitMs = Math.min(waitMaxMs, limits.loginWaitFirstMs * 2 ** Math.min(30, count.failures - free));
    return Math.max(0, count.atMs + waitMs - this.#clock());
  }

  #fresh(key: string): Count | undefined {
    const count = this.#counts.get(key);
    return count && this.#clock() - count.atMs < limits.loginFailuresKeptMs ? count : undefined;
  }
}

function keyOf(kind: Kind, name: string, address: string): string {
  if (kind === 'pair') return `p ${name} ${address}`;
  return kind === 'address' ? `a ${address}` : `n ${name}`;
}
