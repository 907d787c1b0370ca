// How far this host is behind, in four levels: what matters least is shed first. 0 nothing; 1 measurements; 2 output of
// attempts is taken later; 3 no new tasks. Results and signs of life are taken always.
import * as limits from '../protocol/limits.ts';
import { type Refusal, refusal } from '../protocol/outcome.ts';

export type OverloadLevel = 0 | 1 | 2 | 3;

/** What is looked at, four times a second. */
export interface Strain {
  /** How late the event loop ran at most since the last look. */
  readonly loopLateMs: number;
  /** How long the write of the journal that is under way has taken so far; 0 where there is none. */
  readonly writeMs: number;
  /** Commands without a turn, of `pendingCommandsMax`. */
  readonly commands: number;
  /** Changes that history has not stored, of `historyQueueMax`. */
  readonly historyPending: number;
}

/** From where on a level holds. One of them is enough. */
const bounds: Readonly<Record<1 | 2 | 3, Strain>> = {
  // An operator notices 100 ms; an fsync of a busy disk takes 50 ms.
  1: { loopLateMs: 100, writeMs: 250, commands: share(0.25), historyPending: history(0.4) },
  2: { loopLateMs: 250, writeMs: 1_000, commands: share(0.5), historyPending: history(0.6) },
  // Half a stall; the turns wait for history at its bound.
  3: { loopLateMs: 1_000, writeMs: 3_000, commands: share(0.8), historyPending: history(0.85) },
};
/** A strain that lasts: one collection of garbage is none. */
const raiseAfterMs = 750;
/** Then one level less, and so on. */
const calmAfterMs = 3_000;
/** A level is left only well below its bounds. */
const calmShare = 0.7;

export class Overload {
  #level: OverloadLevel = 0;
  /** Since when each level's bounds are passed without a break. */
  readonly #aboveSinceMs: (number | undefined)[] = [undefined, undefined, undefined, undefined];
  #calmSinceMs: number | undefined;
  readonly #onChange: (level: OverloadLevel, before: OverloadLevel) => void;

  constructor(onChange: (level: OverloadLevel, before: OverloadLevel) => void = () => undefined) {
    this.#onChange = onChange;
  }

  get level(): OverloadLevel {
    return this.#level;
  }

  /** To be called about four times a second. */
  look(nowMs: number, strain: Strain): void {
    let raised: OverloadLevel = this.#level;
    for (const level of [1, 2, 3] as const) {
      const isAbove = strainOf(strain, bounds[level]) >= 1;
      const sinceMs = isAbove ? (this.#aboveSinceMs[level] ?? nowMs) : undefined;
      this.#aboveSinceMs[level] = sinceMs;
      if (sinceMs !== undefined && nowMs - sinceMs >= raiseAfterMs && level > raised) raised = level;
    }
    if (raised > this.#level) {
      this.#calmSinceMs = undefined;
      this.#set(raised);
      return;
    }
    this.#calm(nowMs, strain);
  }

  /** Why tasks are not taken now; nothing where they are. */
  refusal(): Refusal | undefined {
    return this.#level === 3 ? notNow : undefined;
  }

  #calm(nowMs: number, strain: Strain): void {
    if (this.#level === 0) return;
    const isCalm = strainOf(strain, bounds[this.#level]) < calmShare;
    this.#calmSinceMs = isCalm ? (this.#calmSinceMs ?? nowMs) : undefined;
    if (this.#calmSinceMs === undefined || nowMs - this.#calmSinceMs < calmAfterMs) return;
    this.#calmSinceMs = nowMs;
    this.#set((this.#level - 1) as OverloadLevel);
  }

  #set(level: OverloadLevel): void {
    const before = this.#level;
    this.#level = level;
    this.#onChange(level, before);
  }
}

/** The worst of the four, as a part of its bound. */
const strainOf = (strain: Strain, bound: Strain): number =>
  Math.max(
    strain.loopLateMs / bound.loopLateMs,
    strain.writeMs / bound.writeMs,
    strain.commands / bound.commands,
    strain.historyPending / bound.historyPending,
  );

function share(part: number): number {
  return part * limits.pendingCommandsMax;
}
function history(part: number): number {
  return part * limits.historyQueueMax;
}

const notNow = refusal(
  'too_many',
  'the host is overloaded and takes no new tasks until it has caught up; ' +
    `retry after ${limits.overloadRetryMs / 1_000} s`,
  { retryAfterMs: limits.overloadRetryMs },
);
