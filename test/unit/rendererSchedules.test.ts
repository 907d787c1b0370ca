// Schedules as the window has them: what is typed <-> what the host takes, due times as text, lists by offset.
import { describe, expect, test } from 'vitest';
import { createOffsetPages } from '../../renderer/composables/offsetPages.ts';
import { problemText } from '../../renderer/format/problemText.ts';
import { readDates } from '../../renderer/schedules/calendarDraft.ts';
import { dueText, untilText } from '../../renderer/schedules/dueText.ts';
import {
  emptySchedule,
  readSchedule,
  scheduleDraftOf,
  scheduleField,
  timingOf,
} from '../../renderer/schedules/scheduleDraft.ts';
import { rhythmText, scheduleState } from '../../renderer/schedules/scheduleText.ts';
import { changedSpec, draftOf } from '../../renderer/tasks/draft.ts';
import { hourTrace } from '../../renderer/trace/traceShape.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import { pageRowsMax, tracePointsMax } from '../../scheduler/protocol/limits.ts';
import { scheduleSpecSchema, type ScheduleSpec } from '../../scheduler/protocol/schedule.ts';
import { taskSpecSchema } from '../../scheduler/protocol/task.ts';

/** With many fields that no form shows. */
const task = {
  name: 'report',
  tenant: 'paint',
  work: { kind: 'command', argv: ['say', "it's over", ''], env: { A: '1', B: '2' }, cwd: '/tmp' },
  ask: { cpu: 250, memory: 96, gpu: { devices: 2 }, custom: { torch: 1 } },
  selector: { line: ['4', '5'], shop: ['a, b'] },
  tolerations: ['hot'],
  graceMs: 3_000,
  retry: { attemptsMax: 4, backoffMs: 50, rules: [{ exitCodes: [7], then: 'dead_letter' }] },
  labels: { order: '12' },
  licences: { cad: 1 },
  expectedMs: 60_000,
};
function specOf(input: unknown): ScheduleSpec {
  const read = decode(scheduleSpecSchema, input, 'schedule');
  if (!read.ok) throw new Error(read.reason.message);
  return read.value;
}
const timing = { timeZone: 'Europe/Berlin', startMs: 1_000_007, endMs: 4_102_444_800_000 };
const cron = specOf({ ...timing, cron: '0 6 * * 1-5', calendar: { name: 'holidays', rule: 'only' }, task });
const every = specOf({ ...timing, everyMs: 90_000, misfire: 'all', misfireMax: 7, isPaused: true, task });

describe('the form of a schedule', () => {
  test.each([cron, every])('gives back what it was given, also what it does not show', (spec) => {
    expect(readSchedule(scheduleDraftOf('nightly', spec, 'utc'), 'utc', spec)).toEqual({
      ok: true,
      value: spec,
    });
  });
  test('changes what was typed and nothing else', () => {
    const draft = scheduleDraftOf('nightly', cron, 'utc');
    Object.assign(draft, { overlap: 'skip', calendar: '', end: '' });
    Object.assign(draft.task, { priority: 9, cores: 1, env: [{ name: 'B', value: '3' }] });
    const { work, ask } = cron.task;
    expect(readSchedule(draft, 'utc', cron)).toEqual({
      ok: true,
      value: {
        ...cron,
        calendar: undefined,
        endMs: undefined,
        overlap: 'skip',
        task: { ...cron.task, priority: 9, work: { ...work, env: { B: '3' } }, ask: { ...ask, cpu: 1_000 } },
      },
    });
  });
  test('of a simulated run leaves the run as it is', () => {
    const read = decode(taskSpecSchema, { work: { kind: 'simulated', runMs: 5_000 } }, 'task');
    if (!read.ok) throw new Error(read.reason.message);
    expect(changedSpec(read.value, { ...draftOf(read.value), priority: 8 })).toEqual({
      ...read.value,
      priority: 8,
    });
  });
  test('of a new one asks only for what was given', () => {
    const draft = { ...emptySchedule('Asia/Shanghai'), name: 'a', start: '2026-11-23T14:32' };
    expect(timingOf(draft, 'utc')).toEqual({
      cron: '0 6 * * *',
      timeZone: 'Asia/Shanghai',
      startMs: Date.UTC(2026, 10, 23, 14, 32),
    });
    expect(timingOf({ ...draft, rhythm: 'every', start: '' }, 'utc')).toEqual({
      everyMs: 3_600_000,
      timeZone: 'Asia/Shanghai',
    });
  });
  test('says at which field a refusal belongs, as the host and as the schema name it', () => {
    const fieldOf = (field: string, message = 'no') => scheduleField({ code: 'bad_message', message, field });
    expect(fieldOf('spec.cron')).toBe('cron');
    expect(fieldOf('calendar.name')).toBe('calendar');
    expect(fieldOf('spec.task.queue')).toBe('task.queue');
    expect(fieldOf('task.work.argv.0')).toBe('task.line');
    expect(fieldOf('spec.task.licences')).toBe('task.other');
    expect(fieldOf('misfireMax')).toBe('misfireMax');
    expect(fieldOf('scheduleId')).toBe('name');
    expect(fieldOf('elsewhere')).toBe('other');
    const wrong = { ...emptySchedule('UTC'), name: 'a', start: '2026-11-23T14:32', end: '2026-11-23T14:32' };
    wrong.task.line = 'true';
    const read = readSchedule(wrong, 'utc');
    expect(read.ok ? '' : scheduleField(read.reason)).toBe('end');
  });
  test('shows a problem without the way to its field', () => {
    const said = (message: string, field: string) => problemText({ code: 'bad_message', message, field });
    expect(said('a: field misfireMax: must be a whole number', 'misfireMax')).toBe('must be a whole number');
    expect(said('cron: "x" has not five fields', 'spec.cron')).toBe('"x" has not five fields');
    expect(said('there is no queue: none', 'task.queue')).toBe('there is no queue: none');
  });
});

describe('a schedule in words', () => {
  const t = (key: string, named: Record<string, unknown> = {}) => [key, ...Object.values(named)].join(' ');
  test('tells its rhythm in the unit that suits it', () => {
    expect(rhythmText({ cron: '0 6 * * *' }, t)).toBe('0 6 * * *');
    expect(rhythmText({ everyMs: 90_000 }, t)).toBe('schedule.every 1.5 m');
    expect(rhythmText({ everyMs: 86_400_000 }, t)).toBe('schedule.every 1 d');
  });
  test('is over where no due time is to come and nobody paused it', () => {
    const row = { scheduleId: 'a', lastDueMs: 0, isLastLive: false, fired: 0, skipped: 0 } as never;
    expect(scheduleState({ ...(row as object), spec: cron } as never)).toBe('over');
    expect(scheduleState({ ...(row as object), spec: every } as never)).toBe('paused');
    expect(scheduleState({ ...(row as object), spec: cron, nextDueMs: 5 } as never)).toBe('active');
  });
  test('shows a due time on the clock of its own zone', () => {
    expect(dueText('2026-03-29T03:00:00+02:00', 'en')).toBe('Sun 2026-03-29 03:00:00');
    expect(dueText('2026-03-29T03:00:00+02:00', 'zh-CN')).toContain('周日');
    expect(untilText(10_400, 9_000)).toBe('1 s');
    expect(untilText(5, 9_000)).toBe('0 s');
    expect(untilText(7_209_000, 9_000)).toBe('2 h 00 m');
  });
});

describe('the dates of a calendar', () => {
  const t = (key: string) => key;
  test('are read however they are set apart, each once, oldest first', () => {
    expect(readDates('2027-01-01\n2026-12-25, 2027-01-01;2026-12-26 ', t).dates).toEqual([
      '2026-12-25',
      '2026-12-26',
      '2027-01-01',
    ]);
  });
  test('are refused with the one that is none', () => {
    expect(readDates('2026-12-25\n25.12.2026', t).problem).toBe('25.12.2026 is no date such as 2026-12-25');
    expect(readDates('2026-02-29', t).problem).toBe('2026-02-29 is a date that there is not');
    expect(readDates(' ', t).problem).toBe('names no date');
  });
});

describe('a list by offset', () => {
  const all = Array.from({ length: 450 }, (_, at) => `row ${at}`);
  test('reads the pages around what is shown, once, and again when asked', async () => {
    const asked: number[] = [];
    const pages = createOffsetPages((offset, limit) => {
      asked.push(offset);
      return Promise.resolve({ rows: all.slice(offset, offset + limit), total: all.length });
    });
    expect(pages.loaded.value).toMatchObject({ total: 0, isLoaded: false });
    await pages.read(190, 40, false);
    await pages.read(200, 40, false);
    expect(asked).toEqual([0, pageRowsMax]);
    await pages.read(200, 40, true);
    expect(asked).toEqual([0, pageRowsMax, pageRowsMax]);
    expect([pages.rowAt(0), pages.rowAt(399), pages.rowAt(400)]).toEqual(['row 0', 'row 399', undefined]);
    expect(pages.positionOf((row) => row === 'row 230')).toBe(230);
    expect(pages.positionOf((row) => row === 'row 449')).toBe(-1);
  });
});

describe('a trace of the last hour', () => {
  test('has a gap where the host was not there yet, and ends now', () => {
    const { startMs, stepMs, mean } = hourTrace([4, 5], 7_200_000);
    expect(mean).toHaveLength(tracePointsMax);
    expect(mean.slice(-3)).toEqual([null, 4, 5]);
    expect(startMs + (mean.length - 1) * stepMs).toBe(7_200_000);
  });
});
