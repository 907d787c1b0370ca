// Due times of schedules that have come: which of them bring a task. Each is decided once, whatever the host's memory,
// clock and restarts do, since the last one decided is in the journal and only grows.
import { type Ms, type TaskId } from '../../protocol/brands.ts';
import type { ScheduleDue } from '../../protocol/scheduleEvents.ts';
import { scheduleLateMs } from '../../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import { dueLabel, type ScheduleSkip, scheduleLabel } from '../../protocol/schedule.ts';
import { liveTaskOf } from '../state/scheduleRows.ts';
import type { Schedule } from '../state/scheduleTable.ts';
import { admit } from './submit.ts';
import { cancelTask } from './taskControl.ts';
import type { Turn } from './turn.ts';

/** Refuses `unknown_schedule`, `wrong_state` for one that is paused, and for now what a submit refuses for now. */
export function scheduleDue(turn: Turn, command: ScheduleDue): Outcome<undefined, Refusal> {
  const { scheduleId, atMs } = command;
  const schedule = turn.state.schedules.get(scheduleId);
  if (!schedule) return refused(unknownSchedule(scheduleId));
  if (schedule.spec.isPaused) return refused(refusal('wrong_state', `schedule ${scheduleId} is paused`));
  const open = command.dueMs.filter((dueMs) => dueMs > schedule.lastDueMs);
  const earlier = command.missed;
  if (earlier && earlier.afterMs !== schedule.lastDueMs) return accepted(undefined);
  const wanted = wantedOf(schedule, open, atMs);
  const unwanted = open.slice(0, open.length - wanted.length);
  skip(turn, schedule, {
    dueMs: unwanted.at(-1) ?? earlier?.dueMs,
    count: unwanted.length + (earlier?.count ?? 0),
    reason: 'missed',
  });
  for (const dueMs of wanted) {
    const fired = fire(turn, schedule, dueMs);
    if (!fired.ok) return fired;
  }
  return accepted(undefined);
}

/** The due times that the misfire policy lets through, oldest first: always the newest ones. */
function wantedOf({ spec }: Schedule, open: readonly Ms[], atMs: Ms): readonly Ms[] {
  const newest = open.at(-1);
  if (newest === undefined) return [];
  switch (spec.misfire) {
    case 'skip':
      return atMs - newest > scheduleLateMs ? [] : [newest];
    case 'once':
      return [newest];
    case 'all':
      return open.slice(-spec.misfireMax);
  }
}

function fire(turn: Turn, schedule: Schedule, dueMs: Ms): Outcome<undefined, Refusal> {
  const { scheduleId, spec } = schedule;
  const last = liveTaskOf(turn.state, schedule);
  if (last !== undefined && spec.overlap === 'skip') {
    skip(turn, schedule, { dueMs, count: 1, reason: 'overlap' });
    return accepted(undefined);
  }
  const actor = `schedule ${scheduleId}`;
  const admitted = admitOf(turn, schedule, { actor, dueMs });
  if (!admitted.ok) {
    // What may pass is tried again: the due time stays open.
    if (admitted.reason.retryAfterMs !== undefined) return admitted;
    skip(turn, schedule, { dueMs, count: 1, reason: 'refused', message: admitted.reason.message });
    return accepted(undefined);
  }
  if (last !== undefined && spec.overlap === 'replace')
    cancelTask(turn, { kind: 'CancelTask', taskId: last, actor, reason: replacedBy(scheduleId) });
  turn.emit({ kind: 'schedule_fired', scheduleId, taskId: admitted.value, dueMs });
  return accepted(undefined);
}

type Skip = Omit<ScheduleSkip, 'dueMs'> & { readonly dueMs: Ms | undefined };
function skip(turn: Turn, { scheduleId }: Schedule, { dueMs, ...more }: Skip): void {
  if (dueMs !== undefined) turn.emit({ kind: 'schedule_skipped', scheduleId, dueMs, ...more });
}

/** Takes a task of the schedule in. It is marked with the schedule and, where it has one, its due time. */
export function admitOf(
  turn: Turn,
  { scheduleId, spec: { task } }: Schedule,
  { actor, dueMs }: { readonly actor: string; readonly dueMs?: Ms },
): Outcome<TaskId, Refusal> {
  const due = dueMs === undefined ? {} : { [dueLabel]: String(dueMs) };
  return admit(turn, { ...task, labels: { ...task.labels, [scheduleLabel]: scheduleId, ...due } }, actor);
}

export const unknownSchedule = (scheduleId: string): Refusal =>
  refusal('unknown_schedule', `there is no schedule ${scheduleId}`, { field: 'scheduleId' });
export const replacedBy = (scheduleId: string): string => `replaced by the next run of ${scheduleId}`;
