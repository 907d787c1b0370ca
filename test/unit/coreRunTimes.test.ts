// How long tasks run, learned from those that ended: what it is used for, what it takes, and what it survives.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { RunTimes } from '../../scheduler/core/state/runTimes.ts';
import { tableParts } from '../../scheduler/core/state/savedTables.ts';
import { why } from '../../scheduler/core/why/why.ts';
import type { Batch } from '../../scheduler/protocol/events.ts';
import { runKindsMax } from '../../scheduler/protocol/limits.ts';
import type { QueueChange } from '../../scheduler/protocol/queue.ts';
import { failure, liveOf, startedCore, startMs, success, taskSpec } from './coreStage.ts';

const minuteMs = 60_000;
const said = { name: 'press 12', expectedMs: 10 * minuteMs, ask: { cpu: 6_000 } };

/** A node of eight cores that has run tasks of one kind for so long each. */
function stageAfter(lengthsMs: readonly number[], { change = {}, end = success, task = said } = {}) {
  const stage = startedCore();
  const { core, give, join, submitOne, jump, beat, ended, started } = stage;
  join('N1', { resources: { cpu: 8_000 } });
  give({ kind: 'PutQueue', queue: taskSpec().queue, change, actor: 'ann' });
  for (const [at, runMs] of lengthsMs.entries()) {
    const id = submitOne({ ...task, name: task.name && `press ${String(at)}` });
    const { token } = liveOf(core, id);
    started('N1', token);
    for (let leftMs = runMs; leftMs > 0; leftMs -= 5_000) {
      jump(Math.min(leftMs, 5_000));
      give(beat('N1', token));
    }
    ended('N1', id, token, end);
    if (core.state.tasks.get(id)) give({ kind: 'CancelTask', taskId: id, actor: 'ann', reason: '' });
  }
  return stage;
}
const lengthIn = (core: Core, task: object): number => core.state.runTimes.lengthOf(taskSpec(task));
const sixOf = (runMs: number): readonly number[] => new Array<number>(6).fill(runMs);

describe('how long a task should run', () => {
  test('is what its like took, once five of them have ended; digits in a name do not matter', () => {
    expect(lengthIn(stageAfter(sixOf(minuteMs).slice(2)).core, said)).toBe(10 * minuteMs);
    const { core } = stageAfter(sixOf(minuteMs));
    expect(lengthIn(core, said)).toBe(minuteMs);
    expect(lengthIn(core, { ...said, name: 'press 99' })).toBe(minuteMs);
  });

  test('is what the task itself says where others differ in name, tenant, queue or what they say', () => {
    const { core } = stageAfter(sixOf(minuteMs));
    const others = [{ name: 'mill' }, { tenant: 'b' }, { queue: 'other' }, { expectedMs: 20 * minuteMs }];
    for (const other of others) {
      const spec = taskSpec({ ...said, ...other });
      expect(core.state.runTimes.lengthOf(spec)).toBe(spec.expectedMs);
    }
  });

  test('is what it says where its like are unlike each other, or failed, or have no name', () => {
    const unlike = [1, 9, 1, 9, 1, 9].map((minutes) => minutes * minuteMs);
    expect(lengthIn(stageAfter(unlike).core, said)).toBe(10 * minuteMs);
    expect(lengthIn(stageAfter(sixOf(minuteMs), { end: failure }).core, said)).toBe(10 * minuteMs);
    const nameless = { ...said, name: '' };
    expect(lengthIn(stageAfter(sixOf(minuteMs), { task: nameless }).core, nameless)).toBe(10 * minuteMs);
  });

  test('is no longer than its timeout, and can be longer than it says', () => {
    const { core } = stageAfter(sixOf(15 * minuteMs));
    expect(lengthIn(core, said)).toBe(15 * minuteMs);
    expect(lengthIn(core, { ...said, timeoutMs: 12 * minuteMs })).toBe(12 * minuteMs);
  });

  test('is what reservations and the expected start go by', () => {
    const { core, submitOne, now } = stageAfter(sixOf(minuteMs), { change: { backfill: 'easy' } });
    submitOne(said);
    const wide = submitOne({ ask: { cpu: 8_000 }, expectedMs: minuteMs });
    expect(core.state.reservations.all.map(({ fromMs }) => fromMs)).toEqual([now() + minuteMs]);
    expect(why(core.state, wide)?.expected?.atMs).toBe(now() + minuteMs);
  });

  test('is the same after a restart from a snapshot, and after a replay', () => {
    const { core } = stageAfter(sixOf(minuteMs));
    const restored = Core.restored([...core.snapshotParts()]);
    expect(restored.digest()).toBe(core.digest());
    expect(lengthIn(restored, said)).toBe(minuteMs);
    expect(restored.state.runTimes.isTrusted(taskSpec().queue)).toBe(
      core.state.runTimes.isTrusted(taskSpec().queue),
    );
  });
});

test('a journal that was written before leaves no trace of it', () => {
  const batches: Batch[] = [];
  const stage = startedCore();
  const keep = (turned: { readonly batch?: Batch | undefined }): void => {
    if (turned.batch) batches.push(turned.batch);
  };
  keep(stage.join('N1'));
  const [outcome] = [stage.give({ kind: 'SubmitTasks', specs: [taskSpec({ name: 'press' })], actor: 'ann' })];
  keep(outcome);
  const [task] = stage.core.state.tasks.all();
  if (!task?.live) throw new Error('it runs');
  keep(stage.ended('N1', task.taskId, task.live.token));
  const old = batches.map((batch) => ({
    ...batch,
    events: batch.events.map((event) =>
      event.kind === 'attempt_ended' ? { kind: event.kind, token: event.token, end: event.end } : event,
    ),
  }));
  const before = startedCore().core;
  for (const batch of old) before.replay(batch);
  expect(tableParts(before.state)).toEqual([]);
  expect(tableParts(stage.core.state).map(({ table }) => table)).toEqual(['runTimes', 'runTrust']);
});

test('kinds are bounded: the one that has not ended for longest is forgotten', () => {
  const times = new RunTimes();
  const specOf = (at: number) => taskSpec({ tenant: `t${String(at)}`, name: 'press', expectedMs: minuteMs });
  for (let at = 0; at <= runKindsMax; at += 1) times.learn(specOf(at), minuteMs);
  const { length } = times.savedKinds();
  expect(length).toBe(runKindsMax);
  expect(times.savedKinds()[0]?.kind).toContain('\nt1\n');
});

describe('expectations that most runs miss', () => {
  const change: QueueChange = { order: 'slowdown', backfill: 'conservative' };
  const task = { ...said, name: '' };
  const keptAfter = (lengthsMs: readonly number[]): number => {
    const { core, submitOne } = stageAfter(lengthsMs, { change, task });
    submitOne(task);
    for (let cpu = 3_000; cpu < 9_000; cpu += 1_000) submitOne({ ask: { cpu }, expectedMs: 60 * minuteMs });
    return core.state.reservations.all.length;
  };
  const manyOf = (runMs: number): readonly number[] => new Array<number>(30).fill(runMs);

  test('are not trusted: room is kept for one, in a queue whose order looks at lengths', () => {
    expect(keptAfter(manyOf(10 * minuteMs))).toBe(4);
    expect(keptAfter(manyOf(minuteMs))).toBe(1);
  });

  test('are forgotten with their queue', () => {
    const times = new RunTimes();
    const spec = taskSpec({ expectedMs: 60 * minuteMs });
    for (let run = 0; run < 64; run += 1) times.learn(spec, minuteMs);
    expect(times.isTrusted(spec.queue)).toBe(false);
    times.forget(spec.queue);
    expect(times.isTrusted(spec.queue)).toBe(true);
  });
});

test('a task that just fills a node goes before one that would leave a rest, where much waits for days', () => {
  const { core, submit, submitOne, jump, give, beat, ended, join } = startedCore();
  join('N1', { resources: { cpu: 8_000 } });
  give({
    kind: 'PutQueue',
    queue: taskSpec().queue,
    change: { order: 'slowdown', backfill: 'easy' },
    actor: 'ann',
  });
  const hourMs = 60 * minuteMs;
  const first = submitOne({ ask: { cpu: 8_000 }, expectedMs: hourMs, timeoutMs: 24 * hourMs });
  const { token } = liveOf(core, first);
  const long = { expectedMs: 12 * hourMs, timeoutMs: 24 * hourMs };
  for (let count = 0; count < 4; count += 1) submit({ ...long, ask: { cpu: 7_000 } });
  const fitting = submitOne({ ...long, ask: { cpu: 8_000 }, expectedMs: 6 * hourMs });
  jump(1_000);
  give(beat('N1', token));
  ended('N1', first, token);
  expect(core.state.tasks.get(fitting)?.state).toBe('dispatched');
  expect(core.state.lastBatchAtMs).toBeGreaterThan(startMs);
});
