// One flipped bit in each kind of record that history stores: it is found when it is read, named, and answered.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { ms, nodeId, queueName, taskId, token } from '../../scheduler/protocol/brands.ts';
import { tracedMetricIds } from '../../scheduler/protocol/fleetFrames.ts';
import type { MetricSample } from '../../scheduler/history/metricMessages.ts';
import { idsOf, indexed, newFolder, opened, segmentRows, startMs, task, tasks } from './historyStage.ts';

/** Flips one bit in the middle of what a statement finds first, in the file of a history that is closed. */
function flip(folder: string, table: string, column: string, where: string): void {
  const database = new DatabaseSync(join(folder, 'history.db'));
  const row = database.prepare(`SELECT rowid AS id, ${column} AS stored FROM ${table} WHERE ${where}`).get();
  const stored = row?.['stored'];
  const id = Number(row?.['id']);
  if (typeof stored === 'number') {
    database.prepare(`UPDATE ${table} SET ${column} = ? WHERE rowid = ?`).run(stored ^ 1, id);
  } else {
    const isText = typeof stored === 'string';
    const bytes = isText ? Buffer.from(stored) : Buffer.from(stored as Uint8Array);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    const changed = isText ? bytes.toString() : bytes;
    database.prepare(`UPDATE ${table} SET ${column} = ? WHERE rowid = ?`).run(changed, id);
  }
  database.close();
}

test('in the record of a task: it stays in lists by its columns, and reading it names it', async () => {
  const folder = newFolder();
  const first = await opened(folder);
  first.recordEnded(1, tasks(1, 30));
  await first.close();
  flip(folder, 'record', 'body', 'task_id = 17');
  const history = await opened(folder);
  await expect(history.get(taskId(17))).rejects.toThrow(/record of task T-H is damaged.*restore a backup/);
  expect(await history.get(taskId(18))).toEqual(task(18));
  const { rows } = await history.list({ queue: queueName('queue-6') }, undefined, 10);
  expect(rows.map((row) => row.taskId)).toEqual([28, 17, 6]);
  expect(rows[1]).toMatchObject({
    queue: 'queue-6',
    tenant: 'tenant-2',
    nodeId: 'N17',
    state: task(17).state,
  });
  expect(rows[1]?.reason).toContain('T-H is damaged');
});

test('in the columns of a task: reading it names it', async () => {
  const folder = newFolder();
  const first = await opened(folder);
  first.recordEnded(1, tasks(1, 30));
  await first.close();
  flip(folder, 'ended', 'submitted_ms', 'task_id = 17');
  const history = await opened(folder);
  await expect(history.get(taskId(17))).rejects.toThrow('record of task T-H is damaged');
});

test('in a block of records: what cannot be read is named, all others are as they were', async () => {
  const folder = newFolder();
  const first = await opened(folder);
  first.recordEnded(1, tasks(1, segmentRows + 10));
  await indexed(first, 11);
  await first.close();
  // What is in blocks is cleared from the table of loose records, here all at once.
  const database = new DatabaseSync(join(folder, 'history.db'));
  database.exec(`DELETE FROM record WHERE task_id < ${segmentRows}`);
  database.close();
  flip(folder, 'block', 'body', 'id % 256 = 3');
  const history = await opened(folder);
  let damaged = 0;
  for (let id = 3 * 64; id < 4 * 64; id += 1) {
    const found = await history.get(taskId(id)).catch((error: unknown) => String(error));
    // None is given changed.
    if (typeof found === 'string') expect(found).toMatch(/record of task T-[0-9A-Z]+ is damaged/);
    else expect(found).toEqual(task(id));
    damaged += typeof found === 'string' ? 1 : 0;
  }
  expect(damaged).toBeGreaterThan(0);
  expect(await history.get(taskId(2 * 64))).toEqual(task(2 * 64));
  expect(await history.get(taskId(4 * 64))).toEqual(task(4 * 64));
  const { ids } = await idsOf(history, { nodeId: nodeId('N3'), queue: queueName('queue-4') });
  expect(ids).toEqual(
    tasks(1, segmentRows + 10)
      .filter(({ taskId: id }) => id % 23 === 3 && id % 11 === 4)
      .map(({ taskId: id }) => id)
      .reverse(),
  );
});

test('in a piece of output: a line that names it stands in its place', async () => {
  const folder = newFolder();
  const first = await opened(folder);
  const piece = {
    token: token(9),
    taskId: taskId(3),
    stream: 'stdout',
    bytes: 6,
    atMs: ms(startMs),
  } as const;
  await first.appendLog([
    { ...piece, offset: 0, text: 'first\n' },
    { ...piece, offset: 6, text: 'other\n' },
    { ...piece, offset: 12, text: 'third\n' },
  ]);
  await first.close();
  flip(folder, 'log_piece', 'text', 'token = 9 AND piece = 2');
  const history = await opened(folder);
  const texts = (await history.readLog(token(9), 0, 10)).pieces.map(({ text }) => text);
  expect([texts[0], texts[2]]).toEqual(['first\n', 'third\n']);
  expect(texts[1]).toMatch(/piece 2 of the output of attempt 9 is damaged.*restore a backup/);
});

test('in a block of metrics: its points are left out, and it is named', async () => {
  const folder = newFolder();
  const first = await opened(folder);
  const sample = (atMs: number, isFirst: boolean): MetricSample => ({
    atMs: ms(atMs),
    nodes: Object.fromEntries(
      tracedMetricIds.map((id) => [id, Uint8Array.of(100)]),
    ) as unknown as MetricSample['nodes'],
    seats: isFirst
      ? [{ row: 0, node: { nodeId: nodeId('N1'), area: 'A', line: 'L', isSimulated: false } }]
      : [],
    isFirst,
    queues: [],
  });
  await first.addMetrics(sample(startMs, true));
  await first.addMetrics(sample(startMs + 60_000, false));
  await first.close();
  const [metric] = tracedMetricIds;
  flip(folder, 'metric_block', 'mean', `level = 0 AND metric = '${metric}' AND at_ms = ${startMs}`);
  const told: string[] = [];
  const history = await opened(folder, { onDamage: (message) => told.push(message) });
  const ask = { scope: 'node', name: 'N1', metric, range: '1h', nowMs: ms(startMs + 60_000) } as const;
  const { mean } = await history.trace(ask);
  expect(mean.at(-2)).toBeNull();
  expect(mean.at(-1)).not.toBeNull();
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(`${metric} of 2026-01-01T00:00:00.000Z`);
});
