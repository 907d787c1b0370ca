// Examples of schedules and calendars for the OpenAPI document. Tests check them against the schemas.
import type { ScheduleInput } from '../protocol/schedule.ts';
import { taskSpec } from './examples.ts';

export const scheduleSpec: ScheduleInput = {
  cron: '30 6 * * 1-5',
  timeZone: 'Europe/Berlin',
  calendar: { name: 'plant-holidays', rule: 'skip' },
  task: taskSpec,
  misfire: 'once',
  overlap: 'skip',
};
export const schedule = {
  scheduleId: 'shift-report',
  spec: scheduleSpec,
  lastDueMs: 1_794_029_400_000,
  lastRunAtMs: 1_794_029_400_003,
  lastTaskId: 42,
  isLastLive: false,
  fired: 17,
  skipped: 1,
  lastSkip: { dueMs: 1_793_943_000_000, count: 1, reason: 'overlap' },
  nextDueMs: 1_794_288_600_000,
  lastState: 'succeeded',
};
export const due = { dueMs: 1_794_288_600_000, local: '2026-11-10T06:30:00+01:00' };
export const calendar = {
  calendar: 'plant-holidays',
  dates: 2,
  firstDate: '2026-12-25',
  lastDate: '2026-12-26',
  schedules: 1,
};
export const dates = ['2026-12-25', '2026-12-26'];
