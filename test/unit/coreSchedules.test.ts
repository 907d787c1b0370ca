// What the core makes of due times: each is decided once, by the policies of its schedule.
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { type Ms, ms, taskId } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { labelsMax } from '../../scheduler/protocol/limits.ts';
import { type ScheduleInput, scheduleSpecSchema } from '../../scheduler/protocol/schedule.ts';
import { kindsOf, liveOf, reasonOf, startedCore, startMs } from './coreStage.ts';

const work = { kind: 'simulated', runMs: 1_000 } as const;
const everyMs = 1_000;
const put = (more: Partial<ScheduleInput> = {}, atMs = startMs): Command => ({
  kind: 'PutSchedule',
  scheduleId: 'count',
  spec: v.parse(scheduleSpecSchema, { everyMs, task: { work }, ...more }),
  atMs: ms(atMs),
  actor: 'ann',
});
const at = (...seconds: number[]): Ms[] => seconds.map((second) => ms(startMs + second * 1_000));
const due = (
  seconds: readonly number[],
  atSecond = seconds.at(-1) ?? 0,
  missed?: [number, number],
): Command => ({
  kind: 'ScheduleDue',
  scheduleId: 'count',
  dueMs: at(...seconds),
  ...(missed && {
    missed: { count: missed[0], dueMs: ms(startMs + missed[1] * 1_000), afterMs: ms(startMs) },
  }),
  atMs: ms(startMs + atSecond * 1_000),
});
function scheduled(more: Partial<ScheduleInput> = {}) {
  const stage = startedCore();
  expect(stage.give(put(more)).answers[0]?.ok).toBe(true);
  const row = () => stage.core.view().schedule('count');
  const seconds = (events: readonly { kind: string; dueMs?: Ms }[], kind: string): number[] =>
    events.flatMap((event) =>
      event.kind === kind && event.dueMs !== undefined ? [(event.dueMs - startMs) / 1_000] : [],
    );
  const fired = (...commands: Command[]): number[] =>
    seconds(stage.give(...commands).events, 'schedule_fired');
  return { ...stage, row, fired };
}

test('a due time brings a task that tells its schedule and its time', () => {
  const { core, give, row } = scheduled();
  const { events } = give(due([1]));
  expect(kindsOf(events)).toEqual(['task_admitted', 'schedule_fired']);
  expect(core.view().task(taskId(1))).toMatchObject({
    submitter: 'schedule count',
    spec: {
      labels: { 'millrace/schedule': 'count', 'millrace/due': String(startMs + 1_000) },
    },
  });
  expect(row()).toMatchObject({ lastDueMs: startMs + 1_000, lastTaskId: 1, isLastLive: true, fired: 1 });
});

describe('a due time is decided once', () => {
  test('when it is told twice, in one turn or later', () => {
    const { fired } = scheduled();
    expect(fired(due([1]), due([1]))).toEqual([1]);
    expect(fired(due([1], 5_000))).toEqual([]);
  });

  test('across a restart from the journal, and from a snapshot', () => {
    const { core, give } = scheduled();
    const batches = [give(due([1])).batch, give(due([2])).batch];
    expect(batches.every((batch) => batch !== undefined)).toBe(true);
    const restored = Core.restored(core.snapshotParts());
    expect(restored.digest()).toBe(core.digest());
    expect(restored.turn(startMs, [due([1, 2])]).batch).toBeUndefined();
  });

  test('when the clock was set back and comes by again', () => {
    const { fired } = scheduled({ misfire: 'all' });
    expect(fired(due([1, 2, 3]))).toEqual([1, 2, 3]);
    expect(fired(due([2], 2), due([3], 3), due([4], 4))).toEqual([4]);
  });

  test('when its schedule is put anew with the same times', () => {
    const { give, fired } = scheduled();
    fired(due([1]));
    give(put({ overlap: 'replace' }, startMs + 5_000));
    expect(fired(due([1, 2]))).toEqual([2]);
  });
});

describe('due times that were missed', () => {
  test.each([
    ['skip', [3], 3, [3]],
    ['skip', [3], 64, []],
    ['skip', [1, 2, 3], 3, [3]],
    ['once', [1, 2, 3], 3, [3]],
    ['once', [3], 86_400, [3]],
    ['all', [1, 2, 3], 86_400, [1, 2, 3]],
  ] as const)('under %s: of %j, told at %i s, %j run', (misfire, dues, atSecond, ran) => {
    const { fired, row } = scheduled({ misfire });
    expect(fired(due(dues, atSecond))).toEqual(ran);
    expect(row()).toMatchObject({
      fired: ran.length,
      skipped: dues.length - ran.length,
      lastDueMs: startMs + 3_000,
    });
  });

  test('run up to the limit of the schedule, the newest ones', () => {
    const { fired, row } = scheduled({ misfire: 'all', misfireMax: 2 });
    expect(fired(due([5, 6, 7], 7, [4, 4]))).toEqual([6, 7]);
    expect(row()).toMatchObject({ fired: 2, skipped: 5, lastSkip: { reason: 'missed', count: 5 } });
  });

  test('are counted where those before them are not told one by one, and once', () => {
    const { fired, row } = scheduled({ misfire: 'once' });
    expect(fired(due([9], 9, [8, 8]))).toEqual([9]);
    expect(fired(due([9], 9, [8, 8]))).toEqual([]);
    expect(row()).toMatchObject({ fired: 1, skipped: 8 });
  });
});

test('a count of missed due times that was made before another decision decides nothing', () => {
  const { fired, row } = scheduled({ misfire: 'once' });
  expect(fired(due([2]), due([9], 9, [8, 8]))).toEqual([2]);
  expect(row()).toMatchObject({ fired: 1, skipped: 0, lastDueMs: startMs + 2_000 });
});

describe('while the last task has not ended', () => {
  test('allow: another one runs beside it', () => {
    const { core, fired } = scheduled({ overlap: 'allow' });
    expect([...fired(due([1])), ...fired(due([2]))]).toEqual([1, 2]);
    expect(core.state.tasks.size).toBe(2);
  });

  test('skip: the due time is passed over, and the next one after its end is not', () => {
    const { core, join, started, ended, fired, row } = scheduled({ overlap: 'skip' });
    join('N1');
    fired(due([1]));
    expect(fired(due([2]))).toEqual([]);
    expect(row()).toMatchObject({ skipped: 1, lastSkip: { reason: 'overlap', dueMs: startMs + 2_000 } });
    const { token } = liveOf(core, taskId(1));
    started('N1', token);
    ended('N1', taskId(1), token);
    expect(row()?.isLastLive).toBe(false);
    expect(fired(due([3]))).toEqual([3]);
  });

  test('replace: it is cancelled', () => {
    const { core, give, fired } = scheduled({ overlap: 'replace' });
    fired(due([1]));
    expect(give(due([2])).ended).toMatchObject([
      { taskId: 1, state: 'cancelled', reason: 'replaced by the next run of count' },
    ]);
    expect([...core.state.tasks.all()].map((task) => task.taskId)).toEqual([2]);
  });
});

test.each([{ array: { count: 3 } }, { gang: { size: 2 } }])(
  'a schedule of %j passes over a due time while the whole of it has not ended',
  (more) => {
    const { fired, row } = scheduled({ overlap: 'skip', task: { work, ...more } });
    expect([...fired(due([1])), ...fired(due([2]))]).toEqual([1]);
    expect(row()).toMatchObject({ isLastLive: true, lastSkip: { reason: 'overlap' } });
  },
);

describe('a pause', () => {
  test('refuses due times, and those of it are not made up for', () => {
    const { give, fired } = scheduled({ misfire: 'all' });
    give(put({ misfire: 'all', isPaused: true }));
    expect(reasonOf(give(due([1])).answers[0])?.code).toBe('wrong_state');
    give(put({ misfire: 'all' }, startMs + 5_000));
    expect(fired(due([3, 4, 5, 6]))).toEqual([6]);
  });
});

test('another rhythm is due from when it was put; never before what was decided', () => {
  const { give, fired, row } = scheduled({ misfire: 'all' });
  fired(due([9]));
  give(put({ misfire: 'all', everyMs: 3_000 }, startMs + 5_000)); // the wall clock was set back
  expect(row()?.lastDueMs).toBe(startMs + 9_000);
  give(put({ misfire: 'all', everyMs: 4_000 }, startMs + 20_000));
  expect(fired(due([12, 16, 20, 24]))).toEqual([24]);
});

describe('a run by hand', () => {
  const run: Command = { kind: 'RunSchedule', scheduleId: 'count', actor: 'ann' };
  test('leaves due times as they are, and answers with the task', () => {
    const { give, fired, row } = scheduled({ isPaused: false });
    expect(give(run).answers[0]).toMatchObject({ ok: true, value: { answers: [{ ok: true, taskId: 1 }] } });
    expect(row()).toMatchObject({ fired: 0, lastTaskId: 1, lastDueMs: startMs });
    expect(fired(due([1]))).toEqual([1]);
  });
  test('is refused where the last one runs and runs must not overlap', () => {
    const { give } = scheduled({ overlap: 'skip' });
    give(run);
    expect(reasonOf(give(run).answers[0])).toMatchObject({ code: 'wrong_state' });
  });
  test('cancels the last one where runs replace each other', () => {
    const { core, give } = scheduled({ overlap: 'replace' });
    give(run);
    expect(give(run).ended).toMatchObject([{ taskId: 1, state: 'cancelled' }]);
    expect(core.state.tasks.size).toBe(1);
  });
});

describe('a task that cannot be taken in', () => {
  test('for good: the due time is passed over, and says why', () => {
    const { give, fired, row } = scheduled({ task: { work, queue: 'default' } });
    give({ kind: 'PutQueue', queue: 'gone' as never, change: {}, actor: 'ann' });
    give(put({ task: { work, queue: 'gone' } }));
    give({ kind: 'RemoveQueue', queue: 'gone' as never, actor: 'ann' });
    expect(fired(due([1]))).toEqual([]);
    expect(row()?.lastSkip).toMatchObject({
      reason: 'refused',
      message: expect.stringContaining('gone') as string,
    });
  });
  test('for now: the due time stays open', () => {
    const { core, give, fired } = scheduled();
    Object.defineProperty(core.state.tasks, 'bytes', { get: () => 1e12, configurable: true });
    expect(reasonOf(give(due([1])).answers[0])?.retryAfterMs).toBeGreaterThan(0);
    Object.defineProperty(core.state.tasks, 'bytes', { get: () => 0, configurable: true });
    expect(fired(due([1]))).toEqual([1]);
  });
});

describe('is refused', () => {
  test.each([
    ['unknown_queue', 'task.queue', put({ task: { work, queue: 'nowhere' } })],
    ['unknown_calendar', 'calendar.name', put({ calendar: { name: 'none', rule: 'skip' } })],
    [
      'too_large',
      'task',
      put({ task: { work: { kind: 'command', argv: ['x'.repeat(16_000), 'y'.repeat(16_000)] } } }),
    ],
    ['unknown_schedule', 'scheduleId', { kind: 'RemoveSchedule', scheduleId: 'none', actor: 'ann' } as const],
    ['unknown_schedule', 'scheduleId', { kind: 'RunSchedule', scheduleId: 'none', actor: 'ann' } as const],
    ['unknown_calendar', 'calendar', { kind: 'RemoveCalendar', calendar: 'none', actor: 'ann' } as const],
  ])('%s at %s', (code, field, command) => {
    expect(reasonOf(startedCore().give(command).answers[0])).toMatchObject({ code, field });
  });

  test('a calendar that a schedule names stays, and its dates can change', () => {
    const { core, give } = startedCore();
    const dates = ['2026-12-25'];
    const calendar = {
      kind: 'PutCalendar',
      calendar: 'plant',
      dates,
      atMs: ms(startMs),
      actor: 'ann',
    } as const;
    give(calendar);
    give(put({ calendar: { name: 'plant', rule: 'skip' } }));
    const remove = { kind: 'RemoveCalendar', calendar: 'plant', actor: 'ann' } as const;
    expect(reasonOf(give(remove).answers[0])).toMatchObject({ code: 'wrong_state' });
    give({ ...calendar, dates: ['2026-12-25', '2027-01-01'], atMs: ms(startMs + 60_000) });
    expect(core.view().schedule('count')?.lastDueMs).toBe(startMs + 60_000);
    expect(core.view().calendars()).toEqual([
      { calendar: 'plant', dates: 2, firstDate: '2026-12-25', lastDate: '2027-01-01', schedules: 1 },
    ]);
    give({ kind: 'RemoveSchedule', scheduleId: 'count', actor: 'ann' });
    expect(give(remove).answers[0]?.ok).toBe(true);
    expect(core.digest()).not.toContain('schedules');
  });

  test.each([
    { task: { work, key: 'once' } },
    { task: { work, notBeforeMs: startMs } },
    { task: { work, deadlineMs: startMs } },
    {
      task: {
        work,
        labels: Object.fromEntries(Array.from({ length: labelsMax - 1 }, (_, i) => [`l${i}`, 'v'])),
      },
    },
    { task: { work }, misfireMax: 0 },
    { task: { work }, misfireMax: 1_001 },
    { task: { work, priority: -1 } },
    {},
  ])('a schedule whose task or bounds no run could have: %#', (more) => {
    expect(v.safeParse(scheduleSpecSchema, { everyMs, ...more }).success).toBe(false);
  });
});
