// The host's clock of schedules over restarts, jumps of the wall clock, and changes of clocks.
import { afterEach, describe, expect, test } from 'vitest';
import { ms } from '../../scheduler/protocol/brands.ts';
import { ScheduleStage } from './scheduleStage.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const noonMs = Date.parse('2026-05-01T12:00:00Z');
let stage: ScheduleStage;
const started = async (wallMs = noonMs): Promise<ScheduleStage> => {
  stage = new ScheduleStage(wallMs);
  await stage.start();
  return stage;
};
afterEach(() => {
  stage.crash();
});
const times = (scheduleId: string): string[] =>
  stage.ran(scheduleId).map((dueMs) => new Date(dueMs).toISOString().slice(5, 16));

test('a schedule runs at its times, and not before the first after it was put', async () => {
  const { schedules } = await started();
  stage.put('hourly', { cron: '30 * * * *' });
  await stage.goTo(noonMs + hourMs / 2 - 1);
  expect(times('hourly')).toEqual([]);
  expect(schedules?.nextDueMs('hourly')).toBe(noonMs + hourMs / 2);
  await stage.goTo(noonMs + hourMs / 2);
  await stage.goTo(noonMs + 1.5 * hourMs + 5_000);
  expect(times('hourly')).toEqual(['05-01T12:30', '05-01T13:30']);
});

describe('due times that passed while the host was away', () => {
  test.each([
    ['skip', []],
    ['once', ['05-02T11:00']],
    ['all', ['05-02T09:00', '05-02T10:00', '05-02T11:00']],
  ])('under %s: %j run', async (misfire, ran) => {
    await started();
    stage.put('hourly', { cron: '0 * * * *', misfire, misfireMax: 3 });
    stage.crash();
    stage.wallMs = noonMs + dayMs - hourMs / 2;
    await stage.start();
    expect(times('hourly')).toEqual(ran);
    expect(stage.core.view().schedule('hourly')).toMatchObject({
      fired: ran.length,
      skipped: 23 - ran.length,
    });
    await stage.goTo(noonMs + dayMs);
    expect(times('hourly')).toEqual([...ran, '05-02T12:00']);
  });

  test('flood nobody, however dense the rhythm and however long the absence', async () => {
    await started();
    stage.put('dense', { everyMs: 1_000, misfire: 'all', misfireMax: 5 });
    await stage.goTo(noonMs + 400 * dayMs);
    expect(stage.ran('dense')).toEqual([4, 3, 2, 1, 0].map((back) => noonMs + 400 * dayMs - back * 1_000));
    expect(stage.core.view().schedule('dense')?.skipped).toBeGreaterThanOrEqual(100);
  });
});

test('a wall clock that is set back and comes by again fires nothing twice', async () => {
  await started();
  stage.put('hourly', { cron: '0 * * * *', misfire: 'all' });
  await stage.goTo(noonMs + 3 * hourMs);
  await stage.goTo(noonMs - dayMs);
  stage.crash();
  await stage.start();
  await stage.goTo(noonMs + 4 * hourMs);
  expect(times('hourly')).toEqual(['05-01T13:00', '05-01T14:00', '05-01T15:00', '05-01T16:00']);
});

test('what the journal lost was never told to anybody, and runs after the restart', async () => {
  await started();
  stage.put('hourly', { cron: '0 * * * *' });
  await stage.goTo(noonMs + hourMs);
  stage.crash(1);
  expect(times('hourly')).toEqual([]);
  await stage.start();
  expect(times('hourly')).toEqual(['05-01T13:00']);
});

describe('where clocks change', () => {
  test.each([
    // 02:30 is not there on 29 March, and there twice on 25 October.
    ['Europe/Berlin', '2026-03-28T12:00Z', ['03-29T01:00', '03-30T00:30']],
    ['Europe/Berlin', '2026-10-24T12:00Z', ['10-25T00:30', '10-26T01:30']],
    ['America/New_York', '2026-03-07T12:00Z', ['03-08T07:00', '03-09T06:30']],
    ['Asia/Shanghai', '2026-03-28T12:00Z', ['03-28T18:30', '03-29T18:30']],
  ])('02:30 in %s after %s runs once a day, restarts or not', async (timeZone, from, ran) => {
    await started(Date.parse(from));
    stage.put('nightly', { cron: '30 2 * * *', timeZone });
    for (let quarter = 1; quarter <= 4 * 46; quarter += 1) {
      if (quarter % 3 === 0) {
        stage.crash();
        await stage.start();
      }
      await stage.goTo(Date.parse(from) + (quarter * hourMs) / 4);
    }
    expect(times('nightly')).toEqual(ran);
  });
});

describe('a calendar', () => {
  test('keeps its dates free, and a change of it brings nothing back', async () => {
    await started(Date.parse('2026-12-24T12:00Z'));
    const put = (dates: string[]): void => {
      stage.give({ kind: 'PutCalendar', calendar: 'plant', dates, atMs: ms(stage.wallMs), actor: 'ann' });
    };
    put(['2026-12-25', '2026-12-26']);
    stage.put('daily', { cron: '0 6 * * *', calendar: { name: 'plant', rule: 'skip' }, misfire: 'all' });
    await stage.goTo(Date.parse('2026-12-25T12:00Z'));
    put(['2026-12-24', '2026-12-27']);
    await stage.goTo(Date.parse('2026-12-28T12:00Z'));
    expect(times('daily')).toEqual(['12-26T06:00', '12-28T06:00']);
  });
});

test('a paused schedule is not due, and a removed one is gone', async () => {
  await started();
  stage.put('a', { everyMs: 60_000, isPaused: true });
  stage.put('b', { everyMs: 60_000 });
  stage.give({ kind: 'RemoveSchedule', scheduleId: 'b', actor: 'ann' });
  await stage.goTo(noonMs + hourMs);
  expect([stage.ran('a'), stage.ran('b')]).toEqual([[], []]);
  expect(stage.schedules?.nextDueMs('a')).toBeUndefined();
});
