// Room kept for tasks that fit nowhere: who may pass them, when they get it, and what a queue can say about it.
import { describe, expect, test } from 'vitest';
import { why } from '../../scheduler/core/why/why.ts';
import type { Token } from '../../scheduler/protocol/brands.ts';
import type { QueueChange } from '../../scheduler/protocol/queue.ts';
import { liveOf, startedCore, taskSpec } from './coreStage.ts';

const minuteMs = 60_000;
const wide = { ask: { cpu: 8_000 }, expectedMs: minuteMs };
const narrow = (expectedMs: number, cpu = 2_000) => ({ ask: { cpu }, expectedMs });

/** A node of eight cores, six of them taken for ten minutes. */
function stageWith(change: QueueChange) {
  const stage = startedCore();
  stage.join('N1', { resources: { cpu: 8_000 } });
  stage.give({ kind: 'PutQueue', queue: taskSpec().queue, change, actor: 'ann' });
  const first = stage.submitOne(narrow(10 * minuteMs, 6_000));
  const { token } = liveOf(stage.core, first);
  const stateOf = (id: typeof first) => stage.core.state.tasks.get(id)?.state;
  const waitAlive = (forMs: number, ...tokens: Token[]) =>
    stage.wait(forMs, () => [stage.beat('N1', token, ...tokens)]);
  return { ...stage, first, token, stateOf, waitAlive };
}

describe('several for which room is kept on one node', () => {
  test('keep their times where one of them leaves: who may start sooner takes nothing from those after him', () => {
    const stage = startedCore();
    stage.join('N1', { resources: { cpu: 8_000 } });
    const change = { backfill: 'conservative' } as const;
    stage.give({ kind: 'PutQueue', queue: taskSpec().queue, change, actor: 'ann' });
    stage.submitOne(narrow(10 * minuteMs, 8_000));
    const leaving = stage.submitOne(narrow(20 * minuteMs, 5_000)); // 10 to 30
    stage.submitOne(narrow(10 * minuteMs, 8_000)); // 30 to 40
    const last = stage.submitOne(narrow(20 * minuteMs, 3_000)); // 10 to 30, beside the one that leaves
    const fromMsOf = (id: typeof last) =>
      stage.core.state.reservations.all.find(({ task }) => task.taskId === id)?.fromMs ?? 0;
    stage.wait(2_000);
    const promisedMs = fromMsOf(last);
    expect(fromMsOf(leaving)).toBe(promisedMs);
    stage.give({ kind: 'CancelTask', taskId: leaving, actor: 'ann', reason: '' });
    expect(fromMsOf(last)).toBe(promisedMs);
  });
});

describe('a task that fits nowhere', () => {
  test('is passed by those that end before it could start, and by no others', () => {
    const { submitOne, stateOf, core } = stageWith({ backfill: 'easy' });
    const kept = submitOne(wide);
    const long = submitOne(narrow(20 * minuteMs));
    const short = submitOne(narrow(5 * minuteMs));
    expect([kept, long, short].map(stateOf)).toEqual(['ready', 'ready', 'dispatched']);
    expect(core.state.reservations.all.map(({ task }) => task.taskId)).toEqual([kept]);
  });

  test('is passed by those that leave it enough beside them, however long they run', () => {
    const { submitOne, stateOf } = stageWith({ backfill: 'easy' });
    const kept = submitOne({ ...wide, ask: { cpu: 6_000 } });
    const long = submitOne(narrow(60 * minuteMs));
    expect([kept, long].map(stateOf)).toEqual(['ready', 'dispatched']);
  });

  test('starts as soon as there is room, before its time too', () => {
    const { submitOne, ended, stateOf, first, token } = stageWith({ backfill: 'easy' });
    const kept = submitOne(wide);
    const long = submitOne(narrow(20 * minuteMs));
    ended('N1', first, token);
    expect([kept, long].map(stateOf)).toEqual(['dispatched', 'ready']);
  });

  test('is passed by all where the queue keeps nothing', () => {
    const { submitOne, stateOf } = stageWith({ backfill: 'off' });
    const kept = submitOne(wide);
    const long = submitOne(narrow(20 * minuteMs));
    expect([kept, long].map(stateOf)).toEqual(['ready', 'dispatched']);
  });

  test('has room kept for it after a minute where the queue says nothing', () => {
    const { submitOne, stateOf, waitAlive } = stageWith({});
    const kept = submitOne(wide);
    waitAlive(2 * minuteMs);
    const long = submitOne(narrow(20 * minuteMs));
    expect([kept, long].map(stateOf)).toEqual(['ready', 'ready']);
  });

  test('leaves what was kept to others where it found room elsewhere', () => {
    const { submitOne, stateOf, join, core } = stageWith({ backfill: 'easy' });
    const kept = submitOne(wide);
    const long = submitOne(narrow(20 * minuteMs));
    expect(stateOf(long)).toBe('ready');
    join('N2', { resources: { cpu: 8_000 } });
    expect([kept, long].map(stateOf)).toEqual(['dispatched', 'dispatched']);
    expect(liveOf(core, kept).nodeId).toBe('N2');
    expect(liveOf(core, long).nodeId).toBe('N1');
  });

  test('gets no room kept where a maintenance window would run into it, and loses it where one comes', () => {
    const { submitOne, give, wait, core, now } = stageWith({ backfill: 'easy' });
    const window = (fromMs: number) =>
      give({
        kind: 'PutWindow',
        window: { id: 'w', scope: { node: ['N1'] }, fromMs, untilMs: fromMs + 60 * minuteMs, note: '' },
        actor: 'ann',
      });
    submitOne(wide);
    expect(core.state.reservations.all).toHaveLength(1);
    window(now() + 10 * minuteMs);
    expect(core.state.reservations.all).toEqual([]);
    window(now() + 12 * minuteMs);
    wait(2_000);
    expect(core.state.reservations.all).toHaveLength(1);
  });

  test('is not passed by a task that wants the node alone for longer', () => {
    const { submitOne, stateOf, ended, first, token } = stageWith({ backfill: 'easy' });
    ended('N1', first, token);
    const running = submitOne(narrow(10 * minuteMs, 4_000));
    const other = submitOne(wide);
    expect([running, other].map(stateOf)).toEqual(['dispatched', 'ready']);
    const alone = { placement: { isExclusive: true } };
    const passing = submitOne({ ...narrow(20 * minuteMs, 100), ...alone });
    expect(stateOf(passing)).toBe('ready');
  });

  test('is promised a node that another has alone only for when that should have ended', () => {
    const { submitOne, ended, core, now, first, token } = stageWith({ backfill: 'easy' });
    ended('N1', first, token);
    submitOne({ ...narrow(10 * minuteMs, 1_000), placement: { isExclusive: true } });
    submitOne(narrow(minuteMs, 1_000));
    const [kept] = core.state.reservations.all;
    expect(kept?.fromMs).toBe(now() + 10 * minuteMs);
  });

  test('is promised a later time where what runs there began late', () => {
    const { submitOne, started, jump, give, core, now, token } = stageWith({ backfill: 'easy' });
    submitOne(wide);
    jump(5_000);
    started('N1', token);
    give();
    expect(core.state.reservations.all[0]?.fromMs).toBe(now() + 10 * minuteMs);
  });

  test('keeps nothing any more once it is cancelled, or its node is cordoned', () => {
    for (const end of ['cancel', 'cordon'] as const) {
      const { submitOne, give, core, first } = stageWith({ backfill: 'easy' });
      const kept = submitOne(wide);
      const { nodeId } = liveOf(core, first);
      if (end === 'cancel') give({ kind: 'CancelTask', taskId: kept, actor: 'ann', reason: '' });
      else give({ kind: 'SetCordon', nodeId, isCordoned: true, actor: 'ann' });
      expect(core.state.reservations.all).toEqual([]);
    }
  });
});

test('conservative keeps room for several, one after the other', () => {
  const { submitOne, stateOf, core, now } = stageWith({ backfill: 'conservative' });
  const first = submitOne(wide);
  const second = submitOne({ ...wide, ask: { cpu: 7_000 } });
  const from = core.state.reservations.all.map(({ task, fromMs }) => [task.taskId, fromMs - now()]);
  expect(from).toEqual([
    [first, 10 * minuteMs],
    [second, 11 * minuteMs],
  ]);
  const between = submitOne(narrow(11 * minuteMs, 1_000));
  expect(stateOf(between)).toBe('ready');
});

test('an attempt that runs longer than expected counts as ending soon', () => {
  const { submitOne, stateOf, waitAlive } = stageWith({ backfill: 'easy' });
  const kept = submitOne(wide);
  waitAlive(11 * minuteMs);
  const short = submitOne(narrow(minuteMs));
  expect([kept, short].map(stateOf)).toEqual(['ready', 'ready']);
});

test('why says for whom a node is kept', () => {
  const { submitOne, core } = stageWith({ backfill: 'easy' });
  submitOne(wide);
  const long = submitOne(narrow(20 * minuteMs));
  const answer = why(core.state, long);
  expect(answer?.dominant).toBe('RESERVED');
  expect(answer?.nearMisses[0]?.lacks[0]?.has).toMatch(/^kept for /);
});

describe('the order slowdown', () => {
  const change: QueueChange = { order: 'slowdown', backfill: 'easy' };

  test('short tasks go before long ones that came earlier', () => {
    const { submitOne, ended, stateOf, first, token, waitAlive } = stageWith(change);
    const long = submitOne({ ask: { cpu: 7_000 }, expectedMs: 60 * minuteMs });
    waitAlive(minuteMs);
    const short = submitOne({ ask: { cpu: 7_000 }, expectedMs: 10_000 });
    ended('N1', first, token);
    expect([long, short].map(stateOf)).toEqual(['ready', 'dispatched']);
  });

  test('nobody waits without end: after days tasks go as they came', () => {
    const { submitOne, ended, stateOf, first, token, jump, give, beat } = stageWith(change);
    const long = submitOne({ ask: { cpu: 7_000 }, expectedMs: 60 * minuteMs });
    for (let hour = 0; hour < 80; hour += 1) {
      jump(60 * minuteMs);
      give(beat('N1', token));
    }
    const short = submitOne({ ask: { cpu: 7_000 }, expectedMs: 10_000 });
    ended('N1', first, token);
    expect([long, short].map(stateOf)).toEqual(['dispatched', 'ready']);
  });

  test('each step of priority doubles what a task counts for', () => {
    const { submitOne, ended, stateOf, first, token } = stageWith(change);
    const plain = submitOne({ ask: { cpu: 7_000 }, expectedMs: 10_000, priority: 0 });
    const urgent = submitOne({ ask: { cpu: 7_000 }, expectedMs: 40_000, priority: 9 });
    ended('N1', first, token);
    expect([plain, urgent].map(stateOf)).toEqual(['ready', 'dispatched']);
  });
});
