// Long lists of the console: which rows are on screen, how pages of tasks join, how output becomes lines.
import { describe, expect, test } from 'vitest';
import {
  offsetMax,
  offsetShowing,
  rowsAt,
  scrollHeight,
  scrollHeightMax,
  scrollRatio,
} from '../../renderer/kit/virtualWindow.ts';
import { createLogLines } from '../../renderer/tasks/logLines.ts';
import { createTaskPages } from '../../renderer/tasks/taskPages.ts';
import { ms, queueName, taskId, token } from '../../scheduler/protocol/brands.ts';
import type { LogPiece } from '../../scheduler/protocol/consoleFrames.ts';
import type { TaskList } from '../../scheduler/protocol/consoleAnswers.ts';
import type { TaskRow } from '../../scheduler/protocol/view.ts';

describe('rows on screen', () => {
  const geometry = { total: 5_000_000, rowHeight: 24, viewport: 800 };
  test('the last of five million is reachable', () => {
    expect(scrollHeight(geometry)).toBe(scrollHeightMax);
    const { first, count } = rowsAt(geometry, (scrollHeightMax - 800) * scrollRatio(geometry));
    expect(first + count).toBe(5_000_000);
  });
  test('a short list is scrolled pixel by pixel', () => {
    expect(scrollRatio({ ...geometry, total: 1_000 })).toBe(1);
    expect(offsetMax({ ...geometry, total: 3 })).toBe(0);
  });
  test('showing a row moves no more than needed', () => {
    expect(offsetShowing(geometry, 240, 12)).toBe(240);
    expect(offsetShowing(geometry, 240, 5)).toBe(120);
    expect(offsetShowing(geometry, 0, 100)).toBe(101 * 24 - 800);
  });
});

/** A list of tasks where only every `step`-th id matches the filter. */
function fakeList(newest: number, step: number) {
  let asked = 0;
  const state = { newest };
  const rowOf = (id: number): TaskRow => ({
    taskId: taskId(id),
    name: `task ${id}`,
    kind: 'command',
    queue: queueName('default'),
    tenant: 'default',
    priority: 5,
    state: 'ready',
    waiting: 'ready',
    attempt: 0,
    attemptsMax: 3,
    submitter: 'test',
    submittedAtMs: ms(id),
    labels: {},
  });
  const ask = ({ before, limit }: { before?: number; limit: number }): Promise<TaskList> => {
    asked += 1;
    const top = Math.min(state.newest, (before ?? Infinity) - 1);
    const rows: TaskRow[] = [];
    for (let id = top - (top % step); id > 0 && rows.length < limit; id -= step) rows.push(rowOf(id));
    const last = rows.at(-1)?.taskId;
    return Promise.resolve({
      rows,
      ...(last !== undefined && last > step ? { nextBefore: last } : {}),
      total: Math.floor(state.newest / step),
      totalIsEstimate: false,
      asOfMs: ms(0),
      tookMs: 1,
    });
  };
  return { pages: createTaskPages(ask), state, asked: () => asked };
}

describe.each([1, 7])('pages of tasks, every %dth id matching', (step) => {
  const newest = 140_000;
  const idAt = (position: number) => newest - (newest % step) - position * step;

  test('scrolling down reads on without a gap', async () => {
    const { pages } = fakeList(newest, step);
    await pages.refresh(0, 40);
    for (let first = 0; first < 1_000; first += 100) await pages.ensure(first, 45);
    await pages.ensure(1_000, 45);
    expect(pages.rowAt(1_000)?.taskId).toBe(idAt(1_000));
  });
  test('a jump far down lands near, and the end is exact', async () => {
    const { pages, asked } = fakeList(newest, step);
    await pages.refresh(0, 40);
    const { total } = pages.segment.value;
    await pages.ensure(total / 2, 45);
    expect(Math.abs((pages.rowAt(total / 2)?.taskId ?? 0) - idAt(total / 2)) / step).toBeLessThan(
      total * 0.02,
    );
    await pages.ensure(total - 45, 45);
    expect(pages.rowAt(total - 1)?.taskId).toBe(step);
    expect(asked()).toBeLessThan(30);
  });
  test('scrolling up from a jump reads without a gap', async () => {
    const { pages } = fakeList(newest, step);
    await pages.refresh(0, 40);
    await pages.ensure(10_000, 45);
    const top = pages.segment.value.base;
    await pages.ensure(top - 20, 45);
    const ids = pages.segment.value.rows.map((row) => row.taskId as number);
    expect(ids.every((id, at) => at === 0 || (ids[at - 1] ?? 0) - id === step)).toBe(true);
    expect(pages.rowAt(top - 20)).toBeDefined();
  });
  test('at the top new tasks come in; further down they are counted', async () => {
    const { pages, state } = fakeList(newest, step);
    await pages.refresh(0, 40);
    state.newest += 3 * step;
    await pages.refresh(0, 40);
    expect(pages.rowAt(0)?.taskId).toBe(idAt(0) + 3 * step);
    expect(pages.segment.value.rows).toHaveLength(63);
    state.newest += 5 * step;
    await pages.refresh(60, 40);
    expect(pages.segment.value.newer).toBe(5);
    expect(pages.rowAt(60)?.taskId).toBe(idAt(60) + 3 * step);
  });
});

describe('output', () => {
  const piece = (number: number, text: string, more: Partial<LogPiece> = {}): LogPiece => ({
    token: token(1),
    piece: number,
    stream: 'stdout',
    offset: 0,
    text,
    atMs: ms(number),
    ...more,
  });
  const textsOf = (lines: ReturnType<typeof createLogLines>) =>
    Array.from({ length: lines.count() }, (_, at) => lines.lineAt(at)?.text);

  test('a line that arrives in pieces is one line, with the other stream between', () => {
    const lines = createLogLines();
    lines.take([piece(1, 'one\ntw'), piece(2, 'oops\n', { stream: 'stderr' }), piece(3, 'o\nthree')]);
    expect(textsOf(lines)).toEqual(['one', 'two', 'oops', 'three']);
  });
  test('a piece that came before is passed over', () => {
    const lines = createLogLines();
    lines.take([piece(1, 'a\n'), piece(2, 'b\n')]);
    lines.take([piece(2, 'b\n'), piece(3, 'c\n')]);
    expect(textsOf(lines)).toEqual(['a', 'b', 'c']);
  });
  test('empty lines stay, and cut bytes are told', () => {
    const lines = createLogLines();
    lines.take([piece(1, 'a\n\nb\n'), piece(2, '', { droppedBytes: 512 })]);
    expect(textsOf(lines)).toEqual(['a', '', 'b', '']);
    expect(lines.lineAt(3)?.cutBytes).toBe(512);
  });
  test('memory holds a ring of lines and says how many fell out', () => {
    const lines = createLogLines(100);
    for (let at = 1; at <= 1_000; at++) lines.take([piece(at, `${at}\n`)]);
    expect(lines.count()).toBeLessThanOrEqual(200);
    expect(lines.fallen() + lines.count()).toBe(1_000);
    expect(lines.lineAt(lines.count() - 1)?.text).toBe('1000');
  });
});
