// JOURNAL_SLOW: the disk takes so long that work waits for it. Judged by the 99th percentile of the last 10 s.
import type { Alarms } from './alarms.ts';
import { Hysteresis } from './hysteresis.ts';

const limitMs = 100;
const windowSlots = 10;
const slotMs = 1_000;
/** One stall is a disk's way of life, and would be the whole percentile of a quiet plant. */
const slowCommitsMin = 3;
const source = 'journal';

interface Slot {
  commits: number;
  slow: number;
  slowestMs: number;
}

export class SlowJournal {
  readonly #alarms: Pick<Alarms, 'raise' | 'clear'>;
  readonly #state = new Hysteresis({ raiseAfterMs: 5_000, clearAfterMs: 20_000 });
  readonly #slots: Slot[] = Array.from({ length: windowSlots }, () => emptySlot());
  #slot = 0;
  #isRaised = false;

  constructor(alarms: Pick<Alarms, 'raise' | 'clear'>) {
    this.#alarms = alarms;
  }

  committed(nowMs: number, tookMs: number): void {
    const slot = this.#at(nowMs);
    slot.commits += 1;
    slot.slowestMs = Math.max(slot.slowestMs, tookMs);
    if (tookMs > limitMs) slot.slow += 1;
  }

  /** To be called about once a second. */
  check(nowMs: number): void {
    this.#at(nowMs);
    const sum = emptySlot();
    for (const { commits, slow, slowestMs } of this.#slots) {
      sum.commits += commits;
      sum.slow += slow;
      sum.slowestMs = Math.max(sum.slowestMs, slowestMs);
    }
    // More than a hundredth above the limit: the 99th percentile is.
    const isSlow = sum.slow >= slowCommitsMin && sum.slow * 100 > sum.commits;
    const isRaised = this.#state.update(nowMs, isSlow ? 'bad' : sum.slow === 0 ? 'good' : 'between');
    const params = { slow: sum.slow, commits: sum.commits, slowestMs: Math.round(sum.slowestMs), limitMs };
    if (isRaised) this.#alarms.raise({ code: 'JOURNAL_SLOW', source, params });
    else if (this.#isRaised) this.#alarms.clear('JOURNAL_SLOW', source);
    this.#isRaised = isRaised;
  }

  #at(nowMs: number): Slot {
    const slot = Math.floor(nowMs / slotMs);
    const passed = Math.min(slot - this.#slot, windowSlots);
    for (let back = 0; back < passed; back += 1) this.#slots[(slot - back) % windowSlots] = emptySlot();
    this.#slot = Math.max(this.#slot, slot);
    return this.#slots[this.#slot % windowSlots] ?? emptySlot();
  }
}

const emptySlot = (): Slot => ({ commits: 0, slow: 0, slowestMs: 0 });
