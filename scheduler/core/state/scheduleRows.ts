// A schedule with what the rest of the state says of it.
import type { TaskId } from '../../protocol/brands.ts';
import type { ScheduleRow } from '../../protocol/schedule.ts';
import type { SchedulerState } from './schedulerState.ts';
import type { Schedule } from './scheduleTable.ts';

/** The last task of the schedule, or the last array or gang, where that has not ended. */
export function liveTaskOf(
  { tasks, arrays, gangs }: SchedulerState,
  { lastTaskId }: Schedule,
): TaskId | undefined {
  if (lastTaskId === undefined) return undefined;
  const live = tasks.get(lastTaskId) ?? arrays.get(lastTaskId) ?? gangs.get(lastTaskId);
  return live && lastTaskId;
}

export function rowOfSchedule(schedule: Schedule, state: SchedulerState): ScheduleRow {
  const { scheduleId, spec, lastDueMs, lastRunAtMs, lastTaskId, fired, skipped, lastSkip } = schedule;
  return {
    scheduleId,
    spec,
    lastDueMs,
    ...(lastRunAtMs !== undefined && { lastRunAtMs }),
    ...(lastTaskId !== undefined && { lastTaskId }),
    isLastLive: liveTaskOf(state, schedule) !== undefined,
    fired,
    skipped,
    ...(lastSkip && { lastSkip }),
  };
}
