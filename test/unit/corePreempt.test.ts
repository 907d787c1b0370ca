// Attempts that are stopped for tasks of higher priority: which, how, what becomes of them, and who gets their room.
import { expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { preemptionOf } from '../../scheduler/core/preempt/nominations.ts';
import { ownAttempts } from '../../scheduler/core/state/taskTable.ts';
import { queueName } from '../../scheduler/protocol/brands.ts';
import { preemptionsPerMinuteMax, preemptionsPerTaskMax } from '../../scheduler/protocol/limits.ts';
import { kindsOf, liveOf, startedCore, success } from './coreStage.ts';
import { isBeingStopped, small, preemptStage as stage, stopped, stops, urgent } from './preemptStage.ts';

test('the victim is asked to stop, goes back in line with its checkpoint, and the other task takes its room', () => {
  const { core, submitOne, begun, end, task } = stage();
  const low = begun({ ...small, ask: { cpu: 4_000 }, retry: { attemptsMax: 1 } });
  const { token } = liveOf(core, low);
  const high = submitOne(urgent);
  expect(task(low)?.live?.preemptedBy).toBe(high);
  expect(task(high)?.state).toBe('ready');
  expect(preemptionOf(core.state, { taskId: high })?.nodeId).toBe('N1');
  expect(core.view().why(high)).toMatchObject({
    dominant: 'MAKING_ROOM',
    verdict: 'later',
    causes: [{ facts: { node: 'N1', attempts: 1 } }, { reason: 'NO_NODE_FITS' }],
    expected: { basis: 'ends' },
  });
  const turned = end(low, { ...stopped, checkpoint: 'half' });
  expect(kindsOf(turned.events)).toEqual([
    'attempt_ended',
    'task_backed_off',
    'task_ready',
    'attempt_placed',
  ]);
  expect(turned.dispatches.map(({ taskId }) => taskId)).toEqual([high]);
  expect(task(low)?.past).toMatchObject([{ token, end: { reason: 'preempted', checkpoint: 'half' } }]);
  expect(task(low)?.past[0]?.end).toMatchObject({
    message: expect.stringMatching(/^stopped for \S+$/) as string,
    stoppedFor: high,
  });
  expect(ownAttempts(core.state.tasks.mustGet(low))).toBe(0);
  expect(preemptionOf(core.state, { taskId: high })).toBeUndefined();
  const again = end(high, success).dispatches;
  expect(again.map(({ taskId, checkpoint }) => [taskId, checkpoint])).toContainEqual([low, 'half']);
});

test('the stop leaves with the request, and again when the agent comes back', () => {
  const { core, join, submit, begun, submitOne } = stage();
  const low = begun({ ...small, ask: { cpu: 4_000 } });
  const { token } = liveOf(core, low);
  const turned = submit(urgent);
  expect(turned).toHaveLength(1);
  submitOne({});
  expect(join('N1', {}, [{ token, state: 'running' }]).stops).toEqual([token]);
});

test('as few as needed, the lowest priority first, then the least time lost', () => {
  const { wait, begun, submitOne, isStopped } = stage();
  const old = begun({ ...small, priority: 1 });
  wait(2_000);
  const young = begun({ ...small, priority: 1 });
  const higher = begun({ ...small, priority: 3 });
  const other = begun({ ...small, priority: 3 });
  submitOne({ ...urgent, ask: { cpu: 1_000 } });
  expect([old, young, higher, other].map(isStopped)).toEqual([false, true, false, false]);
  submitOne({ ...urgent, priority: 7, ask: { cpu: 1_000 } });
  // The node is kept for the first one until it has its room.
  expect([old, young, higher, other].map(isStopped)).toEqual([false, true, false, false]);
});

test('a large attempt that makes room alone is stopped rather than small ones beside it', () => {
  const { begun, submitOne, isStopped } = stage();
  const small1 = begun({ ...small, priority: 1 });
  const large = begun({ ...small, priority: 2, ask: { cpu: 3_000 } });
  submitOne({ ...urgent, ask: { cpu: 3_000 } });
  expect([small1, large].map(isStopped)).toEqual([false, true]);
});

test('of several nodes the one with fewest to stop', () => {
  const { core, begun, submitOne, isStopped } = stage(['N1', 'N2']);
  const four = Array.from({ length: 4 }, () => begun({ ...small, selector: { node: ['N1'] } }));
  const one = begun({ ...small, priority: 5, ask: { cpu: 4_000 } });
  expect(liveOf(core, one).nodeId).toBe('N2');
  submitOne(urgent);
  expect([...four, one].map(isStopped)).toEqual([false, false, false, false, true]);
});

test.each([
  ['of equal priority', { priority: 8 }],
  ['not declared preemptible', { isPreemptible: false }],
  ['at most once', { delivery: 'at_most_once' }],
  ['a member of a gang', { gang: { size: 2 }, ask: { cpu: 2_000 }, selector: {} }],
])('what is %s is left to run', (_what, input) => {
  const { core, submit, submitOne } = stage();
  submit({ ...small, ask: { cpu: 4_000 }, ...input });
  expect(core.state.tasks.countOf('dispatched')).toBeGreaterThan(0);
  submitOne(urgent);
  const placed = [...core.state.tasks.placed()];
  expect(placed.map(({ live }) => live?.preemptedBy)).toEqual(placed.map(() => undefined));
});

test('tasks of other queues have nothing stopped, however long they wait; once the queue may, it does', () => {
  const { give, wait, begun, submitOne, isStopped } = stage();
  const low = begun({ ...small, ask: { cpu: 4_000 } });
  submitOne({ priority: 9, ask: { cpu: 4_000 } });
  expect(stops(wait(60_000))).toEqual([]);
  give({ kind: 'PutQueue', queue: queueName('default'), change: { canPreempt: true }, actor: 'ann' });
  expect(isStopped(low)).toBe(true);
});

test('ageing counts for nothing: only the priority that was stated', () => {
  const { wait, begun, submitOne } = stage();
  begun({ ...small, priority: 8, ask: { cpu: 4_000 } });
  submitOne(urgent);
  expect(stops(wait(600_000))).toEqual([]);
});

test('a victim that succeeds in its grace has succeeded', () => {
  const { begun, submitOne, end, task } = stage();
  const low = begun({ ...small, ask: { cpu: 4_000 } });
  const high = submitOne(urgent);
  const turned = end(low, success);
  expect(turned.ended.map(({ taskId, state }) => [taskId, state])).toEqual([[low, 'succeeded']]);
  expect(task(high)?.state).toBe('dispatched');
});

test('a victim that is cancelled meanwhile ends as cancelled', () => {
  const { give, begun, submitOne, end, task } = stage();
  const low = begun({ ...small, ask: { cpu: 4_000 } });
  const high = submitOne(urgent);
  give({ kind: 'CancelTask', taskId: low, actor: 'ann', reason: '' });
  const [record] = end(low).ended;
  expect(record?.state).toBe('cancelled');
  expect(record?.attempts.at(-1)?.end?.reason).toBe('cancelled');
  expect(task(high)?.state).toBe('dispatched');
});

test('the one that it was stopped for is cancelled: the room is for all again', () => {
  const { core, give, begun, submitOne, end, task } = stage();
  const low = begun({ ...small, ask: { cpu: 4_000 } });
  const high = submitOne(urgent);
  give({ kind: 'CancelTask', taskId: high, actor: 'ann', reason: '' });
  expect(core.state.nodes.kept.size).toBe(0);
  end(low);
  expect(task(low)?.state).toBe('dispatched');
  expect(task(low)?.past.at(-1)?.end?.reason).toBe('preempted');
});

test('nobody else takes the room, not even one that would fit beside what still runs', () => {
  const { core, begun, submitOne, end, task } = stage();
  const [a, b] = [begun({ ...small, ask: { cpu: 2_000 } }), begun({ ...small, ask: { cpu: 2_000 } })];
  const high = submitOne(urgent);
  end(a);
  const other = submitOne({ priority: 9, ask: { cpu: 100 } });
  expect(task(other)?.state).toBe('ready');
  expect(core.view().why(other)?.dominant).toBe('RESERVED');
  end(b);
  expect(task(high)?.state).toBe('dispatched');
  end(high, success);
  expect(task(other)?.state).toBe('dispatched');
});

test('room that does not come in time is given up', () => {
  const { core, wait, begun, submitOne } = stage();
  begun({ ...small, ask: { cpu: 4_000 } });
  const high = submitOne(urgent);
  const untilMs = preemptionOf(core.state, { taskId: high })?.untilMs ?? 0;
  wait(untilMs - 1_000 - core.state.ready.nowMs);
  expect(core.state.nodes.kept.size).toBe(1);
  wait(1_500);
  expect(core.state.nodes.kept.size).toBe(0);
  expect(preemptionOf(core.state, { taskId: high })).toBeUndefined();
});

test('the node is lost meanwhile: its attempt is lost, and others are stopped in its place', () => {
  const { core, begun, submitOne, task, isStopped, waitWith, beat } = stage(['N1', 'N2']);
  const low = begun({ ...small, priority: 1, ask: { cpu: 4_000 } });
  const next = begun({ ...small, priority: 2, ask: { cpu: 4_000 } });
  const high = submitOne(urgent);
  expect([low, next].map(isStopped)).toEqual([true, false]);
  const { nodeId: left, token } = liveOf(core, next);
  const events = waitWith(25_000, () => [beat(left, token)]);
  expect(kindsOf(events)).toContain('node_lost');
  expect(task(low)?.past.at(-1)?.end?.reason).toBe('lost');
  expect(isStopped(next)).toBe(true);
  expect(preemptionOf(core.state, { taskId: high })?.nodeId).toBe(left);
});

test('a restart between the request and the end keeps who is stopped for whom', () => {
  const { core, begun, submitOne } = stage();
  const low = begun({ ...small, ask: { cpu: 4_000 } });
  const { token } = liveOf(core, low);
  const high = submitOne(urgent);
  const again = startedCore(undefined, Core.restored(core.snapshotParts()));
  expect(again.core.state.tasks.get(low)?.live?.preemptedBy).toBe(high);
  expect(preemptionOf(again.core.state, { taskId: high })?.nodeId).toBe('N1');
  expect(again.join('N1', {}, [{ token, state: 'running' }]).stops).toEqual([token]);
  const other = again.submitOne({ priority: 9 });
  again.ended('N1', low, token, stopped);
  expect(again.core.state.tasks.get(high)?.state).toBe('dispatched');
  expect(again.core.state.tasks.get(low)?.past.at(-1)?.end?.reason).toBe('preempted');
  expect(again.core.state.tasks.get(other)?.state).toBe('ready');
});

test('nothing is stopped in the minute after a start; then it is, without anybody asking again', () => {
  const { give, join, submitOne, wait, beat, core } = startedCore();
  give({ kind: 'PutQueue', queue: queueName('urgent'), change: { canPreempt: true }, actor: 'ann' });
  join('N1');
  const low = submitOne({ ...small, ask: { cpu: 4_000 } });
  submitOne(urgent);
  const { token } = liveOf(core, low);
  expect(stops(wait(59_000, () => [beat('N1', token)]))).toEqual([]);
  expect(core.nextDueMs()).toBeDefined();
  expect(stops(wait(1_500, () => [beat('N1', token)]))).toEqual([token]);
});

test('so many in a minute and no more; the rest when the minute is over', () => {
  const { core, wait, submit } = stage(Array.from({ length: 200 }, (_, at) => `N${String(at)}`));
  submit(...Array.from({ length: 800 }, () => ({ ...small, graceMs: 500_000, timeoutMs: 900_000 })));
  wait(5_000);
  const ask = { ...urgent, ask: { cpu: 4_000 } };
  submit(...Array.from({ length: 200 }, () => ask));
  const requested = (): number => [...core.state.tasks.placed()].filter(isBeingStopped).length;
  wait(10_000);
  expect(requested()).toBe(preemptionsPerMinuteMax);
  wait(61_000);
  expect(requested()).toBe(800);
});

test('one task is stopped a few times at most', () => {
  const { begun, submitOne, end, task, isStopped, started, core } = stage();
  const low = begun({ ...small, ask: { cpu: 4_000 }, retry: { attemptsMax: 1 } });
  for (let round = 0; round < preemptionsPerTaskMax; round += 1) {
    const high = submitOne(urgent);
    expect(isStopped(low)).toBe(true);
    end(low, { reason: 'signal', signal: 'SIGTERM' });
    end(high, success);
    const live = liveOf(core, low);
    started(live.nodeId, live.token);
  }
  submitOne(urgent);
  expect(isStopped(low)).toBe(false);
  expect(end(low, success).ended[0]?.attempts).toHaveLength(preemptionsPerTaskMax + 1);
  expect(task(low)).toBeUndefined();
});

test('an attempt that comes later is stopped for a task that waited before', () => {
  const { core, wait, begun, submitOne, end, isStopped } = stage();
  const fixed = begun({ ask: { cpu: 4_000 } });
  const high = submitOne({ ...urgent, ask: { cpu: 4_000 }, priority: 4 });
  expect(stops(wait(2_000))).toEqual([]);
  const low = submitOne({ ...small, ask: { cpu: 4_000 } });
  core.state.ready.put(queueName('urgent'), { weight: 1, mode: 'paused', canPreempt: true });
  end(fixed, success);
  expect(liveOf(core, low).nodeId).toBe('N1');
  expect(isStopped(low)).toBe(false);
  core.state.ready.put(queueName('urgent'), { weight: 1, mode: 'open', canPreempt: true });
  wait(500);
  expect([isStopped(low), preemptionOf(core.state, { taskId: high })?.nodeId]).toEqual([true, 'N1']);
});

test('an agent cannot say of itself that its attempt was stopped for another', () => {
  const { begun, end, task } = stage();
  const low = begun({ ...small, retry: { attemptsMax: 2 } });
  end(low, { reason: 'preempted' });
  expect(task(low)?.past.at(-1)?.end?.reason).toBe('cancelled');
});
