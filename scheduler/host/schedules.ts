// Schedules as the host runs them: the clock that tells of due times, and what the console asks of it.
import type { SchedulePort } from '../console/ports.ts';
import type { Engine } from '../engine/engine.ts';
import { ms } from '../protocol/brands.ts';
import type { Batch } from '../protocol/events.ts';
import type { ScheduleTiming } from '../protocol/schedule.ts';
import { ScheduleClock } from './scheduleClock.ts';
import { type Dates, DueTimes, whyNotDue } from './scheduleTimes.ts';

export interface Schedules extends SchedulePort {
  readonly onBatch: (batch: Batch) => void;
  readonly close: () => void;
}

/** Of an engine that takes commands already. What was due while the host was away is told at once. */
export function openSchedules(
  { view, execute }: Pick<Engine, 'view' | 'execute'>,
  onBug: (error: unknown, where: string) => void,
  wall: () => number = Date.now,
): Schedules {
  const clock = new ScheduleClock({ view, execute, wallMs: wall, onBug });
  const wallMs = () => ms(Math.floor(wall()));
  const datesOf = ({ calendar }: ScheduleTiming): Dates | undefined =>
    calendar && view.calendarDates(calendar.name);
  return {
    check: (timing) => whyNotDue(timing, datesOf(timing), wallMs()),
    preview: (timing, count) => new DueTimes(timing, datesOf(timing)).preview(wallMs(), count),
    nextDueMs: clock.nextDueMs,
    settle: clock.settle,
    wallMs,
    onBatch: clock.onBatch,
    close: clock.close,
  };
}
