// Schedules and calendars as the journal knows them. Due times are the host's to compute; here is what was decided.
import type { Ms, TaskId } from '../../protocol/brands.ts';
import type { CalendarRow, ScheduleSkip, ScheduleSpec } from '../../protocol/schedule.ts';

export interface Schedule {
  readonly scheduleId: string;
  spec: ScheduleSpec;
  /** Size of its JSON. */
  bytes: number;
  /** Due times up to this one are decided. Never goes back. */
  lastDueMs: Ms;
  lastRunAtMs: Ms | undefined;
  lastTaskId: TaskId | undefined;
  fired: number;
  skipped: number;
  lastSkip: ScheduleSkip | undefined;
}
/** A row of a snapshot: fields that are undefined are left out of it. */
export type SavedSchedule = Omit<Schedule, 'bytes'> & { readonly bytes?: undefined };

export class ScheduleTable {
  readonly #schedules = new Map<string, Schedule>();
  /** Name -> its dates, as `2026-12-25`. */
  readonly calendars = new Map<string, ReadonlySet<string>>();
  #bytes = 0;

  get size(): number {
    return this.#schedules.size;
  }
  /** The JSON of all of them. */
  get bytes(): number {
    return this.#bytes;
  }
  all(): IterableIterator<Schedule> {
    return this.#schedules.values();
  }
  get(scheduleId: string): Schedule | undefined {
    return this.#schedules.get(scheduleId);
  }
  mustGet(scheduleId: string): Schedule {
    const schedule = this.#schedules.get(scheduleId);
    if (!schedule) throw new Error(`there is no schedule ${scheduleId}`);
    return schedule;
  }
  /** How many name the calendar. */
  countOn(calendar: string): number {
    return [...this.all()].filter(({ spec }) => spec.calendar?.name === calendar).length;
  }

  put(scheduleId: string, spec: ScheduleSpec, lastDueMs: Ms): void {
    const bytes = sizeOf(spec);
    const known = this.#schedules.get(scheduleId);
    this.#bytes += bytes - (known?.bytes ?? 0);
    if (known) Object.assign(known, { spec, bytes, lastDueMs });
    else this.restore({ ...unused, scheduleId, spec, lastDueMs }, bytes);
  }
  remove(scheduleId: string): void {
    this.#bytes -= this.mustGet(scheduleId).bytes;
    this.#schedules.delete(scheduleId);
  }

  /** As `restore` takes them. */
  saved(): readonly SavedSchedule[] {
    return [...this.all()].map((schedule) => ({ ...schedule, bytes: undefined }));
  }
  restore(saved: SavedSchedule, counted?: number): void {
    const bytes = counted ?? sizeOf(saved.spec);
    if (counted === undefined) this.#bytes += bytes;
    this.#schedules.set(saved.scheduleId, { ...unused, ...saved, bytes });
  }

  calendarRows(): readonly CalendarRow[] {
    return [...this.calendars].map(([calendar, dates]) => ({
      calendar,
      dates: dates.size,
      firstDate: firstOf(dates),
      lastDate: firstOf([...dates].reverse()),
      schedules: this.countOn(calendar),
    }));
  }
}

export const sizeOf = (spec: ScheduleSpec): number => JSON.stringify(spec).length;

const firstOf = ([first = '']: Iterable<string>): string => first;

const unused = {
  lastRunAtMs: undefined,
  lastTaskId: undefined,
  fired: 0,
  skipped: 0,
  lastSkip: undefined,
};
