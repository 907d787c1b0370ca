// Leases of attempts with an offline limit, on the agent's side: none begins unconfirmed, none outlives its lease.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { OfflineLeases } from '../../agent/offlineLeases.ts';
import type { Standing } from '../../agent/stillMine.ts';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { epoch, taskId, type Token, token } from '../../scheduler/protocol/brands.ts';
import { graceWithin, holdOf, offlineLimitMaxMs } from '../../scheduler/protocol/offlineLimits.ts';

const limitMs = 60_000;
const graceMs = 5_000;
const one = token(1);
const dispatch: Dispatch = {
  token: one,
  taskId: taskId(1),
  attempt: 1,
  epoch: epoch(1),
  work: { kind: 'simulated', runMs: 1, exitCode: 0 },
  timeoutMs: 1_000_000_000,
  graceMs,
  cpu: 1,
  memory: 1,
  gpuMask: 0,
  offlineLimitMs: limitMs,
};

function stage() {
  const told: string[] = [];
  const renewed = new Map<Token, number>();
  const line = { nowMs: 1_000_000, isJoined: true };
  let answer: (standing: Standing) => void = () => undefined;
  const leases = new OfflineLeases({
    confirm: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
    renewedAtMs: (asked) => renewed.get(asked),
    now: () => line.nowMs,
    isJoined: () => line.isJoined,
    run: () => told.push('run'),
    stop: () => told.push('stop'),
    refuse: (_dispatch, message) => told.push(`refused: ${message}`),
    leaseOver: (_token, message) => told.push(message),
  });
  const begun = async (standing: Standing): Promise<void> => {
    const beginning = leases.begin(dispatch, limitMs);
    renewed.set(one, line.nowMs);
    answer(standing);
    await beginning;
  };
  /** Time passes; the leases look by themselves. */
  const wait = (forMs: number): void => {
    for (const untilMs = line.nowMs + forMs; line.nowMs < untilMs;) {
      line.nowMs += 500;
      vi.advanceTimersByTime(500);
    }
  };
  return { leases, told, renewed, line, begun, wait };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('an attempt begins only once the hub has confirmed it, and heartbeats name it before', async () => {
  const { leases, told, begun } = stage();
  const beginning = begun('mine');
  expect(leases.waiting).toEqual([one]);
  expect(told).toEqual([]);
  await beginning;
  expect(told).toEqual(['run']);
  expect(leases.tokens).toEqual([one]);
});

test.each([
  ['it is not this node’s', 'not_mine', true, []],
  ['the line was lost: it is left for the next join', 'unknown', false, []],
  ['the hub is slow', 'unknown', true, ['refused: the hub did not confirm the lease in time']],
] as const)('it does not begin where %s', async (_why, standing, isJoined, expected) => {
  const { leases, told, line, begun } = stage();
  line.isJoined = isJoined;
  await begun(standing);
  expect(told).toEqual(expected);
  expect(leases.tokens).toEqual([]);
});

test('a stop that comes before the confirmation is obeyed', async () => {
  const { leases, told, begun } = stage();
  const beginning = begun('mine');
  leases.stop([one]);
  await beginning;
  expect(told).toEqual(['stop', 'run', 'stop']);
});

test('without contact it is asked to stop so that its grace ends with the lease', async () => {
  const { told, begun, wait } = stage();
  await begun('mine');
  wait(limitMs - graceMs - 1_000);
  expect(told).toEqual(['run']);
  wait(2_000);
  expect(told).toEqual([
    'run',
    'stopped by its agent: the hub could not be reached for its offline limit of 60 s',
  ]);
});

test('each renewal counts from when it was sent', async () => {
  const { told, renewed, line, begun, wait } = stage();
  await begun('mine');
  wait(limitMs - graceMs - 1_000);
  renewed.set(one, line.nowMs - 3_000);
  wait(limitMs - graceMs - 4_000);
  expect(told).toEqual(['run']);
  wait(2_000);
  expect(told).toHaveLength(2);
});

test('after a sleep of the machine it is stopped at the first look', async () => {
  const { told, line, begun } = stage();
  await begun('mine');
  line.nowMs += offlineLimitMaxMs;
  vi.advanceTimersByTime(1_000);
  expect(told).toHaveLength(2);
});

test('what the hub says is another node’s is stopped at once', async () => {
  const { told, renewed, begun, wait } = stage();
  await begun('mine');
  renewed.delete(one);
  wait(1_000);
  expect(told).toEqual(['run', 'stopped by its agent: the hub says that it is another node’s']);
});

test('an attempt that has ended has no lease and no timer', async () => {
  const { leases, told, begun, wait } = stage();
  await begun('mine');
  leases.ended(one);
  expect(vi.getTimerCount()).toBe(0);
  wait(2 * limitMs);
  expect(told).toEqual(['run']);
});

test.each([30_000, 3_600_000, offlineLimitMaxMs])(
  'a limit of %i ms: with clocks apart by 700 millionths, the hub still waits longer than the agent runs it',
  (offlineLimitMs) => {
    const slowAgentMs = offlineLimitMs * 1.0007;
    const lookAndKillMs = 2_000;
    expect(slowAgentMs + lookAndKillMs).toBeLessThan(holdOf(offlineLimitMs) * (1 - 0.0007));
    expect(graceWithin(offlineLimitMs, 600_000)).toBeLessThanOrEqual(offlineLimitMs / 4);
  },
);
