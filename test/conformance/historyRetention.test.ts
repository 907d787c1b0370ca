// What history lets go of: bounds by number, age, bytes of the file and bytes of output hold, and counts stay right.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { ArrivedPiece, History } from '../../scheduler/history/store.ts';
import { ms, taskId, token } from '../../scheduler/protocol/brands.ts';
import { groupings } from '../../scheduler/protocol/view.ts';
import {
  idsOf,
  indexed,
  newFolder,
  opened,
  retained,
  segmentRows,
  startMs,
  task,
  tasks,
} from './historyStage.ts';

const noBound = { tasksMax: 100_000_000, logBytesMax: Number.MAX_SAFE_INTEGER };
const dayMs = 24 * 3_600_000;
const patient = { budgetMs: 60_000 };

const output = (id: number, bytes: number): ArrivedPiece => ({
  token: token(id),
  taskId: taskId(id),
  stream: 'stdout',
  offset: 0,
  bytes,
  text: 'y'.repeat(bytes),
  atMs: ms(startMs),
});

/** Sums from the tallies equal what a walk over the tasks finds. */
async function countsEqualRecount(history: History): Promise<void> {
  const { ids } = await idsOf(history, {});
  const left = ids.map((id) => task(id));
  expect(history.stats().tasks).toBe(left.length);
  expect(await history.count({})).toEqual({ total: left.length, isEstimate: false });
  for (const queue of new Set(left.map(({ spec }) => spec.queue))) {
    const total = left.filter(({ spec }) => spec.queue === queue).length;
    expect(await history.count({ queue })).toEqual({ total, isEstimate: false });
    const part = left.filter(({ spec }) => spec.queue === queue && spec.labels['shift'] === 'early').length;
    expect(await history.count({ queue, labels: { shift: 'early' } })).toEqual({
      total: part,
      isEstimate: false,
    });
  }
  for (const by of groupings) {
    const { groups, total } = await history.groups({}, by);
    expect(total, by).toBe(left.length);
    expect(
      groups.reduce((sum, group) => sum + group.tasks, 0),
      by,
    ).toBe(left.length);
    expect(
      groups.every((group) => group.tasks > 0),
      by,
    ).toBe(true);
  }
}

test('the oldest tasks go with their output, then the oldest output', async () => {
  const history = await opened(newFolder());
  history.recordEnded(1, tasks(1, 1_700));
  await history.appendLog([output(5, 100), output(1_650, 100), output(1_660, 100), output(1_670, 100)]);
  expect(await retained(history, { ...noBound, tasksMax: 1_000 })).toEqual({ tasks: 700, pieces: 0 });
  expect((await idsOf(history, {})).ids.at(-1)).toBe(701);
  expect(history.stats().logBytes).toBe(300);
  expect(await retained(history, { tasksMax: 1_000, logBytesMax: 150 })).toEqual({ tasks: 0, pieces: 2 });
  expect(history.stats().logBytes).toBe(100);
  expect((await history.readLog(token(1_670), 0, 5)).pieces).toHaveLength(1);
  await countsEqualRecount(history);
});

test('over segments with an index, counts and groups equal a recount, and its index goes too', async () => {
  const folder = newFolder();
  const history = await opened(folder, patient);
  history.recordEnded(1, tasks(1, 2 * segmentRows + 5_000));
  await indexed(history, segmentRows + 5_000);
  const bounds = { ...noBound, tasksMax: segmentRows };
  const first = await history.retain(bounds, ms(startMs));
  expect(first.isDone).toBe(false);
  expect(first.tasksDropped).toBeLessThanOrEqual(500);
  const { tasks: dropped } = await retained(history, bounds);
  expect(first.tasksDropped + dropped).toBe(segmentRows + 5_000);
  await countsEqualRecount(history);
  expect((await idsOf(history, { text: 'needle' })).ids).toEqual([35_007, 30_007, 25_007]);
  await history.close();
  const database = new DatabaseSync(join(folder, 'history.db'), { readOnly: true });
  const one = (sql: string): unknown => Object.values(database.prepare(sql).get() ?? {})[0];
  expect(one('SELECT count(*) FROM segment')).toBe(2);
  expect(one('SELECT count(*) FROM posting WHERE build NOT IN (SELECT build FROM segment)')).toBe(0);
  expect(one('SELECT count(*) FROM ended')).toBe(segmentRows);
  database.close();
});

test('tasks go by the age of their end: one that was submitted early and ended late stays', async () => {
  const history = await opened(newFolder());
  const all = tasks(1, 900);
  const long = { ...task(10), endedAtMs: ms(startMs + 3 * dayMs) };
  history.recordEnded(1, [...all.filter((record) => record.taskId !== 10), long]);
  await history.flushed();
  const nowMs = startMs + 2 * dayMs + 600_000;
  expect(await retained(history, { ...noBound, daysMax: 2 }, nowMs)).toMatchObject({ tasks: 598 });
  expect((await idsOf(history, {})).ids.at(-1)).toBe(10);
  expect(await history.oldestEndedMs()).toBe(task(600).endedAtMs ?? 0);
  expect(await retained(history, { ...noBound, daysMax: 2 }, nowMs)).toMatchObject({ tasks: 0 });
});

test('the file stays below its bound, and gives its space back', async () => {
  const folder = newFolder();
  const history = await opened(folder, patient);
  const argv = ['weld', 'x'.repeat(4_000)];
  const large = (id: number) => task(id, { work: { kind: 'command', argv, shell: false, env: {} } });
  history.recordEnded(
    1,
    Array.from({ length: 6_000 }, (_, place) => large(place + 1)),
  );
  await history.flushed();
  const bytesBefore =
    statSync(join(folder, 'history.db')).size + statSync(join(folder, 'history.db-wal')).size;
  expect(bytesBefore).toBeGreaterThan(40_000_000);
  const { tasks: dropped } = await retained(history, { ...noBound, historyBytesMax: 20_000_000 });
  expect(dropped).toBeGreaterThan(2_000);
  expect(dropped).toBeLessThan(6_000);
  expect((await history.count({})).total).toBe(6_000 - dropped);
  await history.close();
  // What was free and what is kept free for new rows, 8 MB, may be on top.
  expect(statSync(join(folder, 'history.db')).size).toBeLessThan(29_000_000);
});
