// When a schedule is due: cron text, time zones and daylight saving by croner, intervals and calendars by us.
import { Cron } from 'croner';
import { type Ms, ms } from '../protocol/brands.ts';
import { scheduleAheadMaxMs } from '../protocol/limits.ts';
import { type Refusal, refusal } from '../protocol/outcome.ts';
import type { DuePreview, ScheduleTiming } from '../protocol/schedule.ts';
import { ZoneClock } from './zoneClock.ts';

export type Dates = ReadonlySet<string>;
/** Looks past so many excluded dates for the next due time: more than ten years have. */
const excludedMost = 4_000;

/** Due times of one schedule. `dates`: those of the calendar that it names. */
export class DueTimes {
  readonly timing: ScheduleTiming;
  readonly dates: Dates | undefined;
  readonly #cron: Cron | undefined;
  readonly #zone: ZoneClock;
  /** Of a calendar, oldest first. */
  readonly #sorted: readonly string[];

  /** Throws on a cron text or a zone that `whyNot` refuses. */
  constructor(timing: ScheduleTiming, dates: Dates | undefined) {
    this.timing = timing;
    this.dates = timing.calendar && dates;
    this.#sorted = [...(this.dates ?? [])].sort();
    this.#zone = new ZoneClock(timing.timeZone);
    this.#cron = timing.cron === undefined ? undefined : cronOf(timing.cron, timing.timeZone);
  }

  /** The first due time after this time, or undefined where none comes within ten years. About 0.1 ms. */
  next(afterMs: number): Ms | undefined {
    const { startMs, endMs = Infinity } = this.timing;
    let fromMs = Math.max(afterMs, (startMs ?? 0) - 1);
    const untilMs = Math.min(endMs - 1, fromMs + scheduleAheadMaxMs);
    for (let looked = 0; looked < excludedMost && fromMs < untilMs; looked += 1) {
      const dueMs = this.#plainNext(fromMs);
      if (dueMs === undefined || dueMs > untilMs) return undefined;
      const freeMs = this.#excludedUntil(dueMs);
      if (freeMs === undefined) return ms(dueMs);
      fromMs = Math.max(dueMs, freeMs - 1);
    }
    return undefined;
  }

  /** The next few after this time, as people read them. */
  preview(afterMs: number, count: number): readonly DuePreview[] {
    const due: DuePreview[] = [];
    for (let dueMs = this.next(afterMs); dueMs !== undefined; dueMs = this.next(dueMs)) {
      due.push({ dueMs, local: this.#zone.local(dueMs) });
      if (due.length >= count) break;
    }
    return due;
  }

  #plainNext(afterMs: number): number | undefined {
    const { everyMs, startMs = 0 } = this.timing;
    if (everyMs !== undefined)
      return startMs + Math.max(0, Math.floor((afterMs - startMs) / everyMs) + 1) * everyMs;
    return this.#cron?.nextRun(new Date(afterMs))?.getTime();
  }

  /** When the next date begins that the calendar does not exclude; undefined where this one is not excluded. */
  #excludedUntil(dueMs: number): number | undefined {
    const { calendar } = this.timing;
    if (!calendar || !this.dates) return undefined;
    const date = this.#zone.date(dueMs);
    if (calendar.rule === 'skip')
      return this.dates.has(date) ? this.#zone.startOf(dayAfter(date)) : undefined;
    if (this.dates.has(date)) return undefined;
    const next = this.#sorted.find((one) => one > date);
    return next === undefined ? Infinity : this.#zone.startOf(next);
  }
}

const dayMs = 86_400_000;
const dayAfter = (date: string): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + dayMs).toISOString().slice(0, date.length);

/** Nothing is run by it: it only computes. */
function cronOf(text: string, timeZone: string): Cron {
  return new Cron(text, { timezone: timeZone, mode: '5-or-6-parts', paused: true });
}

const fieldsOf = /^\S+(\s+\S+){4,5}$/;
const cronCharacters = /^[0-9A-Za-z*,/#+\s-]+$/;

/** Refuses a cron text or a time zone that is none, and what would never be due. Names the field. */
export function whyNotDue(
  timing: ScheduleTiming,
  dates: Dates | undefined,
  nowMs: number,
): Refusal | undefined {
  const { cron, timeZone } = timing;
  try {
    new ZoneClock(timeZone);
  } catch {
    const said = `timeZone: there is no time zone ${timeZone}; give one such as Europe/Berlin or UTC`;
    return refusal('bad_message', said, { field: 'timeZone' });
  }
  const badCron = cron === undefined ? undefined : whyNoCron(cron, timeZone);
  if (badCron !== undefined) return refusal('bad_message', `cron: ${badCron}`, { field: 'cron' });
  if (new DueTimes(timing, dates).next(nowMs) !== undefined) return undefined;
  const field = cron === undefined ? 'everyMs' : 'cron';
  const within = timing.calendar || timing.endMs !== undefined ? ' by its calendar and its end' : '';
  const said = `${field}: it is not due within 10 years${within}: such a schedule would never run`;
  return refusal('never_due', said, { field });
}

function whyNoCron(text: string, timeZone: string): string | undefined {
  if (!fieldsOf.test(text.trim())) return `"${text}" has not five fields, or six with seconds first`;
  if (!cronCharacters.test(text)) return `"${text}" holds characters that no cron text has`;
  try {
    cronOf(text, timeZone);
    return undefined;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(/^Cron\w+: /, '');
  }
}
