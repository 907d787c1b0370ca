// A history.db of the version before: it opens at once, is read while its rows are moved, and is whole afterwards.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { historyApplicationId, historyMigrations } from '../../scheduler/history/schema.ts';
import { ms, queueName, taskId, token } from '../../scheduler/protocol/brands.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import { idsOf, indexed, newFolder, opened, retained, startMs, task, tasks } from './historyStage.ts';

const last = 4_000;
/** As it was stored: without a tenant. */
const withoutTenant = (record: TaskRecord): object => ({
  ...record,
  spec: Object.fromEntries(Object.entries(record.spec).filter(([field]) => field !== 'tenant')),
});
const upgraded = (record: TaskRecord): TaskRecord => ({
  ...record,
  spec: { ...record.spec, tenant: 'default' },
});

function oldFile(folder: string): void {
  const database = new DatabaseSync(join(folder, 'history.db'));
  database.exec(`PRAGMA application_id = ${historyApplicationId}`);
  for (const script of historyMigrations.slice(0, 2)) database.exec(script);
  database.exec('PRAGMA user_version = 2; BEGIN');
  const put = database.prepare('INSERT INTO task VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, 0)');
  const tally = database.prepare('INSERT INTO tally VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1');
  const minute = database.prepare(
    'INSERT INTO ended_minute VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1',
  );
  for (const record of tasks(1, last)) {
    const { taskId: id, state, spec, submittedAtMs, endedAtMs = submittedAtMs, attempts } = record;
    const node = attempts[0]?.nodeId ?? null;
    put.run(id, state, spec.queue, node, submittedAtMs, endedAtMs, '', JSON.stringify(withoutTenant(record)));
    tally.run(spec.queue, state);
    minute.run(Math.floor(endedAtMs / 60_000), state);
  }
  database.exec(`UPDATE meta SET number = 1 WHERE key = 'cursor'`);
  database.exec(`INSERT INTO log_piece VALUES (5, 1, 'stdout', 0, 3, ${startMs}, NULL, 'old')`);
  database.exec('COMMIT; PRAGMA journal_mode = WAL');
  database.close();
}

test('a file of version 2 is read from the start, moved in the background, and then counts as a new one', async () => {
  const folder = newFolder();
  oldFile(folder);
  const history = await opened(folder, { budgetMs: 60_000 });
  expect(history.cursor).toBe(1);
  expect(history.stats().tasks).toBe(last);
  const all = tasks(1, last).map(upgraded);
  expect(await history.get(taskId(17))).toEqual(upgraded(task(17)));
  history.recordEnded(2, [task(last + 1), task(18, { queue: queueName('queue-8') })]);
  const filter = { queue: queueName('queue-7'), labels: { shift: 'early' } };
  const early = all.filter(
    ({ spec, taskId: id }) => spec.queue === filter.queue && id % 2 === 0 && id !== 18,
  );
  // Also while rows are still moved.
  const expected = early.map(({ taskId: id }) => id).reverse();
  expect((await idsOf(history, filter)).ids).toEqual(expected);
  expect(await history.count(filter)).toEqual({ total: expected.length, isEstimate: false });
  await indexed(history, last + 1);
  await retained(history, { tasksMax: 100_000_000, logBytesMax: 1_000_000 });
  expect((await idsOf(history, filter)).ids).toEqual(expected);
  expect(await history.count({})).toEqual({ total: last + 1, isEstimate: false });
  expect(await history.count({ tenant: 'default' })).toEqual({ total: last - 1, isEstimate: false });
  const minutes = await history.endedPerMinute(ms(startMs), ms(startMs + 3_600_000 * 2));
  expect(
    minutes.reduce(
      (n, { succeeded, deadLettered, cancelled }) => n + succeeded + deadLettered + cancelled,
      0,
    ),
  ).toBe(last + 1);
  // Stored before there were checksums: not checked.
  expect((await history.readLog(token(5), 0, 5)).pieces.map(({ text }) => text)).toEqual(['old']);
  await history.close();
  const database = new DatabaseSync(join(folder, 'history.db'), { readOnly: true });
  expect(database.prepare('SELECT count(*) AS n FROM task_v2').get()?.['n']).toBe(0);
  expect(database.prepare('SELECT count(*) AS n FROM ended WHERE crc IS NULL').get()?.['n']).toBe(0);
  database.close();
});
