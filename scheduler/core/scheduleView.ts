// Schedules and calendars as others may read them.
import type { SchedulerView } from '../protocol/view.ts';
import { rowOfSchedule } from './state/scheduleRows.ts';
import type { SchedulerState } from './state/schedulerState.ts';

type ScheduleReads = Pick<SchedulerView, 'scheduleIds' | 'schedule' | 'calendars' | 'calendarDates'>;

export const scheduleReads = (state: SchedulerState): ScheduleReads => ({
  scheduleIds: () => [...state.schedules.all()].map(({ scheduleId }) => scheduleId),
  schedule: (scheduleId) => {
    const schedule = state.schedules.get(scheduleId);
    return schedule && rowOfSchedule(schedule, state);
  },
  calendars: () => state.schedules.calendarRows(),
  calendarDates: (calendar) => state.schedules.calendars.get(calendar),
});
