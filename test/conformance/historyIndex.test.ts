// The index of history over several segments: what it finds, counts and groups equals a plain search, whatever came
// late, was replaced or has gone since it was built.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { missedKey } from '../../scheduler/history/facets.ts';
import { ms, nodeId, queueName, taskId } from '../../scheduler/protocol/brands.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import { type Grouping, groupings, type TaskFilter } from '../../scheduler/protocol/view.ts';
import {
  arrayId,
  idsOf,
  indexed,
  matches,
  newFolder,
  opened,
  segmentRows,
  startMs,
  task,
  tasks,
} from './historyStage.ts';

const hourMs = 3_600_000;
const at = (id: number) => ms(startMs + id * 1_000);

const filters: readonly TaskFilter[] = [
  { states: ['dead_letter'], queue: queueName('queue-4') },
  { nodeId: nodeId('N7'), tenant: 'tenant-1' },
  { queue: queueName('queue-4'), nodeId: nodeId('N7') },
  { queue: queueName('there-is-none') },
  { labels: { part: 'P17' } },
  { labels: { part: 'P17', shift: 'early' } },
  { labels: { part: 'P18', shift: 'early' }, queue: queueName('queue-2') },
  { labels: { part: 'absent' } },
  { text: 'NEEDLE' },
  { text: '焊接', tenant: 'tenant-2' },
  { text: 'job=1634' },
  { text: 'p399', labels: { shift: 'late' } },
  { text: 'no such words' },
  { sinceMs: at(16_000), untilMs: at(17_000), states: ['cancelled'] },
  { sinceMs: at(16_380), untilMs: at(16_390) },
  { untilMs: at(100), tenant: 'tenant-0' },
  { groupId: arrayId },
  { groupId: arrayId, states: ['dead_letter'], text: 'seam-3' },
  { groupId: taskId(arrayId + 1) },
  { missedDeadline: true },
  { missedDeadline: true, tenant: 'tenant-2', states: ['cancelled'] },
  { missedDeadline: true, groupId: arrayId },
];

const keyOf: Readonly<Record<Grouping, (record: TaskRecord) => string>> = {
  state: (record) => record.state,
  queue: (record) => record.spec.queue,
  tenant: (record) => record.spec.tenant,
  node: (record) => record.attempts[0]?.nodeId ?? '',
  kind: (record) => record.spec.work.kind,
  hour: (record) => new Date(record.submittedAtMs).toISOString().slice(0, 13),
  day: (record) => new Date(record.submittedAtMs).toISOString().slice(0, 10),
};

function groupsOf(records: readonly TaskRecord[], by: Grouping): Map<string, number> {
  const counts = new Map<string, number>();
  for (const record of records) counts.set(keyOf[by](record), (counts.get(keyOf[by](record)) ?? 0) + 1);
  return counts;
}

/** A budget that no question spends: all is counted. */
const patient = { budgetMs: 60_000 };

describe('over three segments, with late, replaced and requeued tasks', () => {
  test('pages, counts and groups equal a plain search', async () => {
    const history = await opened(newFolder(), patient);
    const last = 2 * segmentRows + 3_000;
    const isLate = (id: number): boolean => id % 1_000 === 3;
    const all = new Map(tasks(1, last).map((record) => [record.taskId, record]));
    history.recordEnded(
      1,
      [...all.values()].filter(({ taskId: id }) => !isLate(id)),
    );
    // A newer segment, so that the one before it need not wait to be full.
    history.recordEnded(2, [task(6 * segmentRows)]);
    all.set(taskId(6 * segmentRows), task(6 * segmentRows));
    await indexed(history, 1);
    history.recordEnded(
      3,
      [...all.values()].filter(({ taskId: id }) => isLate(id)),
    );
    for (const id of [100, 20_000]) {
      history.forget(4, taskId(id));
      all.delete(taskId(id));
    }
    const replaced = task(20_017, { queue: queueName('queue-4'), labels: { part: 'P17', shift: 'early' } });
    history.recordEnded(5, [replaced]);
    all.set(replaced.taskId, replaced);
    expect(history.stats().unindexed).toBeLessThan(100);

    for (const filter of filters) {
      const found = [...all.values()].filter((record) => matches(filter, record));
      const name = JSON.stringify(filter);
      const ids = found.map((record) => record.taskId).sort((a, b) => b - a);
      expect((await idsOf(history, filter)).ids, name).toEqual(ids);
      expect(await history.count(filter), name).toEqual({ total: ids.length, isEstimate: false });
    }
    const grouped = [
      {},
      { states: ['dead_letter', 'cancelled'] },
      { queue: queueName('queue-4') },
      { tenant: 'tenant-2', states: ['succeeded'] },
      { nodeId: nodeId('N7') },
      { labels: { part: 'P17' } },
      { text: 'needle' },
      { sinceMs: ms(startMs + 2 * hourMs), untilMs: ms(startMs + 7 * hourMs), queue: queueName('queue-1') },
      { sinceMs: at(5_000), untilMs: at(20_000), tenant: 'tenant-1' },
      { groupId: arrayId, states: ['succeeded'] },
      { missedDeadline: true },
    ] as const satisfies readonly TaskFilter[];
    for (const filter of grouped)
      for (const by of groupings) {
        const counts = groupsOf(
          [...all.values()].filter((record) => matches(filter, record)),
          by,
        );
        const groups = await history.groups(filter, by);
        const name = `${JSON.stringify(filter)} by ${by}`;
        expect(new Map(groups.groups.map(({ key, tasks: n }) => [key, n])), name).toEqual(counts);
        const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
        expect({ ...groups, groups: [] }, name).toEqual({ groups: [], total, beyond: 0, isEstimate: false });
      }
  });

  test('largest groups come first, hours oldest first', async () => {
    const history = await opened(newFolder());
    history.recordEnded(1, tasks(1, 10_000));
    const states = await history.groups({}, 'state');
    expect(states.groups.map(({ key }) => key)).toEqual(['succeeded', 'dead_letter', 'cancelled']);
    const hours = await history.groups({}, 'hour');
    expect(hours.groups.map(({ key }) => key)).toEqual(['2026-01-01T00', '2026-01-01T01', '2026-01-01T02']);
  });
});

describe('a question that takes too long', () => {
  test('stops, says after how many tasks, and goes on where it stopped, with nothing lost', async () => {
    const folder = newFolder();
    const history = await opened(folder, { budgetMs: 0 });
    const last = 3 * segmentRows;
    history.recordEnded(1, tasks(1, last));
    const { ids, stops } = await idsOf(history, { text: 'needle' }, 3);
    expect(ids).toEqual(
      tasks(1, last)
        .filter((record) => matches({ text: 'needle' }, record))
        .map((record) => record.taskId)
        .reverse(),
    );
    expect(stops).toBeGreaterThanOrEqual(3);
    const page = await history.list({ text: 'no such words' }, undefined, 50);
    expect(page).toMatchObject({ rows: [] });
    expect(page.looked).toBeGreaterThan(0);
    // Labels are in no sums: what was looked at speaks for the rest, and that is said.
    const estimate = await history.count({ labels: { shift: 'early' } });
    expect(estimate.isEstimate).toBe(true);
    expect(Math.abs(estimate.total - last / 2)).toBeLessThan(last / 50);
  });
});

describe('the index', () => {
  test('goes on where a restart cut it, and needs no second copy of the records', async () => {
    const folder = newFolder();
    const first = await opened(folder);
    first.recordEnded(1, tasks(1, 2 * segmentRows));
    await first.flushed();
    await first.close();
    const history = await opened(folder, patient);
    await indexed(history, segmentRows);
    expect(await history.get(taskId(20_000))).toEqual(task(20_000));
    expect((await idsOf(history, { text: 'needle' })).ids).toEqual([
      30_007, 25_007, 20_007, 15_007, 10_007, 5_007, 7,
    ]);
  });
});

test('a segment whose index is of an older version still tells who missed a deadline', async () => {
  const folder = newFolder();
  const first = await opened(folder, patient);
  first.recordEnded(1, [...tasks(1, segmentRows - 1), task(6 * segmentRows)]);
  await indexed(first, 1);
  await first.close();
  const database = new DatabaseSync(join(folder, 'history.db'));
  const { changes } = database.prepare('DELETE FROM posting WHERE key = ?').run(missedKey);
  expect(Number(changes)).toBeGreaterThan(0);
  database.close();
  const history = await opened(folder, patient);
  const filter = { missedDeadline: true } as const;
  const late = tasks(1, segmentRows - 1).filter((record) => matches(filter, record));
  expect(late.length).toBeGreaterThan(100);
  expect((await idsOf(history, filter)).ids).toEqual(late.map((record) => record.taskId).reverse());
  expect(await history.count(filter)).toEqual({ total: late.length, isEstimate: false });
});
