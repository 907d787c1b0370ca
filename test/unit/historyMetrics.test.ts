// Metrics over time: from samples to traces, through steps that grow coarser, nodes that come and go, and restarts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { NodeTable } from '../../scheduler/core/state/nodeTable.ts';
import { metricLevels, type MetricSample, type Seat } from '../../scheduler/history/metricMessages.ts';
import { MetricSampler } from '../../scheduler/history/metricSampler.ts';
import { traceOf } from '../../scheduler/history/metricTrace.ts';
import { MetricWriter } from '../../scheduler/history/metricWriter.ts';
import { historyApplicationId, historyMigrations } from '../../scheduler/history/schema.ts';
import { ms, nodeId, queueName, taskId, token } from '../../scheduler/protocol/brands.ts';
import type { SchedulerView } from '../../scheduler/protocol/view.ts';
import type { Database } from '../../scheduler/sqlite/driver.ts';
import { openDatabase } from '../../scheduler/sqlite/open.ts';
import { seat, use } from './fleetStage.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-metrics-'));
const opened: Database[] = [];
afterAll(() => {
  for (const database of opened) database.close();
  rmSync(folder, { recursive: true, force: true });
});

const minute = 60_000;
/** A full hour, so that all steps begin together. */
const startMs = 1_750_003_200_000;

function open(name = `${opened.length}.db`): Database {
  const database = openDatabase({
    path: join(folder, name),
    applicationId: historyApplicationId,
    migrations: historyMigrations,
    synchronous: 'NORMAL',
  });
  if (!database.ok) throw new Error(database.reason.message);
  opened.push(database.value);
  return database.value;
}

const sits = (row: number, id: string, line = 'L1', isSimulated = false): Seat => ({
  row,
  node: { nodeId: nodeId(id), area: 'A', line, isSimulated },
});

function sampleOf(atMs: number, bytes: readonly number[], more: Partial<MetricSample> = {}): MetricSample {
  const all = Uint8Array.from(bytes);
  const nodes = { cpuUsed: all, memoryUsed: all, cpuAllocated: all, tasks: all };
  return { atMs: ms(atMs), nodes, seats: [], isFirst: false, queues: [], ...more };
}

const first = (seats: readonly Seat[]) => ({ seats, isFirst: true });
function lastOf(database: Database, name: string, nowMs: number, more: object = {}) {
  const ask = { scope: 'node', name, metric: 'tasks', range: '1h', nowMs: ms(nowMs), ...more } as const;
  const { mean, max } = traceOf(database, ask);
  return [mean.at(-1), max.at(-1)];
}

test('a step is the mean of its samples beside their maximum, and shows while it is under way', () => {
  const database = open();
  const writer = new MetricWriter(database);
  writer.add(sampleOf(startMs, [10, 255], first([sits(0, 'n1'), sits(1, 'n2')])));
  writer.add(sampleOf(startMs + 10_000, [40, 255]));
  writer.add(sampleOf(startMs + 20_000, [255, 255]));
  expect(lastOf(database, 'n1', startMs + 20_000)).toEqual([25, 40]);
  expect(lastOf(database, 'n2', startMs + 20_000)).toEqual([null, null]);
  expect(lastOf(database, 'nobody', startMs + 20_000)).toEqual([null, null]);
});

test('traces have evenly spaced points, oldest first, with gaps where nothing was measured', () => {
  const database = open();
  const writer = new MetricWriter(database);
  writer.add(sampleOf(startMs, [1], first([sits(0, 'n1')])));
  writer.add(sampleOf(startMs + 2 * minute, [3]));
  const ask = {
    scope: 'node',
    name: 'n1',
    metric: 'tasks',
    range: '1h',
    nowMs: ms(startMs + 3 * minute),
  } as const;
  const trace = traceOf(database, ask);
  expect(trace).toMatchObject({ stepMs: minute, startMs: startMs - 56 * minute });
  expect(trace.mean).toHaveLength(60);
  expect(trace.mean.slice(-5)).toEqual([null, 1, null, 3, null]);
});

test('a line is the mean and the maximum over its nodes, by its name or by area and name', () => {
  const database = open();
  const writer = new MetricWriter(database);
  const seats = [sits(0, 'n1'), sits(1, 'n2'), sits(2, 'n3', 'L2')];
  writer.add(sampleOf(startMs, [10, 30, 200], first(seats)));
  expect(lastOf(database, 'L1', startMs, { scope: 'line' })).toEqual([20, 30]);
  expect(lastOf(database, 'A/L1', startMs, { scope: 'line' })).toEqual([20, 30]);
  expect(lastOf(database, 'B/L1', startMs, { scope: 'line' })).toEqual([null, null]);
});

test('finer steps become coarser ones: 8 h and 7 d keep means and peaks after the hour is dropped', () => {
  const database = open();
  const writer = new MetricWriter(database);
  writer.add(sampleOf(startMs, [0], first([sits(0, 'n1')])));
  for (let at = 1; at <= 130; at += 1) writer.add(sampleOf(startMs + at * minute, [at === 7 ? 200 : 10]));
  const nowMs = ms(startMs + 130 * minute);
  const traced = (range: '1h' | '8h' | '7d') =>
    traceOf(database, { scope: 'node', name: 'n1', metric: 'tasks', range, nowMs });
  expect(traced('1h').mean).toEqual(Array.from({ length: 60 }, () => 10));
  expect(traced('8h').mean.slice(-27)).toEqual([8, 48, ...Array.from({ length: 25 }, () => 10)]);
  expect(traced('8h').max.slice(-27, -24)).toEqual([10, 200, 10]);
  expect(traced('7d').mean.slice(-5)).toEqual([16, 10, 10, 10, 10]);
  expect(traced('7d').max.slice(-5)).toEqual([200, 10, 10, 10, 10]);
  const rows = database.prepare('SELECT level, count(*) AS n FROM metric_block GROUP BY level').all();
  const blocks = rows.map((row) => Number(row['n']) / 8);
  expect(blocks).toEqual([62, 26, 4]);
});

test('storage is bounded: a month of samples holds no more than each level keeps', () => {
  const database = open();
  const writer = new MetricWriter(database);
  for (let at = 0; at < 30 * 24 * 4; at += 1)
    writer.add(sampleOf(startMs + at * 15 * minute, [1], at === 0 ? first([sits(0, 'n1')]) : {}));
  for (const [level, { stepMs, keepMs }] of metricLevels.entries()) {
    const [row] = database.prepare('SELECT count(*) AS n FROM metric_block WHERE level = ?').all(level);
    expect(Number(row?.['n']) / 8).toBeLessThanOrEqual(keepMs / stepMs + 2);
  }
});

test('a row that another node takes tells nothing of the first one, and the other way round', () => {
  const database = open();
  const writer = new MetricWriter(database);
  writer.add(sampleOf(startMs, [10], first([sits(0, 'old')])));
  writer.add(sampleOf(startMs + minute, [10]));
  writer.add(sampleOf(startMs + minute + 30_000, [90], { seats: [sits(0, 'new')] }));
  writer.add(sampleOf(startMs + 2 * minute, [70]));
  const nowMs = ms(startMs + 2 * minute);
  const traced = (name: string) =>
    traceOf(database, { scope: 'node', name, metric: 'tasks', range: '1h', nowMs }).mean.slice(-3);
  expect(traced('old')).toEqual([10, null, null]);
  expect(traced('new')).toEqual([null, 90, 70]);
});

test('after a restart rows may be others: each node keeps its own past, and goes on in its new row', () => {
  const database = open('restart.db');
  const before = new MetricWriter(database);
  before.add(sampleOf(startMs, [10, 20], first([sits(0, 'n1'), sits(1, 'n2')])));
  const after = new MetricWriter(database);
  after.add(sampleOf(startMs + minute, [21, 11, 31], first([sits(0, 'n2'), sits(1, 'n1'), sits(2, 'n3')])));
  const nowMs = ms(startMs + minute);
  const traced = (name: string) =>
    traceOf(database, { scope: 'node', name, metric: 'tasks', range: '1h', nowMs }).mean.slice(-2);
  expect([traced('n1'), traced('n2'), traced('n3')]).toEqual([
    [10, 11],
    [20, 21],
    [null, 31],
  ]);
});

test('a node that is gone when the host comes back has left its row', () => {
  const database = open();
  new MetricWriter(database).add(sampleOf(startMs, [10], first([sits(0, 'n1')])));
  new MetricWriter(database).add(sampleOf(startMs + minute, [99], first([])));
  expect(lastOf(database, 'n1', startMs + minute)).toEqual([null, null]);
});

test('the simulated plant leaves no row: neither who sat there nor what was measured can be asked for', () => {
  const database = open();
  const writer = new MetricWriter(database);
  const seats = [sits(0, 'real'), sits(1, 'sim', 'L9', true)];
  writer.add(sampleOf(startMs, [10, 20], first(seats)));
  writer.forgetSimulated();
  writer.add(sampleOf(startMs + 10_000, [10], { seats: [{ row: 1 }] }));
  expect(lastOf(database, 'sim', startMs)).toEqual([null, null]);
  expect(lastOf(database, 'L9', startMs, { scope: 'line' })).toEqual([null, null]);
  expect(lastOf(database, 'real', startMs)).toEqual([10, 10]);
});

test('queues have their own metrics, as exact numbers, also for one that comes later', () => {
  const database = open();
  const writer = new MetricWriter(database);
  const queue = (name: string, waiting: number) => ({
    queue: queueName(name),
    waiting,
    active: 1,
    oldestWaitS: 2.5,
    startedPerS: 0.1,
  });
  writer.add(sampleOf(startMs, [], { queues: [queue('q1', 100_000)], isFirst: true }));
  writer.add(sampleOf(startMs + 10_000, [], { queues: [queue('q1', 300_000), queue('q2', 7)] }));
  const queueTrace = { scope: 'queue', metric: 'waiting' };
  expect(lastOf(database, 'q1', startMs, queueTrace)).toEqual([200_000, 300_000]);
  expect(lastOf(database, 'q2', startMs, queueTrace)).toEqual([7, 7]);
  expect(lastOf(database, 'q2', startMs, { scope: 'queue', metric: 'oldestWaitS' })).toEqual([2.5, 2.5]);
});

test('a sample reads the columns and names only what changed since the last one', () => {
  const table = new NodeTable();
  use(table, seat(table, { id: 'n1', kinds: ['command'] }), { cpuUsed: 2_000, tasks: 2 });
  const gone = seat(table, { id: 'n2' });
  const queues = [
    { queue: 'q', ready: 1, backlog: 2, blocked: 3, backoff: 4, active: 5, oldestSubmittedAtMs: startMs },
  ];
  const view = { fleetColumns: () => table, queues: () => queues, queueOf: () => 'q' };
  const sampler = new MetricSampler(view as unknown as SchedulerView, ms(startMs));
  const placed = { taskId: taskId(1), token: token(1), nodeId: nodeId('n1'), gpuMask: 0 };
  sampler.onBatch({ sequence: 1, atMs: ms(startMs), events: [{ kind: 'attempt_placed', ...placed }] });
  const sample = sampler.sample(ms(startMs + 10_000));
  expect(sample.nodes.cpuUsed).toEqual(Uint8Array.of(127, 255));
  expect(sample.nodes.tasks).toEqual(Uint8Array.of(2, 0));
  expect(sample.isFirst).toBe(true);
  expect(sample.seats.map(({ node }) => [node?.nodeId, node?.isSimulated])).toEqual([
    ['n1', false],
    ['n2', true],
  ]);
  expect(sample.queues).toEqual([{ queue: 'q', waiting: 10, active: 5, oldestWaitS: 10, startedPerS: 0.1 }]);
  table.remove(gone);
  const next = sampler.sample(ms(startMs + 20_000));
  expect(next).toMatchObject({ isFirst: false, seats: [{ row: 1 }] });
  expect(next.queues[0]?.startedPerS).toBe(0);
});
