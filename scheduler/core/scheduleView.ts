// Schedules and calendars as others may read them.
import type { ScheduleReads } from '../protocol/schedule.ts';
import { rowOfSchedule } from './state/scheduleRows.ts';
import type { SchedulerState } from './state/schedulerState.ts';

export const scheduleReads = (state: SchedulerState): ScheduleReads => ({
  scheduleIds: () => [...state.schedules.all()].map(({ scheduleId }) => scheduleId),
  schedule: (scheduleId) => {
    const schedule = state.schedules.get(scheduleId);
    return schedule && rowOfSchedule(schedule, state);
  },
  calendars: () => state.schedules.calendarRows(),
  calendarDates: (calendar) => state.schedules.calendars.get(calendar),
});
