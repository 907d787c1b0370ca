// The arithmetic behind the overview: windows, quantiles, traces, and what events add up to.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Projections } from '../../scheduler/console/projections.ts';
import { Traces } from '../../scheduler/console/traces.ts';
import { LatencyHistogram, LatencyWindow, SlidingSum } from '../../scheduler/console/windows.ts';
import { mib, millicores, ms, taskId } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';

test('a sliding sum holds exactly what fell into its slots', () => {
  const times = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 80 });
  fc.assert(
    fc.property(times, (unsorted) => {
      const sorted = [...unsorted].sort((a, b) => a - b);
      const window = new SlidingSum(250, 20, ms(0));
      for (const atMs of sorted) {
        window.add(ms(atMs), 1);
        const oldestSlot = Math.floor(atMs / 250) - 19;
        const expected = sorted.filter((t) => t <= atMs && Math.floor(t / 250) >= oldestSlot);
        // Equal times: those still to be added are not in the window yet.
        const later = expected.filter((t) => t === atMs).length;
        const sum = window.sum(ms(atMs));
        expect(sum).toBeLessThanOrEqual(expected.length);
        expect(sum).toBeGreaterThan(expected.length - later);
      }
    }),
  );
});

test('a rate is taken over the age of a young window, over the whole of an old one, and falls to zero', () => {
  const window = new SlidingSum(250, 20, ms(10_000));
  window.add(ms(10_100), 50);
  expect(window.ratePerS(ms(10_100))).toBe(50);
  expect(window.ratePerS(ms(12_000))).toBe(25);
  expect(window.ratePerS(ms(14_900))).toBeCloseTo(50 / 4.9, 6);
  expect(window.ratePerS(ms(15_250))).toBe(0);
});

test('counts of earlier times go into their slot, and those before the window nowhere', () => {
  const window = new SlidingSum(10_000, 360, ms(4_000_000));
  window.add(ms(3_000_000), 5);
  window.add(ms(300_000), 7);
  expect(window.sum(ms(4_000_000))).toBe(5);
  expect(window.sum(ms(3_000_000 + 3_600_000))).toBe(0);
});

test('a quantile is never below the true one, and at most 5 % above', () => {
  const latencies = fc.array(fc.double({ min: 0.01, max: 1e7, noNaN: true }), {
    minLength: 1,
    maxLength: 200,
  });
  fc.assert(
    fc.property(latencies, fc.constantFrom(0.5, 0.9, 0.99, 1), (values, share) => {
      const histogram = new LatencyHistogram();
      for (const value of values) histogram.add(value);
      const sorted = [...values].sort((a, b) => a - b);
      const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
      expect(histogram.quantile(share)).toBeGreaterThanOrEqual(exact * (1 - 1e-6));
      expect(histogram.quantile(share)).toBeLessThanOrEqual(exact * 1.051);
    }),
  );
});

test('latencies leave their window after a minute, and an empty window has no quantiles', () => {
  const window = new LatencyWindow(5_000, 12, ms(0));
  expect(window.quantiles(ms(0))).toBeUndefined();
  window.add(ms(1_000), 100);
  window.add(ms(30_000), 1);
  expect(window.quantiles(ms(59_000))?.p99).toBeGreaterThan(99);
  expect(window.quantiles(ms(61_000))?.p99).toBeLessThan(1.06);
  expect(window.quantiles(ms(500_000))).toBeUndefined();
});

const gauges = { online: 5, running: 4, waiting: 3, cpuAllocatedPercent: 33.333, cpuUsedPercent: 20 };

test('a trace has a point per 10 s, the newest unfinished, and 360 at most', () => {
  const traces = new Traces(ms(0));
  traces.setGauges(ms(0), gauges);
  traces.addDispatched(ms(2_000), 100);
  expect(traces.values(ms(5_000))).toMatchObject({ online: [5], dispatchedPerS: [20] });
  traces.addDeadLettered(ms(12_000), 2);
  traces.addLatency(ms(12_000), 8);
  const two = traces.values(ms(15_000));
  expect(two).toMatchObject({
    dispatchedPerS: [10, 0],
    deadLettered: [0, 2],
    cpuAllocatedPercent: [33.3, 33.3],
  });
  expect(two.dispatchP99Ms[0]).toBe(0);
  expect(two.dispatchP99Ms[1]).toBeCloseTo(8, 0);
  for (let atMs = 20_000; atMs < 4_000_000; atMs += 10_000) traces.setGauges(ms(atMs), gauges);
  expect(traces.values(ms(4_000_000)).online).toHaveLength(360);
});

test('points that a stalled host missed are filled with what was last known', () => {
  const traces = new Traces(ms(0));
  traces.setGauges(ms(0), gauges);
  traces.addDispatched(ms(1_000), 10);
  expect(traces.values(ms(35_000))).toMatchObject({ running: [4, 4, 4, 4], dispatchedPerS: [1, 0, 0, 0] });
  expect(traces.values(ms(1e9)).online).toHaveLength(360);
});

test('events add up to rates and to the last hour', () => {
  const clock = { nowMs: 100_000 };
  const projections = new Projections(() => ms(clock.nowMs));
  const batch = (kinds: Event['kind'][]) => {
    const events = kinds.map((kind) => ({ kind, taskId: taskId(1) }) as Event);
    projections.onBatch({ sequence: 1, atMs: ms(clock.nowMs), events });
  };
  clock.nowMs += 1_000;
  batch(['task_admitted', 'task_admitted', 'attempt_placed', 'attempt_started']);
  batch(['task_succeeded', 'task_succeeded', 'task_dead_lettered', 'task_cancelled', 'attempt_ended']);
  projections.countMessages(500);
  clock.nowMs += 1_000;
  projections.countMessages(700);
  expect(projections.rates()).toEqual({
    submittedPerS: 1,
    dispatchedPerS: 0.5,
    endedPerS: 2,
    messagesPerS: 350,
  });
  expect(projections.lastHour()).toEqual({ succeeded: 2, deadLettered: 1, cancelled: 1 });
  expect(projections.dispatchMs()).toBeUndefined();
  projections.onDispatched(1);
  expect(projections.dispatchMs()?.p50).toBeCloseTo(1, 1);
  clock.nowMs += 3_600_000;
  expect(projections.lastHour()).toEqual({ succeeded: 0, deadLettered: 0, cancelled: 0 });
  expect(projections.traces().deadLettered).toHaveLength(360);
});

test('what ended before a restart counts in the last hour, not in the rates', () => {
  const projections = new Projections(() => ms(4_000_000));
  projections.addEarlier([
    { minuteMs: ms(3_900_000), succeeded: 3, deadLettered: 2, cancelled: 1 },
    { minuteMs: ms(100_000), succeeded: 9, deadLettered: 9, cancelled: 9 },
  ]);
  expect(projections.lastHour()).toEqual({ succeeded: 3, deadLettered: 2, cancelled: 1 });
  expect(projections.rates().endedPerS).toBe(0);
});

test('shares of the fleet are percent, and 0 of an empty fleet', () => {
  const projections = new Projections(() => ms(0));
  const nodes = { total: 0, online: 0, disconnected: 0, lost: 0, cordoned: 0, setAside: 0 };
  const tasks = {
    ready: 1,
    backlog: 2,
    blocked: 3,
    held: 0,
    backoff: 4,
    dispatched: 5,
    running: 6,
    cancelling: 7,
  };
  const use = (cpuTotal: number) => ({
    cpuTotal: millicores(cpuTotal),
    cpuAllocated: millicores(500),
    cpuUsed: millicores(0),
    memoryTotal: mib(0),
    memoryAllocated: mib(0),
    memoryUsed: mib(0),
  });
  projections.sample(nodes, tasks, use(0));
  expect(projections.traces()).toMatchObject({ waiting: [10], running: [6], cpuAllocatedPercent: [0] });
  projections.sample(nodes, tasks, use(2_000));
  expect(projections.traces().cpuAllocatedPercent).toEqual([25]);
});
