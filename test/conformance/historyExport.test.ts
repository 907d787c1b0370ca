// Exports and backups of history: each format read back equals history, one moment of it, while writes go on.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, test } from 'vitest';
import type { History } from '../../scheduler/history/store.ts';
import { queueName, taskId } from '../../scheduler/protocol/brands.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import type { TaskFilter } from '../../scheduler/protocol/view.ts';
import { idsOf, indexed, newFolder, opened, segmentRows, task, tasks } from './historyStage.ts';

const quiet = { onProgress: () => undefined, signal: new AbortController().signal };

const awkward = [
  task(1, { name: 'comma, "quote" and\nline', labels: { note: 'a,"b"', place: '焊接车间' } }),
  task(2, { name: '=cmd|calc', labels: {} }),
  task(3, { name: '-1+1' }),
];
const iso = (atMs: number | undefined): string => (atMs === undefined ? '' : new Date(atMs).toISOString());

/** Cells of a CSV text, as RFC 4180 has them. */
function cellsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    if (end === '' && bare === '' && quoted === undefined) break;
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
    if (end === '\n') rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}

function csvRowOf(record: TaskRecord): string[] {
  const [attempt] = record.attempts;
  const name = /^[=+@-]/.test(record.spec.name) ? `'${record.spec.name}` : record.spec.name;
  const { work } = record.spec;
  return [
    String(record.taskId),
    name,
    work.kind,
    record.spec.queue,
    record.spec.tenant,
    '5',
    record.state,
    'anna',
    iso(record.submittedAtMs),
    iso(attempt?.startedAtMs),
    iso(record.endedAtMs),
    '5',
    String(attempt?.end?.runMs),
    String(attempt?.nodeId),
    '1',
    String(attempt?.end?.exitCode),
    '',
    JSON.stringify(record.spec.labels),
    work.kind === 'command' ? work.argv.join(' ') : '',
  ];
}

async function stored(records: readonly TaskRecord[]): Promise<{ history: History; folder: string }> {
  const folder = newFolder();
  const history = await opened(folder);
  history.recordEnded(1, records);
  await history.flushed();
  return { history, folder };
}

describe('an export', () => {
  test('as CSV, read back, equals history; cells that a spreadsheet would run are made harmless', async () => {
    const { history, folder } = await stored(awkward);
    const path = join(folder, 'tasks.csv');
    const made = await history.exportTo(path, { ...quiet, filter: {}, format: 'csv' });
    expect(made).toEqual({ rows: 3, bytes: statSync(path).size });
    const [header, ...rows] = cellsOf(readFileSync(path, 'utf8'));
    expect(header?.slice(0, 3)).toEqual(['task_id', 'name', 'kind']);
    expect(header).toHaveLength(19);
    expect(rows).toEqual(awkward.map(csvRowOf));
  });

  test('as NDJSON, filtered, has one object a line', async () => {
    const { history, folder } = await stored([...awkward, ...tasks(4, 300)]);
    const path = join(folder, 'tasks.ndjson');
    const filter: TaskFilter = { queue: queueName('queue-2') };
    const { rows } = await history.exportTo(path, { ...quiet, filter, format: 'ndjson' });
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const read = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows).toBe(read.length);
    expect(read.map((row) => row['task_id'])).toEqual((await idsOf(history, filter)).ids.reverse());
    expect(read[0]).toMatchObject({
      name: '=cmd|calc',
      labels: {},
      submitted_at: iso(awkward[1]?.submittedAtMs),
    });
    expect(read[1]).toMatchObject({ name: 'seam-6', exit_code: 0, reason: null, labels: { shift: 'late' } });
  });

  test('as Parquet, over several row groups and segments, equals history', async () => {
    const last = segmentRows + 8_000;
    const { history, folder } = await stored([...awkward, ...tasks(4, last)]);
    await indexed(history, segmentRows);
    const path = join(folder, 'tasks.parquet');
    const seen: number[] = [];
    const onProgress = (done: number, total: number): void => {
      expect(total).toBe(last);
      seen.push(done);
    };
    expect(
      await history.exportTo(path, { ...quiet, onProgress, filter: {}, format: 'parquet' }),
    ).toMatchObject({
      rows: last,
    });
    expect(seen.at(-1)).toBe(last);
    expect(seen.length).toBeGreaterThan(20);
    const bytes = readFileSync(path);
    const rows = await parquetReadObjects({
      file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
    });
    expect(rows).toHaveLength(last);
    for (const id of [1, 2, 3, 20_000, last]) {
      const record = id <= 3 ? awkward[id - 1] : task(id);
      expect(rows[id - 1], String(id)).toMatchObject({
        task_id: BigInt(id),
        name: record?.spec.name,
        submitted_at: new Date(record?.submittedAtMs ?? 0),
        ended_at: new Date(record?.endedAtMs ?? 0),
        wait_ms: 5n,
        node: record?.attempts[0]?.nodeId,
        labels: JSON.stringify(record?.spec.labels),
        reason: null,
      });
    }
  });

  test('is refused where a file is, which stays as it was, and where no file can be', async () => {
    const { history, folder } = await stored(awkward);
    const path = join(folder, 'there.csv');
    const options = { ...quiet, filter: {}, format: 'csv' } as const;
    await history.exportTo(path, options);
    const before = readFileSync(path);
    await expect(history.exportTo(path, options)).rejects.toThrow('exists: choose another name');
    expect(readFileSync(path)).toEqual(before);
    mkdirSync(join(folder, 'deep'));
    await expect(history.exportTo(join(folder, 'absent', 'x.csv'), options)).rejects.toThrow(
      'cannot be written',
    );
  });

  test('leaves nothing where it is cancelled, and history goes on', async () => {
    const { history, folder } = await stored(tasks(1, 8_000));
    const cancel = new AbortController();
    const onProgress = (): void => {
      cancel.abort();
    };
    const work = history.exportTo(join(folder, 'x.parquet'), {
      onProgress,
      signal: cancel.signal,
      filter: {},
      format: 'parquet',
    });
    await expect(work).rejects.toThrow('cancelled');
    expect(readdirSync(folder).filter((name) => name.startsWith('x.'))).toEqual([]);
    expect((await history.count({})).total).toBe(8_000);
  });
});

describe('a backup', () => {
  test('made while tasks go on ending is one moment of history, and opens as it', async () => {
    const { history, folder } = await stored(tasks(1, 20_000));
    const copy = join(newFolder(), 'history.db');
    let sequence = 1;
    let next = 20_000;
    const seen: number[] = [];
    const onProgress = (done: number): void => {
      seen.push(done);
      sequence += 1;
      history.recordEnded(sequence, [task((next += 1))]);
    };
    await history.backupTo(copy, { ...quiet, onProgress });
    await history.flushed();
    expect(seen.length).toBeGreaterThan(2);
    expect(existsSync(`${copy}.part`)).toBe(false);
    const restored = await opened(join(copy, '..'));
    expect(await restored.count({})).toEqual({ total: 20_000, isEstimate: false });
    expect(restored.cursor).toBe(1);
    expect(await restored.get(taskId(1_234))).toEqual(task(1_234));
    expect((await history.count({})).total).toBe(next);
    expect(readdirSync(folder)).toContain('history.db');
  });

  test('is ended by close, and leaves nothing', async () => {
    const { history } = await stored(tasks(1, 20_000));
    const folder = newFolder();
    let closed: Promise<void> | undefined;
    const onProgress = (): void => {
      closed ??= history.close();
    };
    const work = history.backupTo(join(folder, 'history.db'), { ...quiet, onProgress });
    await expect(work).rejects.toThrow('cancelled');
    await closed;
    expect(readdirSync(folder)).toEqual([]);
  });
});
