// Queues and tenants as limits on what starts: modes, limits, quotas, rates, whose turn it is, and what says so.
import { describe, expect, test } from 'vitest';
import { gateOf } from '../../scheduler/core/queue/gates.ts';
import { type QueueName, queueName, type TaskId } from '../../scheduler/protocol/brands.ts';
import { rejoinWindowMs } from '../../scheduler/protocol/limits.ts';
import type { QueueChange, TenantChange } from '../../scheduler/protocol/queue.ts';
import { MissedDeadlines } from '../../scheduler/observe/missedDeadlines.ts';
import { liveOf, mustTaskId, reasonOf, startedCore } from './coreStage.ts';

const actor = 'ann';
const press = queueName('press');
const paint = queueName('paint');

function plant(nodes = 1) {
  const stage = startedCore();
  stage.wait(rejoinWindowMs + 1_000);
  for (let at = 0; at < nodes; at += 1)
    stage.join(`N${String(at)}`, { resources: { slots: 64, gpuDevices: 2 } });
  const { core } = stage;
  const put = (queue: QueueName, change: QueueChange) =>
    stage.give({ kind: 'PutQueue', queue, change, actor });
  const putTenant = (tenant: string, change: TenantChange) =>
    stage.give({ kind: 'PutTenant', tenant, change, actor });
  const many = (count: number, input: object): TaskId[] =>
    stage.submit(...Array.from({ length: count }, () => input)).map(mustTaskId);
  const gate = (id: TaskId) => gateOf(core.state, core.state.tasks.mustGet(id));
  const activeOf = (queue: QueueName) => core.state.ready.mustGet(queue).share.active;
  const rowOf = (queue: QueueName) =>
    core
      .view()
      .queues()
      .find((row) => row.queue === queue);
  const tenantRow = (tenant: string) =>
    core
      .view()
      .tenants()
      .find((row) => row.tenant === tenant);
  const finish = (id: TaskId) => {
    const { token, nodeId } = liveOf(core, id);
    return stage.ended(nodeId, id, token);
  };
  return { ...stage, put, putTenant, many, gate, activeOf, rowOf, tenantRow, finish };
}

describe('the mode of a queue', () => {
  test('paused: it takes tasks and starts none, says so, and starts them once it is open', () => {
    const { put, many, gate, activeOf, rowOf, core } = plant();
    put(press, { mode: 'paused' });
    const [id = 0 as TaskId] = many(2, { queue: press });
    expect(activeOf(press)).toBe(0);
    expect(gate(id)).toBe('QUEUE_PAUSED');
    expect(core.view().why(id)?.dominant).toBe('QUEUE_PAUSED');
    expect(rowOf(press)).toMatchObject({ gate: 'QUEUE_PAUSED', ready: 0, backlog: 2 });
    put(press, { mode: 'open' });
    expect(activeOf(press)).toBe(2);
    expect(rowOf(press)?.gate).toBeUndefined();
  });

  test('draining: it refuses tasks in words and finishes those that it has', () => {
    const { put, many, submit, activeOf, finish, give, core } = plant();
    put(press, { mode: 'paused' });
    const [first = 0 as TaskId] = many(2, { queue: press });
    put(press, { mode: 'draining' });
    expect(activeOf(press)).toBe(2);
    const [refused] = submit({ queue: press });
    expect(refused).toMatchObject({ ok: false, refusal: { code: 'wrong_state', field: 'queue' } });
    expect(JSON.stringify(refused)).toContain('queue press is draining');
    const record = finish(first).ended[0];
    expect(core.state.ready.mustGet(press).share.live).toBe(1);
    if (!record) throw new Error('it has ended');
    const requeue = { kind: 'RequeueTask', record: { ...record, state: 'cancelled' }, actor } as const;
    expect(reasonOf(give(requeue).answers[0])?.code).toBe('wrong_state');
  });

  test('a queue is removed once it has no live task; the one that tasks go to without a name stays', () => {
    const { put, many, give, finish, core } = plant();
    put(press, {});
    const [id = 0 as TaskId] = many(1, { queue: press });
    const remove = (queue: QueueName) => reasonOf(give({ kind: 'RemoveQueue', queue, actor }).answers[0]);
    expect(remove(press)?.message).toContain('1 live tasks');
    finish(id);
    expect(remove(press)).toBeUndefined();
    expect(core.state.ready.queues.has(press)).toBe(false);
    expect(remove(press)?.code).toBe('unknown_queue');
    expect(remove(queueName('default'))?.code).toBe('wrong_state');
  });
});

describe('limits', () => {
  test('runningMax bounds the attempts of a queue at a time', () => {
    const { put, many, gate, activeOf, rowOf, finish } = plant();
    put(press, { runningMax: 2 });
    const [first = 0 as TaskId, , third = 0 as TaskId] = many(3, { queue: press });
    expect(activeOf(press)).toBe(2);
    expect(gate(third)).toBe('QUEUE_RUNNING_MAX');
    expect(rowOf(press)?.gate).toBe('QUEUE_RUNNING_MAX');
    finish(first);
    expect(activeOf(press)).toBe(2);
    expect(gate(third)).toBe('QUEUE_RUNNING_MAX'); // of a task that runs: what it would meet
  });

  test('runningMax of a tenant holds over all queues, and others pass', () => {
    const { put, putTenant, many, gate, core, tenantRow } = plant();
    put(press, {});
    putTenant('ann', { runningMax: 2 });
    many(1, { queue: press, tenant: 'ann' });
    const [, second = 0 as TaskId] = many(2, { tenant: 'ann' });
    expect(gate(second)).toBe('TENANT_RUNNING_MAX');
    expect(tenantRow('ann')).toMatchObject({ gate: 'TENANT_RUNNING_MAX', active: 2, live: 3 });
    const [other = 0 as TaskId] = many(1, { tenant: 'bob' });
    expect(core.state.tasks.get(other)?.live).toBeDefined();
    putTenant('ann', { runningMax: null });
    expect(core.state.tasks.get(second)?.live).toBeDefined();
  });

  test('depthMax refuses with a wait that follows from how fast tasks of this queue end', () => {
    const { put, many, submit, core, now } = plant();
    put(press, { depthMax: 100 });
    many(100, { queue: press });
    const refusal = submit({ queue: press })[0];
    expect(refusal).toMatchObject({ ok: false, refusal: { code: 'queue_full', retryAfterMs: 60_000 } });
    expect(JSON.stringify(refusal)).toContain('queue press holds its 100 tasks');
    // Others end fast; that says nothing of this one. Ten places, a tenth of it, at 2 per second are 5 s.
    for (let at = 0; at < 100; at += 1) core.state.ends.count(now() - 1);
    for (let at = 0; at <= 20; at += 1)
      core.state.ready.mustGet(press).share.ends.count(now() - 10_000 + at * 500);
    expect(submit({ queue: press })[0]).toMatchObject({ refusal: { retryAfterMs: 5_000 } });
    expect(submit({})[0]).toMatchObject({ ok: true });
  });

  test('depthMax of a tenant is its own', () => {
    const { putTenant, submit } = plant();
    putTenant('ann', { depthMax: 1 });
    expect(submit({ tenant: 'ann' }, { tenant: 'ann' }, { tenant: 'bob' })).toMatchObject([
      { ok: true },
      { ok: false, refusal: { code: 'queue_full' } },
      { ok: true },
    ]);
  });

  test('a gang counts with all its members: it waits for its bounds, alone where it is larger than them', () => {
    const { put, submitOne, gate, core, finish } = plant(3);
    put(press, { runningMax: 3, burst: { cpu: 3_000 } });
    const plain = submitOne({ queue: press, ask: { cpu: 500 } });
    const gang = submitOne({ queue: press, ask: { cpu: 1_000 }, gang: { size: 3 } });
    const huge = submitOne({ queue: press, gang: { size: 4 }, priority: 9 });
    const leader = (of: number) => (of + 1) as TaskId;
    expect(core.state.ready.mustGet(press).share.active).toBe(1);
    expect(gate(leader(gang))).toBe('QUEUE_RUNNING_MAX');
    finish(plain);
    expect(core.state.ready.mustGet(press).share).toMatchObject({ active: 3, cpu: 3_000 });
    put(press, { runningMax: 7, burst: null });
    expect(core.state.tasks.get(leader(huge))?.live).toBeDefined();
  });

  test('ratePerS spaces placements, and a timer says when the next one may be', () => {
    const { put, many, gate, activeOf, rowOf, core, give, jump, now } = plant();
    put(press, { ratePerS: 0.5 });
    const [, second = 0 as TaskId] = many(3, { queue: press });
    expect(activeOf(press)).toBe(1);
    expect(gate(second)).toBe('QUEUE_RATE');
    expect(rowOf(press)?.gate).toBe('QUEUE_RATE');
    expect(core.nextDueMs()).toBeLessThanOrEqual(now() + 2_000);
    jump(1_999);
    give();
    expect(activeOf(press)).toBe(1);
    jump(1);
    give();
    expect(activeOf(press)).toBe(2);
    jump(60_000); // what was not used for long is not saved up
    give();
    expect(activeOf(press)).toBe(3);
  });

  test('a rate taken away holds nothing back', () => {
    const { put, many, activeOf } = plant();
    put(press, { ratePerS: 0.001 });
    many(3, { queue: press });
    expect(activeOf(press)).toBe(1);
    put(press, { ratePerS: null });
    expect(activeOf(press)).toBe(3);
  });
});

describe('quotas', () => {
  test('burst is never passed, and is given on as tasks end', () => {
    const { put, many, gate, rowOf, finish, core } = plant(3);
    put(press, { burst: { cpu: 1_000 } });
    const [first = 0 as TaskId, , third = 0 as TaskId] = many(3, { queue: press, ask: { cpu: 500 } });
    expect(core.state.ready.mustGet(press).share.cpu).toBe(1_000);
    expect(gate(third)).toBe('QUEUE_QUOTA');
    expect(rowOf(press)?.gate).toBe('QUEUE_QUOTA');
    finish(first);
    expect(core.state.ready.mustGet(press).share.cpu).toBe(1_000);
  });

  test('a large task is waited for: smaller ones behind it do not take its quota for ever', () => {
    const { put, submitOne, finish, core } = plant(3);
    put(press, { burst: { cpu: 1_000 } });
    const small = [
      submitOne({ queue: press, ask: { cpu: 500 } }),
      submitOne({ queue: press, ask: { cpu: 500 } }),
    ];
    const large = submitOne({ queue: press, ask: { cpu: 1_000 }, priority: 9 });
    const late = submitOne({ queue: press, ask: { cpu: 500 } });
    finish(small[0] ?? large);
    expect(core.state.tasks.get(late)?.state).toBe('ready');
    finish(small[1] ?? large);
    expect(core.state.tasks.get(large)?.live).toBeDefined();
  });

  test('a quota of GPUs that is used up keeps back only tasks with GPUs', () => {
    const { put, submitOne, gate, core } = plant(3);
    put(press, { burst: { gpu: 1_000 } });
    const gpu = { queue: press, ask: { cpu: 100, gpu: { devices: 1 } }, priority: 9 };
    const [first, second] = [submitOne(gpu), submitOne(gpu)];
    const plain = submitOne({ queue: press });
    expect(core.state.tasks.get(first)?.live).toBeDefined();
    expect(gate(second)).toBe('QUEUE_QUOTA');
    expect(core.state.tasks.get(plain)?.live).toBeDefined();
  });

  test('an ask larger than the whole quota waits alone, and goes once the quota is larger', () => {
    const { put, submitOne, gate, core } = plant(3);
    put(press, { burst: { cpu: 1_000 } });
    const huge = submitOne({ queue: press, ask: { cpu: 2_000 }, priority: 9 });
    const plain = submitOne({ queue: press });
    expect(gate(huge)).toBe('QUEUE_QUOTA');
    expect(core.state.tasks.get(plain)?.live).toBeDefined();
    put(press, { burst: { cpu: 4_000 } });
    expect(core.state.tasks.get(huge)?.live).toBeDefined();
  });

  test("a tenant's quota holds over all queues, and others pass it", () => {
    const { put, putTenant, submitOne, gate, core, tenantRow } = plant(3);
    put(press, {});
    putTenant('ann', { burst: { cpu: 500 } });
    submitOne({ queue: press, tenant: 'ann', ask: { cpu: 400 } });
    const second = submitOne({ tenant: 'ann', ask: { cpu: 200 } });
    const other = submitOne({ tenant: 'bob', ask: { cpu: 200 } });
    expect(gate(second)).toBe('TENANT_QUOTA');
    expect(core.view().why(second)?.dominant).toBe('TENANT_QUOTA');
    expect(tenantRow('ann')?.gate).toBe('TENANT_QUOTA');
    expect(core.state.tasks.get(other)?.live).toBeDefined();
  });

  test('who is below what is guaranteed to him goes first, whatever the shares say', () => {
    const { put, many, activeOf, give } = plant(1); // 4 cores
    const pause = (mode: 'paused' | 'open') =>
      give(
        { kind: 'PutQueue', queue: press, change: { mode, guaranteed: { cpu: 3_000 } }, actor },
        { kind: 'PutQueue', queue: paint, change: { mode, weight: 100 }, actor },
      );
    pause('paused');
    many(8, { queue: press, ask: { cpu: 500 } });
    many(8, { queue: paint, ask: { cpu: 500 } });
    pause('open');
    expect([activeOf(press), activeOf(paint)]).toEqual([6, 2]);
    expect(put(press, { guaranteed: null }).events).toHaveLength(1);
  });
});

describe('deadlines', () => {
  test('a task that missed its deadline is counted and told once per queue, and runs all the same', () => {
    const { put, submitOne, rowOf, core, jump, give, finish, now } = plant();
    put(press, {});
    const id = submitOne({ queue: press, deadlineMs: now() + 1_000 });
    submitOne({ queue: press, deadlineMs: now() + 60_000 });
    expect(rowOf(press)?.missed).toBeUndefined();
    const told: string[] = [];
    const watch = new MissedDeadlines({
      raise: ({ code, source, params }) => told.push(`${code} ${source} ${String(params?.['count'])}`),
      clear: (code, source) => told.push(`clear ${code} ${source}`),
    });
    jump(2_000);
    give();
    expect(rowOf(press)?.missed).toBe(1);
    watch.check(core.view().queues());
    watch.check(core.view().queues());
    expect(core.state.tasks.get(id)?.live).toBeDefined();
    finish(id);
    watch.check(core.view().queues());
    expect(told).toEqual(['DEADLINE_MISSED press 1', 'clear DEADLINE_MISSED press']);
  });
});

describe('whose turn it is', () => {
  test('queues share the plant by weight in what they need most, not by count', () => {
    const { put, many, give, activeOf } = plant(9); // 36 cores, 36 GiB: the example of the paper, by weight 1
    for (const queue of [press, paint]) put(queue, { mode: 'paused' });
    many(36, { queue: press, ask: { cpu: 1_000, memory: 400 } });
    many(36, { queue: paint, ask: { cpu: 100, memory: 1_024 } });
    give(
      { kind: 'PutQueue', queue: press, change: { mode: 'open' }, actor },
      { kind: 'PutQueue', queue: paint, change: { mode: 'open' }, actor },
    );
    const [byCpu, byMemory] = [activeOf(press) / 36, activeOf(paint) / 36];
    expect(Math.abs(byCpu - byMemory)).toBeLessThanOrEqual(0.1);
    expect(byCpu).toBeGreaterThan(0.5);
  });

  test('tenants of a queue share it by their weights', () => {
    const { put, putTenant, many, core } = plant(1);
    put(press, { mode: 'paused' });
    putTenant('ann', { weight: 3 });
    for (const tenant of ['ann', 'bob']) many(40, { queue: press, tenant, ask: { cpu: 100 } });
    put(press, { mode: 'open' });
    const held = (tenant: string) => core.state.tenants.get(tenant)?.share.active ?? 0;
    expect([held('ann'), held('bob')]).toEqual([30, 10]);
  });

  test('within a tenant: priority, then the earliest deadline, then the larger of a batch, then arrival', () => {
    const { put, submitOne, now } = plant();
    put(press, { mode: 'paused' });
    const wanted = [
      { priority: 6 },
      { deadlineMs: now() + 1_000 },
      { deadlineMs: now() + 5_000 },
      { ask: { cpu: 300 } },
      { ask: { cpu: 200 } },
      { ask: { cpu: 200 } },
      { priority: 4, deadlineMs: now() + 1 },
    ];
    const shuffled = [4, 6, 2, 0, 5, 3, 1];
    const ids = new Map(shuffled.map((at) => [at, submitOne({ queue: press, ...wanted[at] })]));
    const placed = put(press, { mode: 'open' }).dispatches.map(({ taskId }) => taskId);
    expect(placed).toEqual(wanted.map((_, at) => ids.get(at)));
  });
});
