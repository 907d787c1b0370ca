// What is guaranteed to queues and tenants, and whether quota that was taken back was somebody's own: from the journal
// alone.
import type { Token } from '../../scheduler/protocol/brands.ts';
import type { Quota } from '../../scheduler/protocol/queue.ts';
import { amountsOf, queueKey, tenantKey } from './shareBooks.ts';
import type { SeenTask } from './seenTask.ts';

type KeyOf = (task: SeenTask) => string;
const levels: readonly KeyOf[] = [({ spec }) => queueKey(spec), ({ spec }) => tenantKey(spec)];
const resources = ['cpu', 'memory', 'gpu'] as const;

export class GuaranteeBooks {
  readonly #tasks: () => Iterable<SeenTask>;
  readonly #guaranteed = new Map<string, Quota>();

  constructor(tasks: () => Iterable<SeenTask>) {
    this.#tasks = tasks;
  }

  put(key: string, guaranteed: Quota | undefined): void {
    if (guaranteed) this.#guaranteed.set(key, guaranteed);
    else this.#guaranteed.delete(key);
  }

  /** Why an attempt of the victim may not be stopped for a task of the same priority; undefined where it may. */
  whyNotTakenBack(
    victim: SeenTask,
    by: SeenTask,
    isBeingStopped: (token: Token) => boolean,
  ): string | undefined {
    const others = levels.filter((keyOf) => keyOf(victim) !== keyOf(by));
    if (!others.some((keyOf) => this.#isOwn(by, keyOf)))
      return 'nothing that it held is guaranteed to the other';
    const robbed = others.find((keyOf) => !this.#isSpare(victim, keyOf, isBeingStopped));
    return robbed && `${robbed(victim)} is left with less than its own`;
  }

  /** It would be within what is guaranteed there. */
  #isOwn(task: SeenTask, keyOf: KeyOf): boolean {
    const own = this.#guaranteed.get(keyOf(task));
    const asked = amountsOf(task.spec);
    const held = this.#heldBy(keyOf(task), keyOf, () => false);
    const named = resources.filter((name) => own?.[name] !== undefined && asked[name] > 0);
    return named.length > 0 && named.every((name) => held[name] + asked[name] <= (own?.[name] ?? 0));
  }

  #isSpare(victim: SeenTask, keyOf: KeyOf, isBeingStopped: (token: Token) => boolean): boolean {
    const own = this.#guaranteed.get(keyOf(victim));
    const asked = amountsOf(victim.spec);
    const had = this.#heldBy(keyOf(victim), keyOf, isBeingStopped);
    const named = resources.filter((name) => own?.[name] !== undefined && asked[name] > 0);
    if (named.length === 0) return true;
    const isFull = (name: (typeof resources)[number], amount: number): boolean =>
      amount >= (own?.[name] ?? 0);
    return (
      named.some((name) => isFull(name, had[name] - asked[name])) &&
      named.every((name) => isFull(name, had[name] - asked[name]) || !isFull(name, had[name]))
    );
  }

  #heldBy(key: string, keyOf: KeyOf, isLeftOut: (token: Token) => boolean) {
    const held = { cpu: 0, memory: 0, gpu: 0 };
    for (const task of this.#tasks()) {
      if (keyOf(task) !== key) continue;
      const tokens = [task.live, task.copy].filter((token) => token !== undefined && !isLeftOut(token));
      for (const name of resources) held[name] += tokens.length * amountsOf(task.spec)[name];
    }
    return held;
  }
}
