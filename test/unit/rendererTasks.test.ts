// The task screen's filter and what follows from it: its address, groups that become filters, searches in several looks.
import { describe, expect, test } from 'vitest';
import { fieldTime, timeOfField } from '../../renderer/format/clock.ts';
import { choiceFrom, everyTask, filterFrom, labelFrom, queryFrom } from '../../renderer/tasks/taskFilter.ts';
import { narrowedTo } from '../../renderer/tasks/taskGroups.ts';
import { createTaskPages } from '../../renderer/tasks/taskPages.ts';
import { ms, queueName, taskId } from '../../scheduler/protocol/brands.ts';
import type { TaskList } from '../../scheduler/protocol/consoleAnswers.ts';
import type { TaskRow } from '../../scheduler/protocol/view.ts';

describe('the filter', () => {
  const choice = {
    ...everyTask,
    window: 'custom',
    tenant: 'paint',
    labels: { line: '4', 'shift lead': 'a=b & c' },
    from: 1_000_000,
    to: 2_000_000,
  } as const;
  test('is in the address as it was chosen', () => {
    expect(choiceFrom(queryFrom(choice) as never)).toEqual(choice);
    expect(choiceFrom({})).toEqual({ ...everyTask, window: '24h' });
  });
  test('asks the host for tenant, labels, and times from and to', () => {
    expect(filterFrom(choice, 0)).toEqual({
      tenant: 'paint',
      labels: choice.labels,
      sinceMs: 1_000_000,
      untilMs: 2_000_000,
    });
    expect(filterFrom({ ...choice, window: 'all' }, 0)).not.toHaveProperty('untilMs');
  });
  test('takes a label with its sign, whatever its value is', () => {
    expect(labelFrom(' line = 4 ')).toEqual(['line', '4']);
    expect(labelFrom('a=b=c')).toEqual(['a', 'b=c']);
    expect(labelFrom('=4')).toBeUndefined();
    expect(labelFrom('line')).toBeUndefined();
  });
  test('reads a time field in the zone on screen', () => {
    const atMs = Date.UTC(2026, 10, 23, 14, 32);
    expect(fieldTime(atMs, 'utc')).toBe('2026-11-23T14:32');
    expect(timeOfField('2026-11-23T14:32', 'utc')).toBe(atMs);
    expect(timeOfField(fieldTime(atMs, 'local'), 'local')).toBe(atMs);
    expect(timeOfField('', 'utc')).toBeUndefined();
  });
});

describe('a group that is chosen', () => {
  test('becomes the filter that shows its tasks', () => {
    expect(narrowedTo(everyTask, 'state', 'dead_letter')?.states).toEqual(['failed']);
    expect(narrowedTo(everyTask, 'node', 'press-4')?.node).toBe('press-4');
    expect(narrowedTo(everyTask, 'hour', '2026-11-23T10')).toMatchObject({
      window: 'custom',
      from: Date.UTC(2026, 10, 23, 10),
      to: Date.UTC(2026, 10, 23, 11),
    });
    expect(narrowedTo(everyTask, 'day', '2026-11-23')?.to).toBe(Date.UTC(2026, 10, 24));
  });
  test('stays a number where no filter can say it', () => {
    expect(narrowedTo(everyTask, 'kind', 'command')).toBeUndefined();
    expect(narrowedTo(everyTask, 'node', '')).toBeUndefined();
  });
});

/** Of 10,000 tasks every 700th matches, and one look takes 1,000. */
function searched() {
  const asked: number[] = [];
  const rowOf = (id: number): TaskRow => ({
    taskId: taskId(id),
    name: 'found',
    kind: 'command',
    queue: queueName('default'),
    tenant: 'default',
    priority: 5,
    state: 'succeeded',
    waiting: 'none',
    attempt: 1,
    attemptsMax: 3,
    submitter: 'test',
    submittedAtMs: ms(id),
    labels: {},
  });
  const ask = ({ before = 10_001 }: { before?: number }): Promise<TaskList> => {
    asked.push(before);
    const bottom = Math.max(1, before - 1_000);
    const ids = Array.from({ length: before - bottom }, (_, at) => before - 1 - at);
    return Promise.resolve({
      rows: ids.filter((id) => id % 700 === 0).map(rowOf),
      ...(bottom > 1 ? { nextBefore: taskId(bottom), looked: 1_000 } : {}),
      total: 3,
      totalIsEstimate: true,
      asOfMs: ms(0),
      tookMs: 1,
    });
  };
  return { pages: createTaskPages(ask), asked };
}

describe('a search that stops at its bound', () => {
  test('shows what it found so far, and how much it looked at', async () => {
    const { pages } = searched();
    await pages.refresh(0, 40);
    expect(pages.segment.value).toMatchObject({ isCut: true, looked: 1_000, total: 2 });
    await pages.searchOn();
    expect(pages.segment.value).toMatchObject({ isCut: true, looked: 2_000, total: 3 });
  });
  test('finds everything in order when it is gone on with, and ends', async () => {
    const { pages, asked } = searched();
    await pages.refresh(0, 40);
    while (pages.segment.value.isCut) await pages.searchOn();
    const ids = pages.segment.value.rows.map((row) => row.taskId as number);
    expect(ids).toEqual(Array.from({ length: 14 }, (_, at) => 9_800 - at * 700));
    expect(pages.segment.value).toMatchObject({ base: 0, total: 14 });
    await pages.searchOn();
    expect(asked).toHaveLength(10);
  });
});
