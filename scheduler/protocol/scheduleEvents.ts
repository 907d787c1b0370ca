// Commands and events of schedules and calendars.
import type { Ms, TaskId } from './brands.ts';
import type { ScheduleSkip, ScheduleSpec } from './schedule.ts';

/** Makes a schedule, or puts another in its place. The host has checked that it is due at some time. */
export interface PutSchedule {
  readonly kind: 'PutSchedule';
  readonly scheduleId: string;
  readonly spec: ScheduleSpec;
  /** The wall clock: a new schedule, one with other times, and one that is resumed are due after it. */
  readonly atMs: Ms;
  readonly actor: string;
}
export interface RemoveSchedule {
  readonly kind: 'RemoveSchedule';
  readonly scheduleId: string;
  readonly actor: string;
}
/** A run by hand, beside its due times; paused or not. Answers with the task. */
export interface RunSchedule {
  readonly kind: 'RunSchedule';
  readonly scheduleId: string;
  readonly actor: string;
}
/**
 * Due times that have come, from the host, which computes them. Those that are decided already are passed over without
 * a word, so it may be given twice. Refused for now (`retryAfterMs`) where a task cannot be taken in yet: what was not
 * decided stays due.
 */
export interface ScheduleDue {
  readonly kind: 'ScheduleDue';
  readonly scheduleId: string;
  /** Oldest first, up to `scheduleMisfiresMax` of the newest. */
  readonly dueMs: readonly Ms[];
  /**
   * Due times after `afterMs`, the last one decided as far as the host knows, that came before these, and the newest of
   * them; absent: none. Where another one was decided meanwhile, nothing is decided: the host counts anew.
   */
  readonly missed?: { readonly count: number; readonly dueMs: Ms; readonly afterMs: Ms };
  /** The wall clock. */
  readonly atMs: Ms;
}
/** Sets the dates of a calendar. Schedules that name it are due by them after `atMs`. */
export interface PutCalendar {
  readonly kind: 'PutCalendar';
  readonly calendar: string;
  readonly dates: readonly string[];
  readonly atMs: Ms;
  readonly actor: string;
}
/** Refused while a schedule names it. */
export interface RemoveCalendar {
  readonly kind: 'RemoveCalendar';
  readonly calendar: string;
  readonly actor: string;
}
export type ScheduleCommand =
  PutSchedule | RemoveSchedule | RunSchedule | ScheduleDue | PutCalendar | RemoveCalendar;

export type ScheduleEvent =
  | {
      readonly kind: 'schedule_put';
      readonly scheduleId: string;
      readonly spec: ScheduleSpec;
      /** Due times up to it are decided. */
      readonly lastDueMs: Ms;
      readonly actor: string;
    }
  | { readonly kind: 'schedule_removed'; readonly scheduleId: string; readonly actor: string }
  /** Brought a task: its `task_admitted` is in the same batch. Without `dueMs`: run by hand. */
  | {
      readonly kind: 'schedule_fired';
      readonly scheduleId: string;
      readonly taskId: TaskId;
      readonly dueMs?: Ms;
    }
  | ({ readonly kind: 'schedule_skipped'; readonly scheduleId: string } & ScheduleSkip)
  | {
      readonly kind: 'calendar_put';
      readonly calendar: string;
      readonly dates: readonly string[];
      /** Due times up to it of the schedules that name the calendar are decided. */
      readonly lastDueMs: Ms;
      readonly actor: string;
    }
  | { readonly kind: 'calendar_removed'; readonly calendar: string; readonly actor: string };
