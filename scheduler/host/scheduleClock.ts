// The clock of schedules: tells the engine of due times as they come. It only proposes; the core decides each once, and
// what it has decided is in the journal, so that this may forget all and may tell of a due time twice.
import { setImmediate as rest } from 'node:timers/promises';
import { type Ms, ms } from '../protocol/brands.ts';
import type { Batch, Command } from '../protocol/events.ts';
import { scheduleMisfiresMax } from '../protocol/limits.ts';
import type { Outcome, Refusal } from '../protocol/outcome.ts';
import type { ScheduleReads, ScheduleRow } from '../protocol/schedule.ts';
import type { ScheduleDue } from '../protocol/scheduleEvents.ts';
import { DueTimes } from './scheduleTimes.ts';

export interface ScheduleClockParts {
  readonly view: ScheduleReads;
  readonly execute: (command: Command) => Promise<Outcome<unknown, Refusal>>;
  /** The wall clock: it may jump. Schedules follow it, and not the host's own time, which does not. */
  readonly wallMs: () => number;
  readonly onBug: (error: unknown, where: string) => void;
}
interface Entry {
  readonly times: DueTimes;
  /** The first due time after the last one that is decided; Infinity where none comes. */
  readonly nextMs: number;
}
/** A wall clock that was set is noticed within this; what was refused for now is told again after it. */
const lookEveryMs = 1_000;
const pauseLeastMs = 10;
/** Schedules looked at, and due times computed, between two rests: about 5 ms of the host's thread. */
const perRest = 50;
/** Commands and due times on their way at a time. */
const commandsMost = 256;
const dueMost = 5_000;
/** Beyond what may run, missed due times are counted up to so many. */
const countedMost = 100;
const firstSpanMs = 60_000;

export class ScheduleClock {
  readonly #parts: ScheduleClockParts;
  readonly #entries = new Map<string, Entry>();
  /** Schedules that changed since their entry was made. */
  readonly #changed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #checking: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: ScheduleClockParts) {
    this.#parts = parts;
    for (const scheduleId of parts.view.scheduleIds()) this.#changed.add(scheduleId);
    this.#run();
  }

  readonly close = (): void => {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  };

  readonly onBatch = ({ events }: Batch): void => {
    for (const event of events) {
      if ('scheduleId' in event) this.#changed.add(event.scheduleId);
      else if (event.kind === 'calendar_put') this.#calendarChanged(event.calendar);
    }
  };

  /** Resolves once all that is due by now was told and decided. */
  readonly settle = async (): Promise<void> => {
    await this.#checking;
    await this.#check();
  };

  /** The first due time to come; undefined where there is none. */
  readonly nextDueMs = (scheduleId: string): Ms | undefined => {
    const row = this.#parts.view.schedule(scheduleId);
    if (!row || row.spec.isPaused) return undefined;
    return this.#timesOf(row).next(Math.max(row.lastDueMs, this.#parts.wallMs()));
  };

  #run(): void {
    this.#check()
      .catch((error: unknown) => {
        this.#parts.onBug(error, 'schedules');
      })
      .finally(() => {
        if (this.#isClosed) return;
        const nowMs = this.#parts.wallMs();
        let untilMs = nowMs + lookEveryMs;
        for (const { nextMs } of this.#entries.values())
          if (nextMs > nowMs && nextMs < untilMs) untilMs = nextMs;
        this.#timer = setTimeout(
          () => {
            this.#run();
          },
          Math.max(pauseLeastMs, untilMs - nowMs),
        );
      });
  }

  #check(): Promise<void> {
    this.#checking ??= this.#tellDue().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #tellDue(): Promise<void> {
    await this.#refresh();
    const nowMs = Math.floor(this.#parts.wallMs());
    let told: Promise<unknown>[] = [];
    let due = 0;
    for (const [scheduleId, { times, nextMs }] of [...this.#entries]) {
      if (nextMs > nowMs) continue;
      const row = this.#parts.view.schedule(scheduleId);
      if (this.#isClosed || !row) continue;
      const command = await dueCommand(row, times, nowMs);
      due += command.dueMs.length;
      told.push(this.#parts.execute(command));
      if (told.length < commandsMost && due < dueMost) continue;
      await Promise.all(told);
      told = [];
      due = 0;
    }
    await Promise.all(told);
    await this.#refresh();
  }

  async #refresh(): Promise<void> {
    let looked = 0;
    for (const scheduleId of [...this.#changed]) {
      this.#changed.delete(scheduleId);
      const row = this.#parts.view.schedule(scheduleId);
      if (row && !row.spec.isPaused) {
        const times = this.#timesOf(row);
        this.#entries.set(scheduleId, { times, nextMs: times.next(row.lastDueMs) ?? Infinity });
      } else this.#entries.delete(scheduleId);
      looked += 1;
      if (looked % perRest === 0) await rest();
    }
  }

  /** Those of before where nothing about them has changed. */
  #timesOf({ scheduleId, spec }: ScheduleRow): DueTimes {
    const dates = spec.calendar && this.#parts.view.calendarDates(spec.calendar.name);
    const known = this.#entries.get(scheduleId)?.times;
    return known?.timing === spec && known.dates === dates ? known : new DueTimes(spec, dates);
  }

  #calendarChanged(calendar: string): void {
    for (const [scheduleId, { times }] of this.#entries)
      if (times.timing.calendar?.name === calendar) this.#changed.add(scheduleId);
  }
}

/** The due times that have come since the last one decided: the newest that may run, and how many came before them. */
async function dueCommand(
  { scheduleId, spec, lastDueMs }: ScheduleRow,
  times: DueTimes,
  nowMs: number,
): Promise<ScheduleDue> {
  const keep = spec.misfire === 'all' ? Math.min(spec.misfireMax, scheduleMisfiresMax) : 1;
  const found = await newestDue(times, { afterMs: lastDueMs, untilMs: nowMs, wanted: keep + countedMost });
  const earlier = found.slice(0, Math.max(0, found.length - keep));
  const newestEarlier = earlier.at(-1);
  return {
    kind: 'ScheduleDue',
    scheduleId,
    dueMs: found.slice(earlier.length),
    ...(newestEarlier !== undefined && {
      missed: { count: earlier.length, dueMs: newestEarlier, afterMs: lastDueMs },
    }),
    atMs: ms(nowMs),
  };
}

interface Span {
  /** After this, up to and including that. */
  readonly afterMs: number;
  readonly untilMs: number;
  /** So many of the newest, or a few more; all where there are fewer. */
  readonly wanted: number;
}

/**
 * Looks back over longer and longer spans, so that a second's rhythm after a month away costs no more than a day's. Due
 * times are only ever computed forwards: there is one answer to when one is due.
 */
export async function newestDue(times: DueTimes, { afterMs, untilMs, wanted }: Span): Promise<readonly Ms[]> {
  for (let spanMs = firstSpanMs; ; spanMs *= 2) {
    const fromMs = Math.max(afterMs, untilMs - spanMs);
    const found: Ms[] = [];
    for (let dueMs = times.next(fromMs); dueMs !== undefined && dueMs <= untilMs; dueMs = times.next(dueMs)) {
      found.push(dueMs);
      if (found.length % perRest === 0) await rest();
    }
    if (fromMs === afterMs || found.length >= wanted) return found;
  }
}
