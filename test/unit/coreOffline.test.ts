// Tasks with an offline limit: nobody else has them before the lease is over, whatever becomes of node and host; and an
// operator may free them early.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { attemptLeaseMs, rejoinWindowMs } from '../../scheduler/protocol/limits.ts';
import { holdOf, offlineLimitMaxMs } from '../../scheduler/protocol/offlineLimits.ts';
import { kindsOf, liveOf, reasonOf, startedCore, taskSpec } from './coreStage.ts';

const limitMs = 600_000;
const leased = { work: { kind: 'simulated', runMs: 10_000_000 }, offlineLimitMs: limitMs };

/** Two nodes; one task with an offline limit, or without, that runs on one of them. */
function stage(input: object = leased) {
  const core = startedCore();
  core.join('N1');
  core.join('N2');
  const taskId = core.submitOne(input);
  const { token, nodeId: holder } = liveOf(core.core, taskId);
  core.started(holder, token);
  const other = holder === 'N1' ? 'N2' : 'N1';
  const otherBeats = () => [core.beat(other)];
  const declare = (name: string = holder) =>
    core.give({ kind: 'DeclareLost', nodeId: nodeId(name), actor: 'ann' });
  return { ...core, taskId, token, holder, other, otherBeats, declare };
}
type Stage = ReturnType<typeof stage>;
const holderNow = ({ core, taskId }: Stage) => core.state.tasks.get(taskId)?.live?.nodeId;

describe('a node falls silent', () => {
  test('a task without a limit goes elsewhere after its short lease', () => {
    const plant = stage({ work: { kind: 'simulated', runMs: 10_000_000 } });
    plant.wait(rejoinWindowMs + attemptLeaseMs, plant.otherBeats);
    expect(holderNow(plant)).toBe(plant.other);
  });

  test('a task with one goes nowhere before limit, drift and margin are over, and then elsewhere', () => {
    const plant = stage();
    const events = plant.wait(holdOf(limitMs) - 1_000, plant.otherBeats);
    expect(kindsOf(events)).toContain('node_lost');
    expect(kindsOf(events)).not.toContain('attempt_ended');
    expect(holderNow(plant)).toBe(plant.holder);
    plant.wait(3_500, plant.otherBeats);
    expect(holderNow(plant)).toBe(plant.other);
  });

  test('every sign of life of the attempt renews the lease', () => {
    const plant = stage();
    plant.wait(limitMs, plant.otherBeats);
    plant.join(plant.holder, {}, [{ token: plant.token, state: 'running' }]);
    plant.wait(holdOf(limitMs) - 1_000, plant.otherBeats);
    expect(holderNow(plant)).toBe(plant.holder);
  });

  test('a node that comes back in time goes on with it: no second attempt, and its result counts', () => {
    const plant = stage();
    plant.wait(limitMs - 1_000, plant.otherBeats);
    const back = plant.join(plant.holder, {}, [{ token: plant.token, state: 'running' }]);
    expect(back.answers[0]).toMatchObject({ ok: true, value: { joined: { revoked: [] } } });
    expect(back.dispatches).toEqual([]);
    const [ended] = plant.ended(plant.holder, plant.taskId, plant.token).ended;
    expect(ended).toMatchObject({ state: 'succeeded', attempts: [{ attempt: 1 }] });
    expect(ended?.attempts).toHaveLength(1);
  });

  test('its agent says that it stopped it at the end of its lease: tried again, and held against nobody', () => {
    const plant = stage();
    plant.wait(30_000, plant.otherBeats);
    plant.join(plant.holder, {}, [{ token: plant.token, state: 'finished' }]);
    plant.ended(plant.holder, plant.taskId, plant.token, { reason: 'lost', message: 'stopped by its agent' });
    plant.wait(3_000, () => [plant.beat('N1'), plant.beat('N2')]);
    const task = plant.core.state.tasks.get(plant.taskId);
    expect(task?.past).toHaveLength(1);
    expect(task?.platformLosses).toBe(1);
    expect(task?.suspectNodes).toEqual([]);
    expect(task?.live).toBeDefined();
  });

  test('the longest lease leaves no timer behind for longer than a minute', () => {
    const plant = stage({ ...leased, offlineLimitMs: offlineLimitMaxMs });
    plant.ended(plant.holder, plant.taskId, plant.token);
    plant.wait(61_000, () => [plant.beat('N1'), plant.beat('N2')]);
    expect(plant.core.state.timers.size).toBe(2); // those of the nodes
  });
});

describe('the host was away', () => {
  const restarted = (plant: Stage) => ({
    ...plant,
    ...startedCore(undefined, Core.restored(plant.core.snapshotParts())),
  });

  test('the lease counts from its return, since its last contact went with its memory', () => {
    const plant = restarted(stage());
    plant.join(plant.other);
    plant.wait(rejoinWindowMs + 60_000, () => [plant.beat(plant.other)]);
    expect(holderNow(plant)).toBe(plant.holder);
    plant.wait(holdOf(limitMs), () => [plant.beat(plant.other)]);
    expect(holderNow(plant)).toBe(plant.other);
  });

  test('for 72 h: what agents hold is adopted, and nothing starts again', () => {
    const before = stage({ work: { kind: 'simulated', runMs: 10_000_000 } });
    const plant = restarted(before);
    plant.jump(offlineLimitMaxMs);
    plant.give({ kind: 'StartEpoch', seed: 9 });
    const back = plant.join(plant.holder, {}, [{ token: plant.token, state: 'running' }]);
    plant.join(plant.other);
    plant.wait(rejoinWindowMs + 30_000, () => [
      plant.beat(plant.holder, plant.token),
      plant.beat(plant.other),
    ]);
    expect(back.dispatches).toEqual([]);
    expect(liveOf(plant.core, plant.taskId).token).toBe(plant.token);
  });
});

describe('declaring a node lost', () => {
  test('frees its tasks at once, and says who did it', () => {
    const plant = stage();
    plant.wait(rejoinWindowMs, plant.otherBeats);
    expect(plant.core.view().node(nodeId(plant.holder))?.heldUntilMs).toBeGreaterThan(
      plant.now() + limitMs / 2,
    );
    expect(kindsOf(plant.declare().events)).toContain('attempt_ended');
    plant.wait(2_500, plant.otherBeats);
    expect(holderNow(plant)).toBe(plant.other);
    const task = plant.core.state.tasks.get(plant.taskId);
    expect(task?.past[0]?.end).toMatchObject({
      reason: 'lost',
      message: `ann declared node ${plant.holder} lost`,
    });
    expect(task?.suspectNodes).toEqual([]);
  });

  test('a node that comes back is told that its attempts are not its any more, and their results are stale', () => {
    const plant = stage();
    plant.wait(rejoinWindowMs, plant.otherBeats);
    plant.declare();
    const back = plant.join(plant.holder, {}, [{ token: plant.token, state: 'running' }]);
    expect(back.answers[0]).toMatchObject({ ok: true, value: { joined: { revoked: [plant.token] } } });
    expect(plant.ended(plant.holder, plant.taskId, plant.token).ended).toEqual([]);
  });

  test.each([
    ['one that is connected', (plant: Stage) => plant.declare(plant.other), 'is connected'],
    ['one nobody knows', (plant: Stage) => plant.declare('N9'), 'not known'],
  ])('%s is refused', (_what, declare, said) => {
    const plant = stage();
    plant.wait(rejoinWindowMs, plant.otherBeats);
    expect(reasonOf(declare(plant).answers[0])?.message).toContain(said);
  });

  test('is refused while nodes have time to come back after a start of the host', () => {
    const plant = stage();
    plant.give({ kind: 'DisconnectNode', nodeId: nodeId(plant.holder) });
    const reason = reasonOf(plant.declare().answers[0]);
    expect(reason).toMatchObject({ code: 'wrong_state', field: 'nodeId' });
    expect(reason?.retryAfterMs).toBeGreaterThan(0);
    expect(holderNow(plant)).toBe(plant.holder);
  });
});

test('a task that may be copied cannot have an offline limit, and the limit has bounds', () => {
  expect(() => taskSpec({ ...leased, isRepeatable: true })).toThrow('only one of them');
  expect(() => taskSpec({ ...leased, offlineLimitMs: 29_999 })).toThrow();
  expect(() => taskSpec({ ...leased, offlineLimitMs: offlineLimitMaxMs + 1 })).toThrow();
});
