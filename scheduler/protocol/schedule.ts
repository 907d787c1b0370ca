// A schedule: a task that is submitted again and again, by the clock. And calendars: named sets of dates.
import * as v from 'valibot';
import type { Ms, TaskId } from './brands.ts';
import * as limits from './limits.ts';
import { taskSpecSchema, type TaskState } from './task.ts';
import { nameSchema, wholeFrom, wholeUpTo } from './text.ts';

/**
 * What becomes of due times that were missed: a later one has come too, or it is more than `scheduleLateMs` ago.
 * `skip`: nothing; `once`: the newest runs, however late; `all`: each runs, the newest `misfireMax` of them.
 */
export const misfires = ['skip', 'once', 'all'] as const;
/** While the last run is live: `allow` another beside it; `skip` the new one; `replace`: cancel the old one. */
export const overlaps = ['allow', 'skip', 'replace'] as const;
/** `skip`: not on the dates of the calendar; `only`: on no other. Dates are those of the schedule's time zone. */
export const calendarRules = ['skip', 'only'] as const;

const timeSchema = wholeUpTo(limits.scheduleTimeMaxMs);
/** Whether it is a zone that there is, the host says: it has the tables. */
const timeZoneSchema = v.pipe(
  v.string(),
  v.maxLength(limits.nameLengthMax),
  v.regex(/^[A-Za-z][A-Za-z0-9_+/-]*$/, 'is no time zone name such as Europe/Berlin'),
);

const timingEntries = {
  /** Five fields (minute, hour, day of month, month, day of week), or six with seconds first. */
  cron: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(limits.cronLengthMax))),
  /** Instead of `cron`: each so many milliseconds, counted from `startMs`, or from 1970. */
  everyMs: v.exactOptional(wholeFrom(limits.scheduleEveryLeastMs, limits.scheduleEveryMaxMs)),
  timeZone: v.optional(timeZoneSchema, 'UTC'),
  calendar: v.exactOptional(v.strictObject({ name: nameSchema, rule: v.picklist(calendarRules) })),
  /** None before; ms since 1970. */
  startMs: v.exactOptional(timeSchema),
  /** None at it or after; ms since 1970. */
  endMs: v.exactOptional(timeSchema),
};
/** When a schedule is due. */
export type ScheduleTiming = v.InferOutput<v.StrictObjectSchema<typeof timingEntries, undefined>>;

const hasOneRhythm = ({ cron, everyMs }: ScheduleTiming): boolean =>
  (cron === undefined) !== (everyMs === undefined);
const rhythmWords = 'cron and everyMs: give one of them';
const isInOrder = ({ startMs, endMs }: ScheduleTiming): boolean =>
  startMs === undefined || endMs === undefined || startMs < endMs;
const orderWords = 'endMs is not after startMs: it could never be due';

export const schedulePreviewSchema = v.pipe(
  v.strictObject({
    ...timingEntries,
    count: v.optional(wholeFrom(1, limits.schedulePreviewMax), limits.schedulePreviewDefault),
  }),
  v.check((timing) => hasOneRhythm(timing), rhythmWords),
  v.check((timing) => isInOrder(timing), orderWords),
);
export const scheduleSpecSchema = v.pipe(
  v.strictObject({
    ...timingEntries,
    task: taskSpecSchema,
    misfire: v.optional(v.picklist(misfires), 'once'),
    misfireMax: v.optional(wholeFrom(1, limits.scheduleMisfiresMax), limits.scheduleMisfiresDefault),
    overlap: v.optional(v.picklist(overlaps), 'allow'),
    /** Due times that pass meanwhile are not made up for. */
    isPaused: v.optional(v.boolean(), false),
  }),
  v.check((timing) => hasOneRhythm(timing), rhythmWords),
  v.check((timing) => isInOrder(timing), orderWords),
  v.check(({ task }) => task.key === undefined, 'task.key: all runs would be the same task; leave it out'),
  v.check(
    ({ task }) => task.notBeforeMs === undefined && task.deadlineMs === undefined,
    'task.notBeforeMs and task.deadlineMs: one fixed time cannot fit every run; leave them out',
  ),
  v.check(
    ({ task }) => Object.keys(task.labels).length <= limits.labelsMax - scheduleLabels.length,
    `task.labels: at most ${String(limits.labelsMax - 2)}, since two more tell the schedule and the due time`,
  ),
);
/** A task, when it is due, and what becomes of runs that were missed or would overlap. */
export type ScheduleSpec = v.InferOutput<typeof scheduleSpecSchema>;
/** A schedule as a caller writes it. */
export type ScheduleInput = v.InferInput<typeof scheduleSpecSchema>;

/** Labels that every task of a schedule gets: which one, and the due time in ms since 1970 (absent: run by hand). */
export const scheduleLabel = 'millrace/schedule';
export const dueLabel = 'millrace/due';
const scheduleLabels = [scheduleLabel, dueLabel];

const dateSchema = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}$/, 'is no date such as 2026-12-25'),
  v.check((text) => isDate(text), 'is a date that there is not'),
);
function isDate(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return day >= 1 && day <= days;
}
/** Each once, oldest first. */
export const calendarDatesSchema = v.pipe(
  v.array(dateSchema),
  v.minLength(1, 'names no date'),
  v.maxLength(limits.calendarDatesMax, `holds more than ${String(limits.calendarDatesMax)} dates`),
  v.transform((dates) => [...new Set(dates)].sort()),
);

export const skipReasons = ['missed', 'overlap', 'refused'] as const;
export type SkipReason = (typeof skipReasons)[number];
/** Due times that brought no task. */
export interface ScheduleSkip {
  /** The newest of them. */
  readonly dueMs: Ms;
  readonly count: number;
  readonly reason: SkipReason;
  /** Of `refused`: why the task was not taken in. */
  readonly message?: string;
}

/** A schedule as the engine knows it. */
export interface ScheduleRow {
  readonly scheduleId: string;
  readonly spec: ScheduleSpec;
  /** Due times up to this one are decided; it never goes back. */
  readonly lastDueMs: Ms;
  /** When it last brought a task, and which. */
  readonly lastRunAtMs?: Ms;
  readonly lastTaskId?: TaskId;
  readonly isLastLive: boolean;
  /** Due times that brought a task, and that did not, since it was first put. Runs by hand do not count. */
  readonly fired: number;
  readonly skipped: number;
  readonly lastSkip?: ScheduleSkip;
}
/** The same as people see it. */
export interface ScheduleStanding extends ScheduleRow {
  /** Absent: paused, or none is to come. */
  readonly nextDueMs?: Ms;
  /** Of its last task; `unknown` where that was pruned. */
  readonly lastState?: TaskState | 'unknown';
}
export interface SchedulePage {
  readonly rows: readonly ScheduleStanding[];
  readonly total: number;
}
export interface CalendarRow {
  readonly calendar: string;
  /** How many, and the first and last of them. */
  readonly dates: number;
  readonly firstDate: string;
  readonly lastDate: string;
  /** Schedules that name it. */
  readonly schedules: number;
}
export interface CalendarDetail {
  readonly calendar: string;
  readonly dates: readonly string[];
}
/** A due time as a preview shows it. */
export interface DuePreview {
  readonly dueMs: Ms;
  /** The same on the clock of the time zone, with its offset from UTC: `2026-03-29T03:00:00+02:00`. */
  readonly local: string;
}

/** What an engine tells of schedules. */
export interface ScheduleReads {
  /** In the order in which they were first put. */
  readonly scheduleIds: () => readonly string[];
  readonly schedule: (scheduleId: string) => ScheduleRow | undefined;
  readonly calendars: () => readonly CalendarRow[];
  readonly calendarDates: (calendar: string) => ReadonlySet<string> | undefined;
}
