// Calendars and schedules in a snapshot and a digest.
import type { SchedulerState } from './schedulerState.ts';
import type { SavedSchedule } from './scheduleTable.ts';

export const savedCalendars = {
  name: 'calendars',
  rows: ({ schedules }: SchedulerState) =>
    [...schedules.calendars].map(([calendar, dates]) => ({ calendar, dates: [...dates] })),
  take: ({ schedules }: SchedulerState, rows: readonly { calendar: string; dates: readonly string[] }[]) => {
    for (const { calendar, dates } of rows) schedules.calendars.set(calendar, new Set(dates));
  },
};
export const savedSchedules = {
  name: 'schedules',
  rows: ({ schedules }: SchedulerState) => schedules.saved(),
  take: ({ schedules }: SchedulerState, rows: readonly SavedSchedule[]) => {
    for (const row of rows) schedules.restore(row);
  },
};
