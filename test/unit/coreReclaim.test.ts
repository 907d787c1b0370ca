// Quota that is taken back: a queue or tenant below what is guaranteed to it has attempts of equal priority stopped that
// others hold on borrowed quota, and never so many that those get less than is guaranteed to them.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { preemptionOf } from '../../scheduler/core/preempt/nominations.ts';
import { queueName, type TaskId } from '../../scheduler/protocol/brands.ts';
import type { QueueChange, TenantChange } from '../../scheduler/protocol/queue.ts';
import { liveOf, startedCore, success } from './coreStage.ts';
import { preemptStage, small, stopped } from './preemptStage.ts';

const own = { queue: 'press', priority: 2, ask: { cpu: 1_000 } };
const theirs = { ...small, queue: 'paint' };

/** One node of 4 cores; queue `press` may preempt and has two of them guaranteed. */
function plant(nodes: readonly string[] = ['N1']) {
  const stage = preemptStage(nodes);
  const put = (queue: string, change: QueueChange) =>
    stage.give({ kind: 'PutQueue', queue: queueName(queue), change, actor: 'ann' });
  const putTenant = (tenant: string, change: TenantChange) =>
    stage.give({ kind: 'PutTenant', tenant, change, actor: 'ann' });
  put('press', { canPreempt: true, guaranteed: { cpu: 2_000 } });
  put('paint', {});
  const fill = (count: number, input: object = theirs): TaskId[] =>
    Array.from({ length: count }, () => stage.begun(input));
  const stoppedOf = (ids: readonly TaskId[]): number => ids.filter(stage.isStopped).length;
  return { ...stage, put, putTenant, fill, stoppedOf };
}

describe('quota that others borrow', () => {
  test('is taken back at equal priority, up to what is guaranteed and no further', () => {
    const { fill, submit, stoppedOf, core } = plant();
    const borrowed = fill(4);
    const turned = submit(own, own, own);
    expect(turned).toHaveLength(3);
    // One node is kept for one task at a time.
    expect(stoppedOf(borrowed)).toBe(1);
    expect(core.state.preemption.nominations.size).toBe(1);
  });

  test('is taken back task by task, until as much runs as is guaranteed', () => {
    const { fill, submit, stoppedOf, end, isStopped, core, wait } = plant();
    const borrowed = fill(4);
    submit(own, own, own);
    for (let round = 0; round < 2; round += 1) {
      const one = borrowed.find(isStopped);
      if (one === undefined) throw new Error('nothing is stopped');
      end(one);
    }
    wait(2_000);
    expect(stoppedOf(borrowed)).toBe(0);
    expect(core.state.ready.mustGet(queueName('press')).share.active).toBe(2);
  });

  test('says so in the events and in how the attempt ended', () => {
    const { fill, submitOne, end, task } = plant();
    const [victim = 0 as TaskId] = fill(1, { ...theirs, ask: { cpu: 4_000 } });
    const id = submitOne(own);
    expect(task(victim)?.live).toMatchObject({ preemptedBy: id, isReclaimed: true });
    end(victim, { ...stopped, checkpoint: 'half' });
    expect(task(victim)?.past.at(-1)?.end).toMatchObject({
      reason: 'preempted',
      stoppedFor: id,
      checkpoint: 'half',
      message: expect.stringMatching(/guaranteed/) as string,
    });
  });

  test.each([
    ['of higher priority', { priority: 3 }],
    ['not declared preemptible', { isPreemptible: false }],
    ['of the same queue', { queue: 'press', tenant: 'other' }],
  ])('is left where the attempt is %s', (_what, input) => {
    const { fill, submitOne, stoppedOf, put } = plant();
    put('press', { canPreempt: true, guaranteed: { cpu: 6_000 } });
    const others = fill(4, { ...theirs, ...input });
    submitOne(own);
    expect(stoppedOf(others)).toBe(0);
  });

  test('is left where the queue that waits may not preempt, or has nothing guaranteed', () => {
    const { fill, submitOne, stoppedOf, put } = plant();
    const others = fill(4);
    put('press', { canPreempt: null });
    submitOne(own);
    expect(stoppedOf(others)).toBe(0);
    put('press', { canPreempt: true, guaranteed: null });
    expect(stoppedOf(others)).toBe(0);
    put('press', { guaranteed: { cpu: 1_000 } });
    expect(stoppedOf(others)).toBe(1);
  });

  test('is left where the task alone would pass what is guaranteed', () => {
    const { fill, submitOne, stoppedOf } = plant();
    const others = fill(4);
    submitOne({ ...own, ask: { cpu: 2_001 } });
    expect(stoppedOf(others)).toBe(0);
    submitOne({ ...own, ask: { cpu: 2_000 } });
    expect(stoppedOf(others)).toBe(2);
  });

  test('is what lies above the guarantee of who holds it: the rest stays', () => {
    const { fill, submitOne, stoppedOf, put } = plant();
    put('paint', { guaranteed: { cpu: 3_000 } });
    const others = fill(4);
    submitOne({ ...own, ask: { cpu: 2_000 } });
    expect(stoppedOf(others)).toBe(0);
    submitOne(own);
    expect(stoppedOf(others)).toBe(1);
  });

  test('counts what is being stopped already as gone', () => {
    const { fill, submitOne, stoppedOf, put } = plant(['N1', 'N2']);
    put('paint', { guaranteed: { cpu: 7_000 } });
    put('press', { guaranteed: { cpu: 4_000 } });
    const others = fill(8);
    submitOne(own);
    expect(stoppedOf(others)).toBe(1);
    submitOne(own);
    expect(stoppedOf(others)).toBe(1);
  });

  test('of one resource does not touch another that is guaranteed and used in full', () => {
    const { fill, submitOne, isStopped, put } = plant();
    put('paint', { guaranteed: { cpu: 1_000, memory: 1_000 } });
    const [large = 0 as TaskId] = fill(1, { ...theirs, ask: { cpu: 1_000, memory: 1_000 } });
    const [plain = 0 as TaskId] = fill(1, { ...theirs, ask: { cpu: 3_000, memory: 0 } });
    submitOne(own);
    expect([large, plain].map(isStopped)).toEqual([false, true]);
  });

  test('of a tenant is taken back by another tenant of the same queue', () => {
    const { fill, submitOne, stoppedOf, put, putTenant } = plant();
    put('press', { guaranteed: null });
    const others = fill(4, { ...theirs, queue: 'press', tenant: 'guest' });
    submitOne({ ...own, tenant: 'owner' });
    expect(stoppedOf(others)).toBe(0);
    putTenant('owner', { guaranteed: { cpu: 1_000 } });
    expect(stoppedOf(others)).toBe(1);
  });

  test('is what the tenant has beyond its own, too', () => {
    const { fill, submitOne, stoppedOf, putTenant } = plant();
    putTenant('guest', { guaranteed: { cpu: 4_000 } });
    const others = fill(4, { ...theirs, tenant: 'guest' });
    submitOne(own);
    expect(stoppedOf(others)).toBe(0);
    putTenant('guest', { guaranteed: { cpu: 3_000 } });
    expect(stoppedOf(others)).toBe(1);
  });

  test('is looked for again when the holder gets more than its own by what may not be stopped', () => {
    const { begun, submitOne, isStopped, put } = plant(['N1', 'N2']);
    put('paint', { guaranteed: { cpu: 3_000 } });
    const mine = begun({ ...theirs, ask: { cpu: 3_000 }, selector: { node: ['N1'] } });
    submitOne({ ...own, ask: { cpu: 2_000 }, selector: { node: ['N1'] } });
    expect(isStopped(mine)).toBe(false);
    begun({ queue: 'paint', ask: { cpu: 3_000 }, selector: { node: ['N2'] } });
    expect(isStopped(mine)).toBe(true);
  });

  test('is looked for again when what the holder had in full is being stopped for others', () => {
    const { begun, submitOne, isStopped, putTenant, give } = plant(['N1', 'N2', 'N3']);
    putTenant('bob', { guaranteed: { cpu: 1_000, memory: 256 } });
    const bob = (on: string, memory: number) =>
      begun({ ...theirs, tenant: 'bob', ask: { cpu: 4_000, memory }, selector: { node: [on] } });
    const [first, second] = [bob('N1', 128), bob('N2', 128)];
    bob('N3', 0);
    submitOne({ ...own, selector: { node: ['N1'] } });
    expect([first, second].map(isStopped)).toEqual([false, false]);
    submitOne({ queue: 'urgent', priority: 8, ask: { cpu: 4_000 }, selector: { node: ['N2'] } });
    give();
    expect([first, second].map(isStopped)).toEqual([true, true]);
  });

  test('is looked for again when less of the guarantee is in use', () => {
    const { begun, fill, submitOne, stoppedOf, end } = plant(['N1', 'N2']);
    const running = begun({ ...own, ask: { cpu: 2_000 }, selector: { node: ['N2'] } });
    const others = fill(4, { ...theirs, selector: { node: ['N1'] } });
    submitOne({ ...own, selector: { node: ['N1'] } });
    expect(stoppedOf(others)).toBe(0);
    end(running, success);
    expect(stoppedOf(others)).toBe(1);
  });
});

describe('who was stopped', () => {
  test('does not take the room back, and no loop begins', () => {
    const { fill, submitOne, put, end, stoppedOf, task, wait } = plant();
    put('paint', { canPreempt: true, guaranteed: { cpu: 2_000 } });
    const others = fill(4);
    const first = submitOne({ ...own, isPreemptible: true });
    const [victim = 0 as TaskId] = others.filter((id) => task(id)?.live?.preemptedBy === first);
    end(victim);
    expect(task(first)?.state).toBe('dispatched');
    const live = task(first)?.live?.token;
    wait(60_000);
    expect(task(first)?.live?.token).toBe(live);
    expect(task(victim)?.state).toBe('ready');
    expect(stoppedOf([first, ...others])).toBe(0);
  });

  test('never has that one stopped in turn, not even when it is the one below its guarantee', () => {
    const { submitOne, put, begun, end, isStopped } = plant();
    put('paint', { canPreempt: true });
    const mine = begun({ ...theirs, ask: { cpu: 4_000 } });
    const other = submitOne({ ...own, isPreemptible: true, ask: { cpu: 2_000 } });
    end(mine);
    put('press', { guaranteed: null });
    put('paint', { guaranteed: { cpu: 4_000 } });
    expect(isStopped(other)).toBe(false);
    submitOne({ ...theirs, ask: { cpu: 3_000 } });
    expect(isStopped(other)).toBe(true);
  });

  test('keeps for whom, and why, over a restart', () => {
    const { core, fill, submitOne } = plant();
    const [victim = 0 as TaskId] = fill(1, { ...theirs, ask: { cpu: 4_000 } });
    const { token } = liveOf(core, victim);
    const id = submitOne(own);
    const again = startedCore(undefined, Core.restored(core.snapshotParts()));
    expect(again.core.view().why(id)?.dominant).toBe('MAKING_ROOM');
    expect(again.core.state.tasks.get(victim)?.live).toMatchObject({ preemptedBy: id, isReclaimed: true });
    expect(preemptionOf(again.core.state, { taskId: id })?.nodeId).toBe('N1');
    again.join('N1', {}, [{ token, state: 'running' }]);
    again.ended('N1', victim, token, stopped);
    expect(again.core.state.tasks.get(id)?.state).toBe('dispatched');
    const { token: next } = liveOf(again.core, id);
    again.ended('N1', id, next, success);
    expect(again.core.state.tasks.get(victim)?.state).toBe('dispatched');
  });
});
