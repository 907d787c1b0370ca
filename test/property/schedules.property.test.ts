// Random schedules, restarts with lost batches, and jumps of the wall clock, against the plain list of due times.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueTimes } from '../../scheduler/host/scheduleTimes.ts';
import { ScheduleStage } from '../unit/scheduleStage.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Around changes of clocks, and not. */
const starts = [
  '2026-03-28T20:00:30Z',
  '2026-10-24T20:00:30Z',
  '2026-11-01T02:00:30Z',
  '2026-06-30T23:00:30Z',
];
const rhythms = fc.oneof(
  fc.constantFrom(
    { cron: '*/15 * * * *' },
    { cron: '30 2 * * *' },
    { cron: '5,50 1-3 * * *' },
    { cron: '0 0 * * *' },
    { cron: '17 0 1 * * *' },
  ),
  fc.integer({ min: 7, max: 90 }).map((minutes) => ({ everyMs: minutes * minuteMs })),
);
const zones = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Shanghai', 'UTC');
type Step = {
  readonly kind: 'goOn' | 'jump' | 'setBack' | 'crash';
  readonly minutes: number;
  readonly lost: number;
};
const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('goOn', 'goOn', 'goOn', 'jump', 'setBack', 'crash'),
    minutes: fc.integer({ min: 1, max: 200 }),
    lost: fc.integer({ min: 0, max: 3 }),
  }),
  { minLength: 1, maxLength: 25 },
);

test('under `all` each due time runs once, whatever the clock and the host do', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...starts),
      rhythms,
      zones,
      steps,
      async (start, rhythm, timeZone, plan) => {
        const fromMs = Date.parse(start);
        const stage = new ScheduleStage(fromMs);
        await stage.start();
        stage.put('s', { ...rhythm, timeZone, misfire: 'all', misfireMax: 1_000 });
        const kept = stage.journal.length;
        let latestMs = fromMs;
        for (const { kind, minutes, lost } of plan) {
          if (kind === 'crash') {
            stage.crash(Math.min(lost, stage.journal.length - kept));
            stage.wallMs += minutes * minuteMs;
            await stage.start();
          } else if (kind === 'setBack') await stage.goTo(stage.wallMs - minutes * minuteMs);
          else await stage.goTo(stage.wallMs + (kind === 'jump' ? 24 * hourMs : minutes * minuteMs));
          latestMs = Math.max(latestMs, stage.wallMs);
        }
        // Whatever was lost is due until it is decided for good.
        await stage.goTo(latestMs);
        stage.crash();
        expect(stage.ran('s')).toEqual(
          dueUntil(new DueTimes({ ...rhythm, timeZone }, undefined), fromMs, latestMs),
        );
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

function dueUntil(times: DueTimes, fromMs: number, untilMs: number): readonly number[] {
  const due: number[] = [];
  for (let dueMs = times.next(fromMs); dueMs !== undefined && dueMs <= untilMs; dueMs = times.next(dueMs))
    due.push(dueMs);
  return due;
}
