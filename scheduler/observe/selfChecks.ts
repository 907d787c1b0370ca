// Alarms of the host's own health: a late event loop, much garbage collection, a wall clock that was set, a log that
// is not written.
import type { Alarms } from './alarms.ts';
import { Hysteresis } from './hysteresis.ts';

/** Above it people notice, and heartbeats are answered late. */
const loopLateMs = 250;
/** More of the time than this in collections: work has to wait, and memory is close to its bound. */
const gcShareMax = 0.2;
/** Far beyond what time servers slew. Schedules go by the wall clock; everything else does not notice. */
const clockStepMs = 5_000;
/** A clock that was set is news for so long. */
const stepShownMs = 10 * 60_000;
const lasting = { raiseAfterMs: 30_000, clearAfterMs: 30_000 } as const;

interface Reading {
  readonly loopP99Ms: number;
  /** In collections since the start. */
  readonly gcMs: number;
  readonly wallMs: number;
  readonly isLogFailing: boolean;
}

export class SelfChecks {
  readonly #alarms: Pick<Alarms, 'raise' | 'clear'>;
  readonly #loop = new Hysteresis(lasting);
  readonly #gc = new Hysteresis(lasting);
  #before: { readonly nowMs: number; readonly gcMs: number; readonly wallMs: number } | undefined;
  #steppedAtMs: number | undefined;

  constructor(alarms: Pick<Alarms, 'raise' | 'clear'>) {
    this.#alarms = alarms;
  }

  /** To be called about once a second. `nowMs` is of a clock that nobody sets. */
  check(nowMs: number, reading: Reading): void {
    const before = this.#before;
    this.#before = { nowMs, gcMs: reading.gcMs, wallMs: reading.wallMs };
    const { loopP99Ms } = reading;
    const isLate = this.#loop.update(nowMs, readingOf(loopP99Ms, loopLateMs));
    this.#show('LOOP_LATE', isLate, { lateMs: Math.round(loopP99Ms), limitMs: loopLateMs });
    this.#show('LOG_FAILED', reading.isLogFailing, {});
    if (!before || nowMs <= before.nowMs) return;
    const passedMs = nowMs - before.nowMs;
    const share = (reading.gcMs - before.gcMs) / passedMs;
    const isHeavy = this.#gc.update(nowMs, readingOf(share, gcShareMax));
    this.#show('GC_HEAVY', isHeavy, { percent: Math.round(share * 100), limitPercent: gcShareMax * 100 });
    this.#checkStep(nowMs, reading.wallMs - before.wallMs - passedMs);
  }

  #checkStep(nowMs: number, stepMs: number): void {
    if (Math.abs(stepMs) >= clockStepMs) {
      this.#steppedAtMs = nowMs;
      const params = { seconds: Math.round(stepMs / 1_000) };
      this.#alarms.raise({ code: 'CLOCK_JUMPED', source, params });
    } else if (this.#steppedAtMs !== undefined && nowMs - this.#steppedAtMs >= stepShownMs) {
      this.#steppedAtMs = undefined;
      this.#alarms.clear('CLOCK_JUMPED', source);
    }
  }

  #show(
    code: 'LOOP_LATE' | 'GC_HEAVY' | 'LOG_FAILED',
    isRaised: boolean,
    params: Readonly<Record<string, number>>,
  ): void {
    if (isRaised) this.#alarms.raise({ code, source, params });
    else this.#alarms.clear(code, source);
  }
}

const source = 'host';
/** Good again only well below the limit. */
const readingOf = (value: number, limit: number): 'bad' | 'between' | 'good' =>
  value > limit ? 'bad' : value < limit / 2 ? 'good' : 'between';
