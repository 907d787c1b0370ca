// What will be free on a node against a count of every millisecond, and the promise of a reservation: with run times as
// expected, nobody who comes later makes a task start after the time it was given.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ExpectedEnd, NodePlan } from '../../scheduler/core/place/nodePlan.ts';
import { nodeId, type NodeIndex, type TaskId, type Token } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import type { Ask } from '../../scheduler/protocol/task.ts';
import { RunTimes } from '../../scheduler/core/state/runTimes.ts';
import { SchedulerState } from '../../scheduler/core/state/schedulerState.ts';
import { nodeSpec, startedCore, startMs, success, taskSpec } from '../unit/coreStage.ts';
import { holdCapacity } from '../../scheduler/core/state/capacity.ts';

const horizonMs = 60;
const cores = 8;
const askOf = (cpu: number): Ask => taskSpec({ ask: { cpu, memory: 0 } }).ask;

const span = fc.record({
  cpu: fc.integer({ min: 1, max: cores }),
  fromMs: fc.nat(20),
  lengthMs: fc.integer({ min: 1, max: 15 }),
});

/** A node of eight, some of it taken by attempts that end one after the other. */
function planWith(runs: readonly { readonly cpu: number; readonly lengthMs: number }[]) {
  const state = new SchedulerState();
  const node: NodeIndex = state.nodes.add(nodeId('N1'));
  state.nodes.describe(node, nodeSpec({ resources: { cpu: cores, memory: 1 } }));
  const free = new Array<number>(horizonMs).fill(cores);
  const ends: ExpectedEnd[] = [];
  let left = cores;
  for (const { cpu, lengthMs } of runs) {
    if (cpu > left) continue;
    left -= cpu;
    holdCapacity(state, node, askOf(cpu), 0);
    ends.push({ atMs: lengthMs, ask: askOf(cpu), gpuMask: 0 });
    for (let at = 0; at < lengthMs; at += 1) free[at] = (free[at] ?? 0) - cpu;
  }
  return { plan: new NodePlan(node, state.nodes, 0, ends), free };
}
const isFree = (free: readonly number[], cpu: number, fromMs: number, untilMs: number): boolean =>
  free.slice(fromMs, untilMs).every((at) => at >= cpu);

test('a plan finds the first time with room, and takes what passes beside what is kept, as a count of each ms does', () => {
  fc.assert(
    fc.property(fc.array(span, { maxLength: 6 }), fc.array(span, { maxLength: 8 }), (runs, asks) => {
      const { plan, free } = planWith(runs);
      for (const { cpu, lengthMs, fromMs } of asks) {
        const ask = askOf(cpu);
        expect(plan.takes(ask, lengthMs)).toBe(isFree(free, cpu, 0, lengthMs));
        let first = 0;
        while (first < horizonMs && !isFree(free, cpu, first, first + lengthMs)) first += 1;
        if (first + lengthMs >= horizonMs) continue;
        expect(plan.earliest(ask, lengthMs)).toBe(first);
        if (fromMs % 2 === 0) continue;
        plan.hold(ask, { fromMs: first, untilMs: first + lengthMs });
        for (let at = first; at < first + lengthMs; at += 1) free[at] = (free[at] ?? 0) - cpu;
      }
    }),
    { numRuns: 300 },
  );
});

const reportOf = ({ node, taskId, token }: { node: string; taskId: TaskId; token: Token }): Command => ({
  kind: 'ReportResults',
  nodeId: nodeId(node),
  results: [{ token, taskId, end: success }],
});

const secondMs = 1_000;
/** Far more than all jobs one after the other take. */
const secondsMax = 4_000;
const job = fc.record({
  cpu: fc.integer({ min: 1, max: cores }),
  seconds: fc.integer({ min: 1, max: 20 }),
  gap: fc.nat(4),
});
type Job = { readonly cpu: number; readonly seconds: number; readonly gap: number };

function arrivals(jobs: readonly Job[]) {
  let atMs = startMs;
  return jobs.map((job) => ({ ...job, atMs: (atMs += job.gap * secondMs) }));
}

interface Playing {
  readonly backfill: string;
  readonly nodes: number;
  /** So many times as long as expected. */
  readonly lie: number;
  readonly order?: string;
  /** Jobs as wide are of one kind, whose run times are learned. */
  readonly isNamed?: boolean;
}

/** Runs jobs in a core; each runs as long as expected, times `lie`. Gives each start, and what was first promised. */
function play(jobs: readonly Job[], { backfill, nodes, lie, order = 'arrival', isNamed = false }: Playing) {
  const stage = startedCore();
  const names = Array.from({ length: nodes }, (_, at) => `N${String(at)}`);
  for (const name of names) stage.join(name, { resources: { cpu: cores * 1_000, memory: 4_096 } });
  stage.give({
    kind: 'PutQueue',
    queue: taskSpec().queue,
    change: { backfill: backfill as 'easy', order: order as 'arrival' },
    actor: 'ann',
  });
  const startOf = new Map<TaskId, number>();
  const promised = new Map<TaskId, number>();
  const running: { taskId: TaskId; token: Token; node: string; endMs: number }[] = [];
  const ids: TaskId[] = [];
  const coming = arrivals(jobs);
  const beat = () =>
    names.map((name) =>
      stage.beat(name, ...running.filter(({ node }) => node === name).map(({ token }) => token)),
    );
  for (let second = 0; second < secondsMax && startOf.size < jobs.length; second += 1) {
    stage.jump(secondMs);
    // All that ends in one second is reported at once: an end that is late by a turn counts as an attempt that runs on.
    const over = running.filter(({ endMs }) => endMs <= stage.now());
    for (const one of over) running.splice(running.indexOf(one), 1);
    stage.give(...beat(), ...over.map(reportOf));
    note();
    for (const { cpu, seconds } of coming.splice(
      0,
      coming.filter(({ atMs }) => atMs <= stage.now()).length,
    )) {
      const name = isNamed ? `job-${'abcdefghi'.charAt(cpu)}` : '';
      ids.push(
        stage.submitOne({ name, ask: { cpu: cpu * 1_000, memory: 0 }, expectedMs: seconds * secondMs }),
      );
      note();
    }
  }
  return { startOf, promised, ids };

  function note(): void {
    const { tasks, reservations } = stage.core.state;
    for (const id of ids) {
      const task = tasks.get(id);
      if (!task?.live || startOf.has(id)) continue;
      startOf.set(id, stage.now());
      const at = ids.indexOf(id);
      const lengthMs = Math.max(1, Math.round((jobs[at]?.seconds ?? 1) * lie)) * secondMs;
      running.push({
        taskId: id,
        token: task.live.token,
        node: task.live.nodeId,
        endMs: stage.now() + lengthMs,
      });
    }
    for (const { task, fromMs } of reservations.all)
      if (!promised.has(task.taskId)) promised.set(task.taskId, fromMs);
  }
}

test('with run times as expected, a task starts no later than it was first promised', () => {
  fc.assert(
    fc.property(
      fc.array(job, { minLength: 4, maxLength: 25 }),
      fc.constantFrom('easy', 'conservative'),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      (jobs, backfill, nodes, isNamed) => {
        const { startOf, promised, ids } = play(jobs, { backfill, nodes, lie: 1, isNamed });
        expect(startOf.size).toBe(ids.length);
        for (const [id, promisedMs] of promised)
          expect(startOf.get(id), `task ${String(id)} of ${JSON.stringify(jobs)}`).toBeLessThanOrEqual(
            Math.ceil((promisedMs - startMs) / secondMs) * secondMs + startMs,
          );
      },
    ),
    { numRuns: 60 },
  );
});

const playing = fc.record({
  backfill: fc.constantFrom('easy', 'conservative'),
  nodes: fc.constant(2),
  lie: fc.constantFrom(0.2, 3),
  order: fc.constantFrom('arrival', 'slowdown'),
  isNamed: fc.boolean(),
});

test('whatever users expect, and whatever is learned of it, everything runs', () => {
  fc.assert(
    fc.property(fc.array(job, { minLength: 4, maxLength: 25 }), playing, (jobs, settings) => {
      const { startOf, ids } = play(jobs, settings);
      expect(startOf.size).toBe(ids.length);
    }),
    { numRuns: 60 },
  );
});

const run = fc.record({
  name: fc.constantFrom('', 'press', 'mill'),
  expectedMs: fc.constantFrom(20_000, 40_000, 300_000),
  tookMs: fc.integer({ min: 1, max: 600_000 }),
  isSteady: fc.boolean(),
});

test('a kind runs as long as four in five of its newest runs did, where those are alike; saved or not', () => {
  fc.assert(
    fc.property(fc.array(run, { maxLength: 80 }), fc.nat(80), (runs, savedAt) => {
      let times = new RunTimes();
      const took = new Map<string, number[]>();
      for (const [at, { name, expectedMs, tookMs, isSteady }] of runs.entries()) {
        const spec = taskSpec({ name, expectedMs });
        const lengthMs = isSteady ? expectedMs / 2 : tookMs;
        times.learn(spec, lengthMs);
        const key = `${name} ${String(expectedMs)}`;
        took.set(key, [...(took.get(key) ?? []), lengthMs].slice(-15));
        if (at === savedAt) times = reread(times);
        expect(times.lengthOf(spec) / expectedMs).toBeCloseTo(
          name === '' ? 1 : modelOf(took.get(key) ?? [], expectedMs) / expectedMs,
          2,
        );
        expect(times.lengthOf(spec)).toBeLessThanOrEqual(spec.timeoutMs);
      }
      expect(reread(times).savedKinds()).toEqual(times.savedKinds());
    }),
    { numRuns: 200 },
  );
});

function modelOf(tookMs: readonly number[], expectedMs: number): number {
  const sorted = tookMs.map((ms) => Number((ms / expectedMs).toPrecision(4))).sort((a, b) => a - b);
  const notBelow = (part: number): number => sorted[Math.floor(part * sorted.length)] ?? 1;
  const isKind = sorted.length >= 5 && notBelow(0.8) <= 2 * notBelow(0.2);
  return isKind ? notBelow(0.8) * expectedMs : expectedMs;
}
function reread(times: RunTimes): RunTimes {
  const again = new RunTimes();
  const copy = <Rows>(rows: Rows): Rows => JSON.parse(JSON.stringify(rows)) as Rows;
  for (const row of copy(times.savedKinds())) again.restoreKind(row);
  for (const row of copy(times.savedNear())) again.restoreNear(row);
  return again;
}
