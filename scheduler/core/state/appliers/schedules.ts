// Events of schedules and calendars.
import { ms } from '../../../protocol/brands.ts';
import type { Appliers } from './types.ts';

type ScheduleEvents =
  | 'schedule_put'
  | 'schedule_removed'
  | 'schedule_fired'
  | 'schedule_skipped'
  | 'calendar_put'
  | 'calendar_removed';

export const scheduleAppliers: Appliers<ScheduleEvents> = {
  schedule_put({ schedules }, event) {
    schedules.put(event.scheduleId, event.spec, event.lastDueMs);
  },
  schedule_removed({ schedules }, event) {
    schedules.remove(event.scheduleId);
  },
  schedule_fired({ schedules }, event, atMs) {
    const schedule = schedules.mustGet(event.scheduleId);
    schedule.lastTaskId = event.taskId;
    schedule.lastRunAtMs = atMs;
    if (event.dueMs === undefined) return;
    schedule.lastDueMs = event.dueMs;
    schedule.fired += 1;
  },
  schedule_skipped({ schedules }, event) {
    const schedule = schedules.mustGet(event.scheduleId);
    const { dueMs, count, reason, message } = event;
    schedule.lastDueMs = dueMs;
    schedule.skipped += count;
    schedule.lastSkip = { dueMs, count, reason, ...(message !== undefined && { message }) };
  },
  calendar_put({ schedules }, event) {
    schedules.calendars.set(event.calendar, new Set(event.dates));
    for (const schedule of schedules.all())
      if (schedule.spec.calendar?.name === event.calendar)
        schedule.lastDueMs = ms(Math.max(schedule.lastDueMs, event.lastDueMs));
  },
  calendar_removed({ schedules }, event) {
    schedules.calendars.delete(event.calendar);
  },
};
