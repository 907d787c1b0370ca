// When schedules are due: where clocks change, by calendars, and what is refused.
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { newestDue } from '../../scheduler/host/scheduleClock.ts';
import { DueTimes, whyNotDue } from '../../scheduler/host/scheduleTimes.ts';
import {
  calendarDatesSchema,
  schedulePreviewSchema,
  type ScheduleTiming,
} from '../../scheduler/protocol/schedule.ts';

const timing = (input: object): ScheduleTiming => {
  const { count, ...rest } = v.parse(schedulePreviewSchema, input);
  expect(count).toBe(5);
  return rest;
};
const local = (input: object, after: string, count: number, dates?: readonly string[]): string[] =>
  new DueTimes(timing(input), dates && new Set(dates))
    .preview(Date.parse(after), count)
    .map((due) => due.local);

describe('a time of day that a change of clocks skips', () => {
  test.each([
    [
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T03:00:00+02:00', '2026-03-30T02:30:00+02:00', '2026-03-31T02:30:00+02:00'],
    ],
    [
      'America/New_York',
      '2026-03-07T12:00Z',
      ['2026-03-08T03:00:00-04:00', '2026-03-09T02:30:00-04:00', '2026-03-10T02:30:00-04:00'],
    ],
    [
      'Asia/Shanghai',
      '2026-03-28T12:00Z',
      ['2026-03-29T02:30:00+08:00', '2026-03-30T02:30:00+08:00', '2026-03-31T02:30:00+08:00'],
    ],
  ])('is due at the end of the gap in %s', (timeZone, after, due) => {
    expect(local({ cron: '30 2 * * *', timeZone }, after, 3)).toEqual(due);
  });

  test('is left out where the rhythm goes through the hours', () => {
    expect(local({ cron: '30 * * * *', timeZone: 'Europe/Berlin' }, '2026-03-28T23:45Z', 3)).toEqual([
      '2026-03-29T01:30:00+01:00',
      '2026-03-29T03:30:00+02:00',
      '2026-03-29T04:30:00+02:00',
    ]);
  });
});

describe('a time of day that a change of clocks repeats', () => {
  test.each([
    [
      'Europe/Berlin',
      '30 2 * * *',
      '2026-10-24T12:00Z',
      ['2026-10-25T02:30:00+02:00', '2026-10-26T02:30:00+01:00'],
    ],
    [
      'America/New_York',
      '30 1 * * *',
      '2026-10-31T12:00Z',
      ['2026-11-01T01:30:00-04:00', '2026-11-02T01:30:00-05:00'],
    ],
    [
      'Asia/Shanghai',
      '30 2 * * *',
      '2026-10-24T12:00Z',
      ['2026-10-25T02:30:00+08:00', '2026-10-26T02:30:00+08:00'],
    ],
  ])('is due once in %s, the first time', (timeZone, cron, after, due) => {
    expect(local({ cron, timeZone }, after, 2)).toEqual(due);
  });

  test('is due both times where the rhythm goes through the hours', () => {
    expect(local({ cron: '30 * * * *', timeZone: 'Europe/Berlin' }, '2026-10-25T00:00Z', 3)).toEqual([
      '2026-10-25T02:30:00+02:00',
      '2026-10-25T02:30:00+01:00',
      '2026-10-25T03:30:00+01:00',
    ]);
  });
});

describe('a calendar', () => {
  const holidays = ['2026-12-25', '2026-12-26', '2027-01-01'];
  const skip = { name: 'plant', rule: 'skip' };

  test('keeps a schedule from its dates, which are those of its time zone', () => {
    const daily = { cron: '0 6 * * *', timeZone: 'Asia/Shanghai', calendar: skip };
    expect(local(daily, '2026-12-24T00:00Z', 2, holidays)).toEqual([
      '2026-12-27T06:00:00+08:00',
      '2026-12-28T06:00:00+08:00',
    ]);
  });

  test('or lets it run on them alone', () => {
    const only = { cron: '0 6 * * *', timeZone: 'Europe/Berlin', calendar: { ...skip, rule: 'only' } };
    expect(local(only, '2026-12-24T12:00Z', 9, holidays)).toEqual([
      '2026-12-25T06:00:00+01:00',
      '2026-12-26T06:00:00+01:00',
      '2027-01-01T06:00:00+01:00',
    ]);
  });

  test('is passed over in one step, however dense the rhythm', () => {
    const seconds = { cron: '* * * * * *', timeZone: 'America/New_York', calendar: skip };
    expect(local(seconds, '2026-12-25T05:00Z', 1, holidays)).toEqual(['2026-12-27T00:00:00-05:00']);
    expect(local({ everyMs: 1_000, calendar: skip }, '2026-12-25T00:00Z', 1, holidays)).toEqual([
      '2026-12-27T00:00:00+00:00',
    ]);
  });

  test('holds each date once, in order', () => {
    expect(v.parse(calendarDatesSchema, ['2027-01-01', '2026-12-25', '2027-01-01'])).toEqual([
      '2026-12-25',
      '2027-01-01',
    ]);
  });

  test.each(['2026-02-30', '2026-13-01', '26-1-1', ''])('has no date %j', (date) => {
    expect(v.safeParse(calendarDatesSchema, [date]).success).toBe(false);
  });
});

describe('an interval', () => {
  test('counts from its start', () => {
    const startMs = Date.parse('2026-05-01T00:00:10Z');
    const endMs = Date.parse('2026-05-01T00:02:10Z');
    expect(local({ everyMs: 60_000, startMs, endMs }, '2026-04-01T00:00Z', 9)).toEqual([
      '2026-05-01T00:00:10+00:00',
      '2026-05-01T00:01:10+00:00',
    ]);
  });
});

describe('is refused', () => {
  const nowMs = Date.parse('2026-05-01T00:00Z');
  const dates = new Set(['2026-01-01']);
  test.each([
    [{ cron: '0 0 31 2 *' }, 'never_due', 'cron'],
    [{ cron: '0 0 29 2 +MON' }, 'never_due', 'cron'],
    [{ cron: '0 0 * * *', endMs: nowMs }, 'never_due', 'cron'],
    [{ cron: '0 0 * * *', calendar: { name: 'plant', rule: 'only' } }, 'never_due', 'cron'],
    [{ everyMs: 60_000, endMs: nowMs - 1 }, 'never_due', 'everyMs'],
    [{ cron: '61 * * * *' }, 'bad_message', 'cron'],
    [{ cron: '-1 * * * *' }, 'bad_message', 'cron'],
    [{ cron: '99999999999999999999 * * * *' }, 'bad_message', 'cron'],
    [{ cron: '* * * *' }, 'bad_message', 'cron'],
    [{ cron: '* * * * * * *' }, 'bad_message', 'cron'],
    [{ cron: '? * * * *' }, 'bad_message', 'cron'],
    [{ cron: '@daily' }, 'bad_message', 'cron'],
    [{ cron: '* * * * *', timeZone: 'Mars/Olympus' }, 'bad_message', 'timeZone'],
  ])('%j: %s', (input, code, field) => {
    expect(whyNotDue(timing(input), dates, nowMs)).toMatchObject({ code, field });
  });

  test.each([
    [{}],
    [{ cron: '* * * * *', everyMs: 60_000 }],
    [{ everyMs: -1 }],
    [{ everyMs: 999 }],
    [{ everyMs: 1e18 }],
    [{ everyMs: 60_000, startMs: 5, endMs: 5 }],
    [{ everyMs: 60_000, startMs: 1e300 }],
    [{ cron: '* * * * *', timeZone: '../etc' }],
  ])('%j, by its shape', (input) => {
    expect(v.safeParse(schedulePreviewSchema, input).success).toBe(false);
  });

  test('nothing that is due on a leap day in some years', () => {
    expect(whyNotDue(timing({ cron: '0 0 29 2 *' }), undefined, nowMs)).toBeUndefined();
  });
});

describe('the newest due times of a long absence', () => {
  test('are found without all the others', async () => {
    const times = new DueTimes(timing({ everyMs: 1_000 }), undefined);
    const untilMs = Date.parse('2026-05-01T00:00Z');
    const found = await newestDue(times, { afterMs: 0, untilMs, wanted: 100 });
    expect(found.at(-1)).toBe(untilMs);
    expect(found.length).toBeGreaterThanOrEqual(100);
    expect(found.length).toBeLessThan(250);
  });
  test('are all of them where there are few', async () => {
    const times = new DueTimes(timing({ cron: '0 3 1 1 *' }), undefined);
    const found = await newestDue(times, {
      afterMs: Date.parse('2020-06-01T00:00Z'),
      untilMs: Date.parse('2026-05-01T00:00Z'),
      wanted: 100,
    });
    expect(found.map((dueMs) => new Date(dueMs).getUTCFullYear())).toEqual([
      2021, 2022, 2023, 2024, 2025, 2026,
    ]);
  });
});
