// What people do to schedules and calendars: put, remove, run by hand.
import { formatTaskId, ms, type TaskId } from '../../protocol/brands.ts';
import type {
  PutCalendar,
  PutSchedule,
  RemoveCalendar,
  RemoveSchedule,
  RunSchedule,
} from '../../protocol/scheduleEvents.ts';
import { calendarsMax, scheduleBytesMax, schedulesBytesMax, schedulesMax } from '../../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import type { ScheduleSpec } from '../../protocol/schedule.ts';
import { liveTaskOf } from '../state/scheduleRows.ts';
import { type Schedule, sizeOf } from '../state/scheduleTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { admitOf, replacedBy, unknownSchedule } from './scheduleDue.ts';
import { whyNotTakenIn } from './submit.ts';
import { cancelTask } from './taskControl.ts';
import type { Turn } from './turn.ts';

type Taken = Outcome<undefined, Refusal>;

/** Refuses what a submit of its task would refuse for good, an unknown calendar, and what is too much. */
export function putSchedule(turn: Turn, { scheduleId, spec, atMs, actor }: PutSchedule): Taken {
  const known = turn.state.schedules.get(scheduleId);
  const reason = whyNotKept(turn.state, spec, known);
  if (reason) return refused(reason);
  const lastDueMs = known ? ms(Math.max(known.lastDueMs, isTimedAnew(known.spec, spec) ? atMs : 0)) : atMs;
  turn.emit({ kind: 'schedule_put', scheduleId, spec, lastDueMs, actor });
  return accepted(undefined);
}

function whyNotKept(
  state: SchedulerState,
  spec: ScheduleSpec,
  known: Schedule | undefined,
): Refusal | undefined {
  const { schedules } = state;
  if (!known && schedules.size >= schedulesMax)
    return refusal('too_many', `there are ${String(schedulesMax)} schedules already; remove one first`);
  const bytes = sizeOf(spec);
  if (bytes > scheduleBytesMax) {
    const said = `the schedule has ${String(bytes)} bytes; at most ${String(scheduleBytesMax)} are taken`;
    return refusal('too_large', `${said}: put larger input in a file that the task reads`, { field: 'task' });
  }
  if (schedules.bytes - (known?.bytes ?? 0) + bytes > schedulesBytesMax)
    return refusal('too_many', `all schedules hold ${String(schedulesBytesMax / 1_048_576)} MiB already`);
  if (spec.calendar && !schedules.calendars.has(spec.calendar.name))
    return unknownCalendar(spec.calendar.name, 'calendar.name');
  const untaken = whyNotTakenIn(state, spec.task);
  // What may pass does not matter now: the task is not submitted yet.
  if (!untaken || untaken.retryAfterMs !== undefined) return undefined;
  return { ...untaken, field: untaken.field === undefined ? 'task' : `task.${untaken.field}` };
}

/** Another rhythm, or a pause that ends: what was due by the old rules or meanwhile is not made up for. */
function isTimedAnew(was: ScheduleSpec, is: ScheduleSpec): boolean {
  const timesOf = ({ cron, everyMs, timeZone, calendar, startMs, endMs }: ScheduleSpec): string =>
    JSON.stringify([cron, everyMs, timeZone, calendar, startMs, endMs]);
  return was.isPaused || timesOf(was) !== timesOf(is);
}

export function removeSchedule(turn: Turn, { scheduleId, actor }: RemoveSchedule): Taken {
  if (!turn.state.schedules.get(scheduleId)) return refused(unknownSchedule(scheduleId));
  turn.emit({ kind: 'schedule_removed', scheduleId, actor });
  return accepted(undefined);
}

/** Refuses `wrong_state` where the last task still runs and the schedule skips then. */
export function runSchedule(turn: Turn, { scheduleId, actor }: RunSchedule): Outcome<TaskId, Refusal> {
  const schedule = turn.state.schedules.get(scheduleId);
  if (!schedule) return refused(unknownSchedule(scheduleId));
  const last = liveTaskOf(turn.state, schedule);
  const { overlap } = schedule.spec;
  if (last !== undefined && overlap === 'skip') {
    const said = `${formatTaskId(last)} of schedule ${scheduleId} has not ended, and its overlap is skip`;
    return refused(refusal('wrong_state', `${said}; cancel that task first`));
  }
  const admitted = admitOf(turn, schedule, { actor });
  if (!admitted.ok) return admitted;
  if (last !== undefined && overlap === 'replace')
    cancelTask(turn, { kind: 'CancelTask', taskId: last, actor, reason: replacedBy(scheduleId) });
  turn.emit({ kind: 'schedule_fired', scheduleId, taskId: admitted.value });
  return admitted;
}

export function putCalendar(turn: Turn, { calendar, dates, atMs, actor }: PutCalendar): Taken {
  const { calendars } = turn.state.schedules;
  if (!calendars.has(calendar) && calendars.size >= calendarsMax)
    return refused(refusal('too_many', `there are ${String(calendarsMax)} calendars already`));
  turn.emit({ kind: 'calendar_put', calendar, dates, lastDueMs: atMs, actor });
  return accepted(undefined);
}

export function removeCalendar(turn: Turn, { calendar, actor }: RemoveCalendar): Taken {
  const { schedules } = turn.state;
  if (!schedules.calendars.has(calendar)) return refused(unknownCalendar(calendar, 'calendar'));
  const users = schedules.countOn(calendar);
  if (users > 0) {
    const said = `calendar ${calendar} is named by ${String(users)} schedules; change them first`;
    return refused(refusal('wrong_state', said, { field: 'calendar' }));
  }
  turn.emit({ kind: 'calendar_removed', calendar, actor });
  return accepted(undefined);
}

const unknownCalendar = (calendar: string, field: string): Refusal =>
  refusal('unknown_calendar', `there is no calendar ${calendar}; put it first`, { field });
