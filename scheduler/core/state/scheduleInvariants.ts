// What must always hold of schedules and calendars.
import { calendarsMax, schedulesBytesMax, schedulesMax } from '../../protocol/limits.ts';
import { sizeOf } from './scheduleTable.ts';
import type { SchedulerState } from './schedulerState.ts';

export function checkSchedules(
  { schedules, nextTaskId }: SchedulerState,
  check: (isTrue: boolean, what: string) => void,
): void {
  if (schedules.size === 0 && schedules.calendars.size === 0) return;
  let bytes = 0;
  for (const { scheduleId, spec, lastDueMs, lastTaskId, lastSkip } of schedules.all()) {
    bytes += sizeOf(spec);
    const name = `schedule ${scheduleId}`;
    check((lastTaskId ?? 0) < nextTaskId, `${name}: its last task is not admitted yet`);
    check((lastSkip?.dueMs ?? 0) <= lastDueMs, `${name}: it skipped a due time that is not decided`);
    check(
      !spec.calendar || schedules.calendars.has(spec.calendar.name),
      `${name}: its calendar ${spec.calendar?.name ?? ''} is not there`,
    );
  }
  check(bytes === schedules.bytes, `schedules: ${String(bytes)} bytes, counted ${String(schedules.bytes)}`);
  check(bytes <= schedulesBytesMax, `limit: schedules hold ${String(bytes)} bytes`);
  check(schedules.size <= schedulesMax, `limit: ${String(schedules.size)} schedules`);
  check(schedules.calendars.size <= calendarsMax, `limit: ${String(schedules.calendars.size)} calendars`);
}
