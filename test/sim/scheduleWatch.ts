// The books of schedules, from the journal alone: each due time is decided once, none is passed over without a word, and
// each one that fired has brought its task.
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { EventOf } from '../../scheduler/core/state/appliers/types.ts';
import type { Report } from './audit.ts';

interface Seen {
  readonly everyMs: number;
  decidedMs: number;
}

export class ScheduleWatch {
  readonly #report: Report;
  readonly #isAdmitted: (taskId: TaskId) => boolean;
  readonly #seen = new Map<string, Seen>();
  readonly #brought = new Map<TaskId, string>();

  constructor(report: Report, isAdmitted: (taskId: TaskId) => boolean) {
    this.#report = report;
    this.#isAdmitted = isAdmitted;
  }

  readonly put = ({ scheduleId, spec, lastDueMs }: EventOf<'schedule_put'>): void => {
    this.#seen.set(scheduleId, { everyMs: spec.everyMs ?? 1, decidedMs: lastDueMs });
  };
  readonly removed = ({ scheduleId }: EventOf<'schedule_removed'>): void => {
    this.#seen.delete(scheduleId);
  };
  readonly fired = ({ scheduleId, taskId, dueMs }: EventOf<'schedule_fired'>): void => {
    this.#decided(scheduleId, dueMs ?? 0, 1);
    if (this.#brought.has(taskId) || !this.#isAdmitted(taskId))
      this.#report('schedule-task', `${scheduleId} fired without a task of its own: ${String(taskId)}`);
    this.#brought.set(taskId, scheduleId);
  };
  readonly skipped = ({ scheduleId, dueMs, count }: EventOf<'schedule_skipped'>): void => {
    this.#decided(scheduleId, dueMs, count);
  };

  /** So many due times, the newest of them this one, right after the last that was decided. */
  #decided(scheduleId: string, dueMs: number, count: number): void {
    const seen = this.#seen.get(scheduleId);
    if (!seen) {
      this.#report('schedule-once', `${scheduleId} is due and was never put`);
      return;
    }
    const wantedMs = (Math.floor(seen.decidedMs / seen.everyMs) + count) * seen.everyMs;
    if (dueMs <= seen.decidedMs)
      this.#report('schedule-once', `${scheduleId}: ${String(dueMs)} was decided twice`);
    else if (dueMs !== wantedMs)
      this.#report(
        'schedule-none-lost',
        `${scheduleId}: ${String(count)} due times up to ${String(dueMs)}, not ${String(wantedMs)}`,
      );
    seen.decidedMs = dueMs;
  }
}
