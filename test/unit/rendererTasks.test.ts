// The task screen's filter and what follows from it: its address, groups that become filters, searches in several looks.
import { describe, expect, test } from 'vitest';
import { fieldTime, timeOfField } from '../../renderer/format/clock.ts';
import type { Translate } from '../../renderer/i18n/i18n.ts';
import { jobText } from '../../renderer/storage/jobWords.ts';
import { filterWords, likelyAct, requeueStatesOf } from '../../renderer/tasks/bulkWords.ts';
import { groupOf } from '../../renderer/tasks/groupWords.ts';
import {
  choiceFrom,
  everyTask,
  type FilterChoice,
  filterFrom,
  labelFrom,
  queryFrom,
} from '../../renderer/tasks/taskFilter.ts';
import { deadlineText } from '../../renderer/tasks/taskWords.ts';
import { narrowedTo } from '../../renderer/tasks/taskGroups.ts';
import { createTaskPages } from '../../renderer/tasks/taskPages.ts';
import { ms, queueName, taskId } from '../../scheduler/protocol/brands.ts';
import type { TaskList } from '../../scheduler/protocol/consoleAnswers.ts';
import type { StorageJob } from '../../scheduler/protocol/storage.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import type { TaskRow } from '../../scheduler/protocol/view.ts';

describe('the filter', () => {
  const choice = {
    ...everyTask,
    window: 'custom',
    tenant: 'paint',
    labels: { line: '4', 'shift lead': 'a=b & c' },
    from: 1_000_000,
    to: 2_000_000,
    group: 7,
    isLate: true,
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
      groupId: 7,
      missedDeadline: true,
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

describe('an act on all that match', () => {
  const named = (...states: FilterChoice['states'][number][]): FilterChoice => ({ ...everyTask, states });
  test('is a cancel where the filter is of live tasks, else a requeue', () => {
    expect(likelyAct(everyTask)).toBe('requeue');
    expect(likelyAct(named('failed', 'running'))).toBe('requeue');
    expect(likelyAct(named('running', 'waiting'))).toBe('cancel');
  });
  test('puts back only states that the filter names, where it names any', () => {
    expect(requeueStatesOf(everyTask)).toBeUndefined();
    expect(requeueStatesOf(named('failed', 'running'))).toEqual(['dead_letter']);
    expect(requeueStatesOf(named('succeeded'))).toEqual([]);
  });
  test('says what it goes by, part by part', () => {
    const choice = { ...everyTask, queue: 'press', group: 36, isLate: true, labels: { line: '4' } };
    expect(filterWords(choice, 'utc', t)).toEqual([
      'filter.queue: press',
      'filter.groupOf T-10',
      'filter.late',
      'line=4',
    ]);
    expect(filterWords(everyTask, 'utc', t)).toEqual([]);
  });
  test('says what came of it: done, left by why, not reached', () => {
    const job = { ...bulkJob, done: 12_400, total: 12_431, state: 'cancelled' } as const;
    expect(jobText(job, t)).toBe(
      'bulk.done.requeue 12,369 · bulk.skipped 31 bulk.reason.changed 30, bulk.reason.gone 1 · bulk.left 31',
    );
    const running = { ...job, state: 'running' } as const;
    expect(jobText(running, t)).toBe('99 % · bulk.of 12,400 12,431');
    expect(jobText({ ...running, done: 512, total: 0 }, t)).toBe('bulk.looking 512');
    const failed = { ...job, state: 'failed', total: 12_400, message: 'the disk is full' } as const;
    expect(jobText(failed, t)).toMatch(/^the disk is full · bulk.done.requeue 12,369 · bulk.skipped 31/);
  });
});

describe('a deadline', () => {
  const row = { deadlineMs: ms(1_000), state: 'running' } as TaskRow;
  test('is told while it is ahead, and by how much it was missed', () => {
    expect(deadlineText(row, 500, t)).toBe('task.dueIn 500 ms');
    expect(deadlineText(row, 1_000, t)).toBe('task.dueIn <1 ms');
    expect(deadlineText(row, 61_000, t)).toBe('task.late 1 m 00 s');
    expect(deadlineText({ ...row, state: 'succeeded', endedAtMs: ms(900) }, 9_000, t)).toBeUndefined();
    expect(deadlineText({ ...row, state: 'succeeded', endedAtMs: ms(1_250) }, 9_000, t)).toBe(
      'task.late 250 ms',
    );
    expect(deadlineText({ state: 'running' } as TaskRow, 9_000, t)).toBeUndefined();
  });
});

describe('the group of a task', () => {
  const record = { taskId: taskId(36), spec: {} } as TaskRecord;
  test('is the one it is of, or the one that it is', () => {
    const group = { kind: 'gang', groupId: taskId(7), index: 0, size: 3 } as const;
    expect(groupOf({ ...record, group }, t)).toEqual({
      kind: 'gang',
      groupId: 7,
      text: 'task.group.gang 1 3 T-7',
    });
    const array = { ...record, spec: { array: { count: 5 } } } as TaskRecord;
    expect(groupOf(array, t)).toMatchObject({ kind: 'array', groupId: 36, text: 'task.groupItself.array 5' });
    expect(groupOf({ ...record, workflow: { size: 2 } }, t)).toMatchObject({ kind: 'workflow' });
    expect(groupOf(record, t)).toBeUndefined();
  });
});

/** Keys with what is put into them. */
const t: Translate = (key: string, named?: unknown) =>
  [key, ...(typeof named === 'object' && named !== null ? Object.values<unknown>({ ...named }) : [])].join(
    ' ',
  );

const bulkJob: StorageJob = {
  jobId: 1,
  kind: 'requeue',
  actor: 'ann',
  state: 'done',
  startedAtMs: ms(1),
  done: 1,
  total: 1,
  bulk: {
    changed: 12_369,
    skipped: [
      { reason: 'changed', tasks: 30, message: 'T-1 is running' },
      { reason: 'gone', tasks: 1, message: 'there is no task T-2' },
    ],
  },
};
