// Arrays: one row until elements get into line, each element once, bounds on what runs, cancel, restart, refusals.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { taskId, type TaskId, type Token } from '../../scheduler/protocol/brands.ts';
import type { Command, Event } from '../../scheduler/protocol/events.ts';
import {
  arrayCountMax,
  arrayReadyMax,
  arraysMax,
  placementsPerCycleMax,
} from '../../scheduler/protocol/limits.ts';
import { failure, kindsOf, startedCore, startMs, success } from './coreStage.ts';

const actor = 'ann';
const big = { resources: { cpu: 1_000_000, memory: 1_000_000, slots: 5_000 } };
type Stage = ReturnType<typeof startedCore>;

const elements = (group: TaskId, core: Core): readonly number[] =>
  [...core.state.tasks.groups.of(group).tasks].map(({ group: ref }) => ref?.index ?? -1);
const placedIn = (events: readonly Event[]): readonly TaskId[] =>
  events.flatMap((event) => (event.kind === 'attempt_placed' ? [event.taskId] : []));
const rowOf = ({ core }: Pick<Stage, 'core'>, group: TaskId) => {
  const row = core.view().group(group)?.group;
  if (!row) throw new Error('the array is not live');
  return row;
};

/** Ends every placed element, again and again, until nothing is left to do. */
function runAll({ core, ended, wait }: Stage, endOf: (index: number) => AttemptEnd = () => success) {
  const records = [];
  for (let round = 0; round < 10_000 && core.state.arrays.size + core.state.tasks.size > 0; round += 1) {
    const live = [...core.state.tasks.all()].filter((task) => task.live);
    for (const { taskId: id, live: attempt, group } of live) {
      if (!attempt) continue;
      records.push(...ended('N1', id, attempt.token, endOf(group?.index ?? -1)).ended);
    }
    if (live.length === 0) wait(500);
  }
  return records;
}
const beating = ({ core, beat }: Stage): readonly Command[] => [
  beat('N1', ...[...core.state.tasks.all()].flatMap(({ live }): Token[] => (live ? [live.token] : []))),
];

describe('an array', () => {
  test('is admitted by one event, with its spec once, and takes its ids in one', () => {
    const { core, give, submitOne } = startedCore();
    const spec = { array: { count: 1_000_000 }, name: 'sweep', key: 'k' };
    const id = submitOne(spec);
    expect(submitOne()).toBe(id + 1_000_001);
    expect(core.state.tasks.size).toBe(arrayReadyMax + 1);
    expect(rowOf({ core }, id)).toMatchObject({ size: 1_000_000, waiting: 1_000_000 - arrayReadyMax });
    expect(core.view().task(id)).toMatchObject({ state: 'running', spec: { array: { count: 1_000_000 } } });
    expect(give().batch).toBeUndefined(); // the line is full: nothing more until some of it has gone
    expect(submitOne(spec)).toBe(id); // the same key is the same array
  });

  test('elements share one spec, without array and key, and say which they are', () => {
    const stage = startedCore();
    stage.join('N1', big);
    const id = stage.submitOne({ array: { count: 3 }, key: 'k', name: 'sweep' });
    const tasks = [...stage.core.state.tasks.all()];
    expect(tasks.map(({ taskId: each }) => each - id)).toEqual([1, 2, 3]);
    expect(new Set(tasks.map(({ spec }) => spec)).size).toBe(1);
    expect(Object.keys(tasks[0]?.spec ?? {})).not.toContain('array');
    expect(Object.keys(tasks[0]?.spec ?? {})).not.toContain('key');
    expect(tasks[2]?.group).toEqual({ kind: 'array', groupId: id, index: 2, size: 3 });
  });

  test('a dispatch names group, index and size', () => {
    const { join, submit, give } = startedCore();
    submit({ array: { count: 2 } });
    const { dispatches } = join('N1', big);
    expect([...dispatches, ...give().dispatches].map(({ group }) => group)).toEqual([
      { kind: 'array', groupId: 1, index: 0, size: 2 },
      { kind: 'array', groupId: 1, index: 1, size: 2 },
    ]);
  });

  test('a full plant is kept busy: each cycle places as many as a cycle may', () => {
    const { core, join, give, submitOne } = startedCore();
    join('N1', big);
    submitOne({ array: { count: 5_000 }, ask: { cpu: 1, memory: 1 } });
    for (let cycle = 0; cycle < 10; cycle += 1) {
      const { events, hasMore } = give();
      expect(placedIn(events)).toHaveLength(placementsPerCycleMax);
      expect(hasMore).toBe(true);
    }
    expect(core.state.tasks.countOf('ready')).toBeLessThanOrEqual(arrayReadyMax);
  });

  test('ends with its last element, and leaves one record that says how they ended', () => {
    const stage = startedCore();
    stage.join('N1', big);
    const id = stage.submitOne({
      array: { count: 1_500 },
      ask: { cpu: 1, memory: 1 },
      retry: { attemptsMax: 1 },
    });
    const records = runAll(stage, (index) => (index % 1_000 === 7 ? failure : success));
    expect(records).toHaveLength(1_501);
    expect(new Set(records.map(({ taskId: each }) => each)).size).toBe(1_501);
    expect(records.at(-1)).toMatchObject({
      taskId: id,
      state: 'dead_letter',
      reason: '1,498 succeeded, 2 dead letter',
      attempts: [],
    });
    expect(stage.core.state.arrays.size).toBe(0);
    expect(stage.core.state.classes.askClasses.filter((each) => each !== undefined)).toEqual([]);
  });

  test('an element that fails is tried again by its own rules', () => {
    const stage = startedCore();
    stage.join('N1', big);
    const id = stage.submitOne({
      array: { count: 2 },
      retry: { attemptsMax: 2, backoffMs: 100, backoffCapMs: 100 },
    });
    const records = runAll(stage, (index) => (index === 0 ? failure : success));
    expect(records.map(({ taskId: each, state, attempts }) => [each - id, state, attempts.length])).toEqual([
      [2, 'succeeded', 1],
      [1, 'dead_letter', 2],
      [0, 'dead_letter', 0],
    ]);
  });

  test('waits for its time as a whole', () => {
    const { core, submitOne, wait, join } = startedCore();
    join('N1', big);
    const notBeforeMs = startMs + 60_000;
    const id = submitOne({ array: { count: 10 }, notBeforeMs });
    expect(core.state.tasks.size).toBe(0);
    expect(core.view().why(id)).toMatchObject({ dominant: 'DELAYED', untilMs: notBeforeMs });
    expect(core.view().why(taskId(id + 3))).toMatchObject({ dominant: 'DELAYED', waiting: 'held' });
    expect(core.nextDueMs()).toBeLessThanOrEqual(notBeforeMs);
    expect(kindsOf(wait(59_500))).not.toContain('array_elements_begun');
    expect(kindsOf(wait(500))).toContain('array_elements_begun');
  });
});

describe('runningMax', () => {
  test('is never passed, by elements that come back neither', () => {
    const stage = startedCore();
    const { core, join, submitOne, ended, wait } = stage;
    join('N1', big);
    const retry = { attemptsMax: 3, backoffMs: 1_000, backoffCapMs: 1_000 };
    const id = submitOne({ array: { count: 9, runningMax: 2 }, retry });
    expect(elements(id, core)).toEqual([0, 1]);
    expect(core.view().why(taskId(id + 5))).toMatchObject({ dominant: 'ARRAY_RUNNING_MAX', waiting: 'held' });
    const first = core.state.tasks.mustGet(taskId(id + 1));
    ended('N1', first.taskId, first.live?.token ?? (0 as Token), failure);
    expect(elements(id, core)).toEqual([0, 1, 2]); // one waits out its backoff, another runs meanwhile
    wait(2_000, () => beating(stage));
    expect(first.state).toBe('held');
    expect(core.view().why(first.taskId)).toMatchObject({ dominant: 'ARRAY_RUNNING_MAX', waiting: 'held' });
    const second = core.state.tasks.mustGet(taskId(id + 2));
    ended('N1', second.taskId, second.live?.token ?? (0 as Token));
    expect(first.state).toBe('dispatched'); // before any element that has not begun
    expect(runAll(stage).at(-1)).toMatchObject({ taskId: id, state: 'succeeded', reason: '9 succeeded' });
  });
});

describe('cancel of an array', () => {
  test('counts what never began, ends what waits, stops what runs', () => {
    const { core, give, join, submitOne, ended } = startedCore();
    join('N1', { resources: { cpu: 300, memory: 4_096 } });
    const id = submitOne({ array: { count: 1_000_000 } });
    const running = [...core.state.tasks.all()].filter(({ live }) => live);
    expect(running).toHaveLength(3);
    const cancelled = give({ kind: 'CancelTask', taskId: id, actor, reason: 'wrong file' });
    expect(cancelled.stops).toHaveLength(3);
    expect(cancelled.ended).toHaveLength(arrayReadyMax - 3);
    expect(rowOf({ core }, id)).toMatchObject({ waiting: 0, cancelReason: 'wrong file' });
    expect(core.view().task(id)?.state).toBe('cancelling');
    const last = running.map(({ taskId: each, live }) =>
      ended('N1', each, live?.token ?? (0 as Token), { reason: 'cancelled' }),
    );
    expect(last.at(-1)?.ended.at(-1)).toMatchObject({
      taskId: id,
      state: 'cancelled',
      reason: 'wrong file: 1,000,000 cancelled',
    });
  });

  test('an element can be cancelled by itself once it has begun, and only then', () => {
    const { core, give, submitOne } = startedCore();
    const id = submitOne({ array: { count: 10_000 } });
    const [outcome] = give({ kind: 'CancelTask', taskId: taskId(id + 9_000), actor, reason: '' }).answers;
    expect(outcome).toMatchObject({ ok: false, reason: { code: 'wrong_state' } });
    expect(JSON.stringify(outcome)).toContain('has not begun');
    const { ended } = give({ kind: 'CancelTask', taskId: taskId(id + 1), actor, reason: '' });
    expect(ended).toMatchObject([{ state: 'cancelled', group: { index: 0 } }]);
    expect(rowOf({ core }, id).ended.cancelled).toBe(1);
  });
});

describe('put back', () => {
  test('a failed element runs again, within runningMax, and the array waits for it', () => {
    const stage = startedCore();
    const { core, give, join, submitOne, ended } = stage;
    join('N1', big);
    const id = submitOne({ array: { count: 3, runningMax: 1 }, retry: { attemptsMax: 1 } });
    const first = core.state.tasks.mustGet(taskId(id + 1));
    const [record] = ended('N1', first.taskId, first.live?.token ?? (0 as Token), failure).ended;
    if (!record) throw new Error('no record');
    expect(record.group).toEqual({ kind: 'array', groupId: id, index: 0, size: 3 });
    give({ kind: 'RequeueTask', record, actor });
    expect(rowOf({ core }, id)).toMatchObject({ live: { held: 1 }, ended: { deadLetter: 0 } });
    expect(runAll(stage).at(-1)).toMatchObject({ taskId: id, reason: '3 succeeded' });
  });

  test('after its array has ended it runs by itself; the array itself cannot be put back', () => {
    const stage = startedCore();
    stage.join('N1', big);
    stage.submitOne({ array: { count: 2 }, retry: { attemptsMax: 1 } });
    const [, element, array] = runAll(stage, () => failure);
    if (!element || !array) throw new Error('no records');
    const [refusal] = stage.give({ kind: 'RequeueTask', record: array, actor }).answers;
    expect(refusal).toMatchObject({ ok: false, reason: { code: 'wrong_state' } });
    stage.give({ kind: 'RequeueTask', record: element, actor });
    expect(runAll(stage)).toMatchObject([{ state: 'succeeded' }]);
  });
});

describe('across a restart', () => {
  test('a snapshot keeps the row, and what was begun', () => {
    const stage = startedCore();
    stage.join('N1', big);
    const spec = { array: { count: 3_000, runningMax: 700 }, key: 'k', ask: { cpu: 1, memory: 1 } };
    const id = stage.submitOne(spec);
    stage.give();
    const core = Core.restored(stage.core.snapshotParts());
    expect(core.digest()).toBe(stage.core.digest());
    expect(rowOf({ core }, id)).toEqual(rowOf(stage, id));
    const after = startedCore(undefined, core);
    expect(after.submitOne(spec)).toBe(id);
    after.join('N1', big);
    expect(runAll(after).at(-1)).toMatchObject({ taskId: id, reason: '3,000 succeeded' });
  });

  test('a repair that knows of ends skips those elements, begun or not', () => {
    const stage = startedCore();
    const id = stage.submitOne({ array: { count: 2_000 } });
    const { core } = stage;
    const ended = [id + 1, id + 1_000, id + 1_001].map(taskId);
    const event = { kind: 'journal_repaired', nextTaskId: 1, nextToken: 1, ended } as const;
    core.replay({ sequence: core.state.sequence + 1, atMs: startMs as never, events: [event] });
    expect(core.view().task(taskId(id + 1_000))).toBeUndefined();
    const restored = Core.restored(core.snapshotParts());
    expect(restored.digest()).toBe(core.digest());
    const after = startedCore(undefined, restored);
    after.join('N1', big);
    expect(runAll(after).at(-1)).toMatchObject({
      taskId: id,
      reason: '1,997 succeeded, 3 ended in a part of the journal that was lost',
    });
  });

  test('a repair that knows the end of the array drops its row', () => {
    const { core, submitOne } = startedCore();
    const id = submitOne({ array: { count: 600 } });
    const ended = Array.from({ length: 601 }, (_, at) => taskId(id + at));
    const event = { kind: 'journal_repaired', nextTaskId: 1, nextToken: 1, ended } as const;
    core.replay({ sequence: core.state.sequence + 1, atMs: startMs as never, events: [event] });
    expect(core.state.arrays.size + core.state.tasks.size).toBe(0);
  });
});

describe('refused', () => {
  test('more arrays than may live, and a queue that arrays wait in cannot go', () => {
    const { give, submit, submitOne } = startedCore();
    give({ kind: 'PutQueue', queue: 'q' as never, change: {}, actor });
    const id = submitOne({ array: { count: arrayCountMax }, queue: 'q', notBeforeMs: startMs + 1 });
    const [outcome] = give({ kind: 'RemoveQueue', queue: 'q' as never, actor }).answers;
    expect(outcome).toMatchObject({ ok: false, reason: { code: 'wrong_state', field: 'queue' } });
    give({ kind: 'CancelTask', taskId: id, actor, reason: '' });
    for (let at = 0; at < arraysMax; at += 1)
      submitOne({ array: { count: 1 }, notBeforeMs: startMs + 60_000 });
    expect(submit({ array: { count: 1 } })).toMatchObject([
      { ok: false, refusal: { code: 'too_many', field: 'array' } },
    ]);
  });
});
