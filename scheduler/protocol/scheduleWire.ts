// Methods of the console wire for schedules and calendars: parameters and results.
import * as v from 'valibot';
import type { TaskId } from './brands.ts';
import { rowLimitSchema, textSchema, whole } from './consoleParams.ts';
import {
  type CalendarDetail,
  type CalendarRow,
  calendarDatesSchema,
  type DuePreview,
  type SchedulePage,
  schedulePreviewSchema,
  scheduleSpecSchema,
  type ScheduleStanding,
} from './schedule.ts';
import { nameSchema } from './text.ts';

export const scheduleMethodSchemas = {
  /** By part of the name; in the order in which they were first put. */
  listSchedules: v.strictObject({
    text: v.optional(textSchema),
    offset: v.optional(whole, 0),
    limit: rowLimitSchema,
  }),
  getSchedule: v.strictObject({ scheduleId: nameSchema }),
  /** Makes a schedule, or puts this one in its place: fields that are absent have their defaults. */
  putSchedule: v.strictObject({ scheduleId: nameSchema, spec: scheduleSpecSchema }),
  removeSchedule: v.strictObject({ scheduleId: nameSchema }),
  runScheduleNow: v.strictObject({ scheduleId: nameSchema }),
  /** The next due times that a schedule with this rhythm would have. */
  previewSchedule: schedulePreviewSchema,
  listCalendars: v.strictObject({}),
  getCalendar: v.strictObject({ calendar: nameSchema }),
  /** Sets all dates of a calendar. */
  putCalendar: v.strictObject({ calendar: nameSchema, dates: calendarDatesSchema }),
  removeCalendar: v.strictObject({ calendar: nameSchema }),
} as const;

export interface ScheduleResults {
  listSchedules: SchedulePage;
  getSchedule: ScheduleStanding;
  putSchedule: ScheduleStanding;
  removeSchedule: { readonly removed: true };
  runScheduleNow: { readonly taskId: TaskId };
  previewSchedule: { readonly due: readonly DuePreview[] };
  listCalendars: { readonly calendars: readonly CalendarRow[] };
  getCalendar: CalendarDetail;
  putCalendar: { readonly calendar: string };
  removeCalendar: { readonly removed: true };
}
