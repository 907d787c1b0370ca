// History on its real file and threads: what is told is found, once, in order, and across restarts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type ArrivedPiece,
  type History,
  type HistoryOptions,
  openHistory,
} from '../../scheduler/history/store.ts';
import { ms, nodeId, queueName, type TaskId, taskId, token } from '../../scheduler/protocol/brands.ts';
import { logBytesPerStreamMax } from '../../scheduler/protocol/limits.ts';
import type { Refusal } from '../../scheduler/protocol/outcome.ts';
import {
  type EndState,
  type TaskRecord,
  taskSpecSchema,
  type TaskSpecInput,
} from '../../scheduler/protocol/task.ts';
import { rowOfRecord } from '../../scheduler/protocol/taskRow.ts';
import type { TaskFilter } from '../../scheduler/protocol/view.ts';

const threadFile = new URL('../../scheduler/history/historyThread.ts', import.meta.url);
const startMs = 1_700_000_000_000;
const minuteMs = 60_000;

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-history-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

async function opened(folder: string, more: Partial<HistoryOptions> = {}): Promise<History> {
  const onFailure = (cause: Refusal): void => {
    throw new Error(cause.message);
  };
  const outcome = await openHistory({ folder, threadFile, onFailure, ...more });
  if (!outcome.ok) throw new Error(outcome.reason.message);
  onTestFinished(() => outcome.value.close());
  return outcome.value;
}

interface Ended {
  readonly state?: EndState;
  readonly node?: string;
  readonly spec?: Partial<TaskSpecInput>;
  readonly endedAtMs?: number;
}
/** Task `id` was submitted in minute `id` and ended 10 s later, on its one attempt, whose token is `id` too. */
function record(
  id: number,
  { state = 'succeeded', node = 'N1', spec = {}, endedAtMs }: Ended = {},
): TaskRecord {
  const submittedAtMs = ms(startMs + id * minuteMs);
  return {
    taskId: taskId(id),
    spec: v.parse(taskSpecSchema, { work: { kind: 'command', argv: ['weld', `--job=${id}`] }, ...spec }),
    submitter: 'anna',
    state,
    submittedAtMs,
    endedAtMs: ms(endedAtMs ?? submittedAtMs + 10_000),
    attempts: [
      {
        attempt: 1,
        token: token(id),
        nodeId: nodeId(node),
        placedAtMs: submittedAtMs,
        startedAtMs: ms(submittedAtMs + 5),
        end: { reason: 'exit', exitCode: state === 'succeeded' ? 0 : 3 },
      },
    ],
  };
}
const records = (from: number, to: number, ended?: (id: number) => Ended): TaskRecord[] =>
  Array.from({ length: to - from + 1 }, (_, place) => record(from + place, ended?.(from + place)));

/** Ids of all pages, with the number of pages. */
async function idsOf(history: History, filter: TaskFilter, limit = 50): Promise<number[]> {
  const ids: number[] = [];
  let before: TaskId | undefined;
  do {
    const page = await history.list(filter, before, limit);
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    ids.push(...page.rows.map((row) => row.taskId));
    before = page.nextBefore;
  } while (before !== undefined);
  return ids;
}
const down = (from: number, to: number, step = 1): number[] => {
  const ids: number[] = [];
  for (let id = from; id >= to; id -= step) ids.push(id);
  return ids;
};

describe('what is told', () => {
  test('is found again, whole and as a row, as soon as it was told', async () => {
    const history = await opened(newFolder());
    const ended = record(7, { state: 'dead_letter' });
    history.recordEnded(1, [ended]);
    expect(await history.get(taskId(7))).toEqual(ended);
    expect((await history.list({}, undefined, 10)).rows).toEqual([rowOfRecord(ended, 'none')]);
    expect(await history.get(taskId(8))).toBeUndefined();
  });

  test('moves the cursor, which survives a restart', async () => {
    const folder = newFolder();
    const history = await opened(folder);
    expect(history.cursor).toBe(0);
    history.recordEnded(4, records(1, 3));
    for (let sequence = 5; sequence <= 900; sequence += 1) history.advance(sequence);
    expect(await history.flushed()).toBe(900);
    expect(history.stats()).toMatchObject({ cursor: 900, pending: 0, tasks: 3 });
    await history.close();
    expect((await opened(folder)).cursor).toBe(900);
  });

  test('is committed by close', async () => {
    const folder = newFolder();
    const history = await opened(folder);
    history.recordEnded(1, records(1, 5_000));
    await history.close();
    const again = await opened(folder);
    expect(again.cursor).toBe(1);
    expect(await again.count({})).toEqual({ total: 5_000, isEstimate: false });
  });

  test('changes nothing when it is told twice', async () => {
    const history = await opened(newFolder());
    history.recordEnded(1, records(1, 10));
    await history.flushed();
    history.recordEnded(1, records(1, 10));
    expect(await history.count({})).toEqual({ total: 10, isEstimate: false });
    expect(await history.count({ states: ['succeeded'] })).toEqual({ total: 10, isEstimate: false });
    const all = await history.endedPerMinute(ms(startMs - minuteMs), ms(startMs + 20 * minuteMs));
    expect(all.reduce((sum, minute) => sum + minute.succeeded, 0)).toBe(10);
  });

  test('replaces what was known of the same task', async () => {
    const history = await opened(newFolder());
    history.recordEnded(1, [record(1, { state: 'dead_letter', spec: { queue: 'old' } })]);
    history.recordEnded(2, [record(1, { spec: { queue: 'new' } })]);
    expect(await history.count({ queue: queueName('old') })).toMatchObject({ total: 0 });
    expect(await idsOf(history, { queue: queueName('new'), states: ['succeeded'] })).toEqual([1]);
  });
});

describe('a task that is requeued', () => {
  test('leaves history, also when its end is told again after a crash, and comes back with its next end', async () => {
    const history = await opened(newFolder());
    history.recordEnded(1, [record(1, { state: 'dead_letter' })]);
    history.forget(2, taskId(1));
    expect(await history.get(taskId(1))).toBeUndefined();
    history.recordEnded(1, [record(1, { state: 'dead_letter' })]);
    expect(await idsOf(history, {})).toEqual([]);
    history.recordEnded(5, [record(1)]);
    expect((await history.get(taskId(1)))?.state).toBe('succeeded');
    expect(await history.count({})).toEqual({ total: 1, isEstimate: false });
  });
});

describe('a list', () => {
  test('pages by task id, newest first, each task once, also when tasks end in between', async () => {
    const history = await opened(newFolder());
    history.recordEnded(1, records(1, 120));
    const first = await history.list({}, undefined, 50);
    history.recordEnded(2, records(121, 125));
    const second = await history.list({}, first.nextBefore, 50);
    const third = await history.list({}, second.nextBefore, 50);
    expect([...first.rows, ...second.rows, ...third.rows].map((row) => row.taskId)).toEqual(down(120, 1));
    expect(third.nextBefore).toBeUndefined();
    expect((await history.list({}, taskId(51), 50)).nextBefore).toBeUndefined();
  });

  test('filters by state, queue, node, time and text, alone and together, and counts the same', async () => {
    const history = await opened(newFolder());
    const states = ['succeeded', 'dead_letter', 'cancelled'] as const;
    const all = records(1, 240, (id) => ({
      state: states[id % 3] ?? 'succeeded',
      node: `N${id % 4}`,
      spec: {
        queue: id % 2 === 0 ? 'press' : 'paint',
        name: id % 10 === 0 ? 'Türschweller' : '',
        labels: { cell: `C${id}` },
      },
    }));
    history.recordEnded(1, all);
    const since = (id: number): TaskFilter => ({ sinceMs: ms(startMs + id * minuteMs) });
    const expected: [TaskFilter, (task: TaskRecord) => boolean][] = [
      [{}, () => true],
      [{ states: ['dead_letter'] }, (task) => task.state === 'dead_letter'],
      [{ states: ['dead_letter', 'cancelled', 'running'] }, (task) => task.state !== 'succeeded'],
      [{ states: ['running'] }, () => false],
      [{ queue: queueName('press') }, (task) => task.spec.queue === 'press'],
      [{ nodeId: nodeId('N2') }, (task) => task.taskId % 4 === 2],
      [{ nodeId: nodeId('N2'), queue: queueName('paint') }, () => false],
      [
        { nodeId: nodeId('N3'), queue: queueName('paint'), states: ['cancelled'] },
        (task) => task.taskId % 4 === 3 && task.state === 'cancelled',
      ],
      [since(200), (task) => task.taskId >= 200],
      [{ ...since(100), states: ['succeeded'] }, (task) => task.taskId >= 100 && task.state === 'succeeded'],
      [since(10_000), () => false],
      [{ text: 'TÜRSCHWELLER' }, (task) => task.taskId % 10 === 0],
      [{ text: '--job=11' }, (task) => /^11/.test(String(task.taskId))],
      [
        { text: 'cell=c7', queue: queueName('paint') },
        (task) => /^7/.test(String(task.taskId)) && task.taskId % 2 === 1,
      ],
      [{ text: "%_'" }, () => false],
    ];
    for (const [filter, matches] of expected) {
      const ids = all
        .filter(matches)
        .map((task) => task.taskId)
        .reverse();
      expect(await idsOf(history, filter, 7), JSON.stringify(filter)).toEqual(ids);
      expect(await history.count(filter), JSON.stringify(filter)).toEqual({
        total: ids.length,
        isEstimate: false,
      });
    }
  });
});

describe('ends per minute', () => {
  test('come by minute, and sum up to the last hour', async () => {
    const history = await opened(newFolder());
    const nowMs = startMs - (startMs % minuteMs) + 200 * minuteMs + 30_000;
    const endAt = (minutesAgo: number, state: EndState) => ({
      state,
      endedAtMs: nowMs - minutesAgo * minuteMs,
    });
    history.recordEnded(1, [
      record(1, endAt(0, 'succeeded')),
      record(2, endAt(59, 'dead_letter')),
      record(3, endAt(60, 'succeeded')),
      record(4, endAt(59, 'cancelled')),
    ]);
    expect(await history.lastHour(ms(nowMs))).toEqual({ succeeded: 1, deadLettered: 1, cancelled: 1 });
    const minutes = await history.endedPerMinute(ms(nowMs - 60 * minuteMs), ms(nowMs));
    expect(minutes).toEqual([
      { minuteMs: nowMs - 30_000 - 59 * minuteMs, succeeded: 0, deadLettered: 1, cancelled: 1 },
      { minuteMs: nowMs - 30_000, succeeded: 1, deadLettered: 0, cancelled: 0 },
    ]);
  });
});

const piece = (offset: number, text: string, more: Partial<ArrivedPiece> = {}): ArrivedPiece => ({
  token: token(9),
  taskId: taskId(3),
  stream: 'stdout',
  offset,
  bytes: Buffer.byteLength(text),
  text,
  atMs: ms(startMs),
  ...more,
});
const texts = (of: { readonly pieces: readonly { readonly text: string }[] }): string[] =>
  of.pieces.map((one) => one.text);

describe('output of an attempt', () => {
  test('is numbered over both streams, and read in pages', async () => {
    const history = await opened(newFolder());
    await history.appendLog([piece(0, 'one\n'), piece(0, 'oops\n', { stream: 'stderr' }), piece(4, 'two\n')]);
    await history.appendLog([piece(0, 'other', { token: token(10) }), piece(8, 'three\n')]);
    const page = await history.readLog(token(9), 0, 3);
    expect(page.pieces.map(({ piece: number, stream, text }) => [number, stream, text])).toEqual([
      [1, 'stdout', 'one\n'],
      [2, 'stderr', 'oops\n'],
      [3, 'stdout', 'two\n'],
    ]);
    expect(page.isComplete).toBe(false);
    const rest = await history.readLog(token(9), 3, 3);
    expect([texts(rest), rest.isComplete]).toEqual([['three\n'], true]);
    expect((await history.readLog(token(99), 0, 3)).isComplete).toBe(true);
  });

  test('is stored once, however often it is sent, also after a restart', async () => {
    const folder = newFolder();
    const first = await opened(folder);
    await first.appendLog([piece(0, 'one\n')]);
    await first.close();
    const history = await opened(folder);
    const again = await history.appendLog([piece(0, 'one\n'), piece(4, 'two\n'), piece(4, 'two\n')]);
    expect(texts(again)).toEqual(['two\n']);
    expect(again.offsets).toEqual([{ token: token(9), stream: 'stdout', offset: 8 }]);
    expect((await history.appendLog([piece(0, 'one\n')])).offsets[0]?.offset).toBe(8);
    expect(texts(await history.appendLog([piece(4, 'two\nthree\n')]))).toEqual(['three\n']);
    expect(texts(await history.readLog(token(9), 0, 10)).join('')).toBe('one\ntwo\nthree\n');
    expect(history.stats().logBytes).toBe(14);
  });

  test('goes on after a gap, which its offsets show', async () => {
    const history = await opened(newFolder());
    const appended = await history.appendLog([piece(100, 'late')]);
    expect(appended.offsets[0]?.offset).toBe(104);
    expect((await history.readLog(token(9), 0, 10)).pieces[0]?.offset).toBe(100);
  });

  test('is cut at the bound of a stream, and says how much is missing', async () => {
    const history = await opened(newFolder());
    await history.appendLog([piece(0, 'x'.repeat(logBytesPerStreamMax - 3))]);
    const cut = await history.appendLog([piece(logBytesPerStreamMax - 3, 'abcdef')]);
    expect(cut.pieces[0]).toMatchObject({ text: 'abc', droppedBytes: 3 });
    expect(cut.offsets[0]?.offset).toBe(logBytesPerStreamMax + 3);
    expect((await history.appendLog([piece(logBytesPerStreamMax + 3, 'more')])).pieces).toEqual([]);
    expect(history.stats().logBytes).toBe(logBytesPerStreamMax);
  });

  test('keeps what the agent says it dropped, once', async () => {
    const history = await opened(newFolder());
    await history.appendLog([
      piece(0, 'end'),
      piece(3, '', { droppedBytes: 500 }),
      piece(3, '', { droppedBytes: 500 }),
    ]);
    const { pieces } = await history.readLog(token(9), 0, 10);
    expect(pieces.map((one) => one.droppedBytes)).toEqual([undefined, 500]);
  });
});

describe('a file that cannot be used', () => {
  test('is refused: no database, and a newer version', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'history.db'), 'x'.repeat(4_096));
    const outcome = await openHistory({ folder, threadFile, onFailure: () => undefined });
    expect(outcome).toMatchObject({ ok: false, reason: { code: 'storage_failed' } });
    const newer = newFolder();
    await (await opened(newer)).close();
    const database = new DatabaseSync(join(newer, 'history.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    const refused = await openHistory({ folder: newer, threadFile, onFailure: () => undefined });
    expect(refused.ok ? '' : refused.reason.message).toContain('newer Millrace');
  });

  test('a full disk fails the writer for good, tells it once, and what is stored can still be read', async () => {
    const failures: Refusal[] = [];
    const onFailure = (cause: Refusal): number => failures.push(cause);
    const history = await opened(newFolder(), { pagesMax: 60, onFailure });
    history.recordEnded(1, [record(1)]);
    await history.flushed();
    history.recordEnded(2, records(2, 2_000));
    await expect(history.flushed()).rejects.toThrow('disk is full');
    await expect(history.appendLog([piece(0, 'x')])).rejects.toThrow('disk is full');
    expect(failures.map((failure) => failure.code)).toEqual(['storage_failed']);
    expect(await idsOf(history, {})).toEqual([1]);
  });
});
