// Counts over live and ended tasks, and the methods about what is stored.
import { describe, expect, test } from 'vitest';
import type { ConsoleHistory } from '../../scheduler/console/ports.ts';
import { groupsMax } from '../../scheduler/protocol/limits.ts';
import type { TaskFilter, TaskGroups } from '../../scheduler/protocol/view.ts';
import { openConsole, recordOf } from './consoleStage.ts';

const withGroups = (groups: ConsoleHistory['groups']): never =>
  ({ groups, endedPerMinute: () => Promise.resolve([]) }) as never;

describe('countTasks', () => {
  test('adds live and ended tasks of one group, largest first', async () => {
    const stage = openConsole();
    for (const id of [1, 2, 3]) stage.ended.set(id, recordOf(id, 'dead_letter'));
    for (const id of [4, 5]) stage.live.set(id, recordOf(id, 'running'));
    expect(await stage.result('countTasks', { by: 'state' })).toEqual({
      groups: [
        { key: 'dead_letter', tasks: 3 },
        { key: 'running', tasks: 2 },
      ],
      total: 5,
      beyond: 0,
      isEstimate: false,
      asOfMs: 1_000_000,
      tookMs: 0,
    });
    expect(await stage.result('countTasks', { by: 'queue' })).toMatchObject({
      groups: [{ key: 'default', tasks: 5 }],
    });
  });

  test('asks only those that the states leave', async () => {
    const asked: TaskFilter[] = [];
    const groups = (filter: TaskFilter): Promise<TaskGroups> => {
      asked.push(filter);
      return Promise.resolve({ groups: [], total: 0, beyond: 0, isEstimate: true });
    };
    const stage = openConsole({ history: withGroups(groups) });
    stage.live.set(1, recordOf(1, 'ready'));
    const running = { states: ['ready'], tenant: 'a' };
    expect(await stage.result('countTasks', { by: 'state', filter: running })).toMatchObject({ total: 1 });
    expect(asked).toEqual([]);
    const ended = { states: ['cancelled', 'ready'], tenant: 'a', labels: { x: '1' }, untilMs: 5 };
    expect(await stage.result('countTasks', { by: 'state', filter: ended })).toMatchObject({
      total: 1,
      isEstimate: true,
    });
    expect(asked).toEqual([{ ...ended, states: ['cancelled'] }]);
  });

  test('lists at most so many groups, the largest; the rest is counted', async () => {
    const many = Array.from({ length: groupsMax }, (_, at) => ({ key: `k${at}`, tasks: 2 }));
    const found = { groups: many, total: groupsMax * 2 + 7, beyond: 7, isEstimate: false };
    const stage = openConsole({ history: withGroups(() => Promise.resolve(found)) });
    for (const id of [1, 2, 3]) stage.live.set(id, recordOf(id, 'ready'));
    const counted = (await stage.result('countTasks', { by: 'queue' })) as TaskGroups;
    expect(counted.groups).toHaveLength(groupsMax);
    expect(counted.groups[0]).toEqual({ key: 'default', tasks: 3 });
    expect(counted).toMatchObject({ total: groupsMax * 2 + 10, beyond: 9 });
  });

  test('hours and days come in order of time', async () => {
    const groups = [
      { key: '2026-11-22', tasks: 1 },
      { key: '2026-11-23', tasks: 9 },
    ];
    const found = { groups: groups.toReversed(), total: 10, beyond: 0, isEstimate: false };
    const stage = openConsole({ history: withGroups(() => Promise.resolve(found)) });
    expect(await stage.result('countTasks', { by: 'day' })).toMatchObject({ groups });
  });

  test('refuses a property that nothing is counted by, and too many labels', async () => {
    const stage = openConsole();
    expect(await stage.refusal('countTasks', { by: 'colour' })).toMatchObject({ field: 'by' });
    const labels = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, '1']));
    expect(await stage.refusal('countTasks', { by: 'state', filter: { labels } })).toMatchObject({
      field: 'filter.labels',
    });
  });
});

test('a page that stopped at its bound says how many tasks were looked at, unless it is full', async () => {
  const short = { rows: [], nextBefore: 40 as never, looked: 20_000 };
  const stage = openConsole({
    history: {
      list: () => Promise.resolve(short),
      count: () => Promise.resolve({ total: 9, isEstimate: true }),
      endedPerMinute: () => Promise.resolve([]),
    } as never,
  });
  expect(await stage.result('listTasks', { filter: { text: 'x' } })).toMatchObject({
    rows: [],
    nextBefore: 40,
    looked: 20_000,
  });
  for (let id = 50; id < 60; id += 1) stage.live.set(id, recordOf(id, 'ready'));
  expect(await stage.result('listTasks', { limit: 5 })).not.toHaveProperty('looked');
});

test('what is stored goes to its port with the name of who asks', async () => {
  const stage = openConsole();
  expect(await stage.result('getStorage')).toMatchObject({ dataFolder: '/data' });
  expect(await stage.result('startBackup', { folder: '/b' })).toEqual({
    jobId: 1,
    path: '/b',
    actor: 'operator',
  });
  expect(await stage.result('startExport', { format: 'csv' })).toMatchObject({ path: 'csv' });
  expect(await stage.result('cancelJob', { jobId: 7 })).toEqual({ jobId: 7, actor: 'operator' });
  expect(await stage.result('setBackupPlan', {})).toEqual({ everyHours: 24, keep: 7 });
  expect(await stage.refusal('setRetention', { tasksMax: 1, logBytesMax: 0 })).toMatchObject({
    field: 'tasksMax',
  });
});
