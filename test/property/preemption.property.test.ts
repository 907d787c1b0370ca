// Random plants and tasks: each decision to stop attempts is held against a model that tries every set of every node.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Preemption } from '../../scheduler/core/preempt/preemption.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { nodeId, queueName, type TaskId, type Token } from '../../scheduler/protocol/brands.ts';
import type { Command, Event } from '../../scheduler/protocol/events.ts';
import { preemptionsPerMinuteMax } from '../../scheduler/protocol/limits.ts';
import { startedCore, success, taskSpec as specOf, type Turned } from '../unit/coreStage.ts';
import { PreemptionModel, type Settled } from './preemptionModel.ts';

const queues = ['press', 'paint', 'body'] as const;
const tenants = ['ann', 'bob'] as const;
const names = ['N0', 'N1', 'N2'] as const;
const actor = 'test';
const stopped: AttemptEnd = { reason: 'cancelled' };

const quota = fc.option(
  fc.oneof(
    fc.record({ cpu: fc.constantFrom(500, 1_000, 2_000, 3_000) }),
    fc.record({ cpu: fc.constantFrom(1_000, 2_000), memory: fc.constantFrom(256, 1_024) }),
  ),
);
const settings = fc.record({
  queues: fc.tuple(
    ...queues.map(() => fc.record({ canPreempt: fc.constantFrom(true, true, false), guaranteed: quota })),
  ),
  tenants: fc.tuple(...tenants.map(() => quota)),
});
const task = fc.record({
  queue: fc.constantFrom(...queues),
  tenant: fc.constantFrom(...tenants),
  priority: fc.constantFrom(2, 2, 2, 3, 4),
  ask: fc.record({
    cpu: fc.constantFrom(250, 500, 500, 750, 1_000, 2_000),
    memory: fc.constantFrom(64, 64, 256, 768),
  }),
  isPreemptible: fc.constantFrom(true, true, true, false),
  delivery: fc.constantFrom('at_least_once', 'at_least_once', 'at_least_once', 'at_most_once'),
  selector: fc.constantFrom({}, {}, {}, { node: ['N0', 'N1'] }, { node: ['N2'] }),
});
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('submit' as const), task, count: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('succeed' as const), at: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('stop' as const), at: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const), at: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settings' as const), at: fc.nat(2), quota }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), forMs: fc.integer({ min: 1, max: 1_500 }) }),
  },
);
type Step = ReturnType<typeof step.generate>['value'];

/** What the model is asked about after each turn. */
class Watch {
  readonly stage = startedCore();
  readonly stoppedFor = new Map<TaskId, Set<TaskId>>();
  preemptions = 0;
  reclaims = 0;
  decisions = 0;

  constructor({ queues: ofQueues, tenants: ofTenants }: ReturnType<typeof settings.generate>['value']) {
    const { give, join, jump } = this.stage;
    for (const [at, { canPreempt, guaranteed }] of ofQueues.entries())
      give({
        kind: 'PutQueue',
        queue: queueName(queues[at] ?? ''),
        change: { canPreempt, backfill: 'off', ...(guaranteed && { guaranteed }) },
        actor,
      });
    for (const [at, guaranteed] of ofTenants.entries())
      if (guaranteed) give({ kind: 'PutTenant', tenant: tenants[at] ?? '', change: { guaranteed }, actor });
    for (const name of names) join(name, { resources: { cpu: 2_000, memory: 2_048 } });
    for (let second = 0; second < 65; second += 1) {
      jump(1_000);
      this.turn(...this.beats());
    }
  }

  get tasks(): readonly Task[] {
    return [...this.stage.core.state.tasks.all()];
  }
  beats(): Command[] {
    const { core, beat } = this.stage;
    return names.map((name) => {
      const node = core.state.nodes.indexOf(nodeId(name));
      return beat(name, ...(node === undefined ? [] : core.state.nodes.attemptsOn(node)));
    });
  }

  /** Turns until the core is at rest; each is checked. */
  turn(...commands: Command[]): void {
    let turned = this.stage.give(...commands);
    this.#check(turned);
    for (let more = 0; turned.hasMore; more += 1) {
      expect(more).toBeLessThan(50);
      turned = this.stage.give();
      this.#check(turned);
    }
    this.#checkNobodyForgotten();
  }

  #check({ events }: Turned): void {
    const requests = requestsIn(events);
    for (const event of events) this.#countEnd(event);
    const { core, now } = this.stage;
    const { preemption, nodes } = core.state;
    const made = new Set(requests.keys());
    const before = [...preemption.nominations.values()].filter(({ taskId }) => !made.has(taskId));
    const settled = {
      kept: new Set(before.map(({ node }) => node)),
      stopping: new Set(
        this.tasks.flatMap(({ live }) => (live?.preemptedBy === undefined ? [] : [live.token])),
      ),
      coming: new Set(before.map(({ taskId }) => taskId)),
    };
    for (const tokens of requests.values()) for (const token of tokens) settled.stopping.delete(token);
    for (const [by, tokens] of requests) {
      const model = new PreemptionModel(core, now(), settled);
      const [asker, victims] = [
        core.state.tasks.mustGet(by),
        tokens.flatMap((t) => core.state.tasks.byToken(t) ?? []),
      ];
      const node = preemption.nominations.get(by)?.node;
      if (node === undefined) throw new Error(`no room is kept for ${String(by)}`);
      expect(model.whyNot(asker, node, victims)).toBeUndefined();
      expect(model.costOf(victims), `room on ${nodes.idOf(node)}`).toEqual(model.cheapest(asker));
      for (const { taskId, spec } of victims) {
        expect(this.stoppedFor.get(by)?.has(taskId) ?? false, 'stopped in turn').toBe(false);
        if (spec.priority === asker.spec.priority) this.reclaims += 1;
      }
      this.decisions += 1;
      this.preemptions += victims.length;
      settled.kept.add(node);
      settled.coming.add(by);
      for (const token of tokens) settled.stopping.add(token);
    }
  }

  #countEnd(event: Event): void {
    if (event.kind !== 'attempt_ended' || event.end.reason !== 'preempted') return;
    const by = event.end.stoppedFor;
    const victim = this.tasks.find(({ past }) => past.some(({ token }) => token === event.token));
    if (by === undefined || !victim) throw new Error('stopped for nobody');
    this.stoppedFor.set(victim.taskId, new Set([...(this.stoppedFor.get(victim.taskId) ?? []), by]));
  }

  /** Whoever waits and could have something stopped has it. */
  #checkNobodyForgotten(): void {
    const { core, now } = this.stage;
    const { preemption, ready } = core.state;
    const all = [...preemption.nominations.values()];
    const settled: Settled = {
      kept: new Set(all.map(({ node }) => node)),
      stopping: new Set(
        this.tasks.flatMap(({ live }) => (live?.preemptedBy === undefined ? [] : [live.token])),
      ),
      coming: new Set(all.map(({ taskId }) => taskId)),
    };
    if (preemption.leftOf(now(), core.state.rejoinUntilMs) < preemptionsPerMinuteMax / 2) return;
    const model = new PreemptionModel(core, now(), settled);
    for (const waiting of this.tasks) {
      const mayPreempt = ready.mustGet(waiting.spec.queue).settings.canPreempt === true;
      if (waiting.state !== 'ready' || !mayPreempt || settled.coming.has(waiting.taskId)) continue;
      expect(model.cheapest(waiting), `for task ${String(waiting.taskId)}`).toBeUndefined();
    }
  }

  end(at: number, isStop: boolean): void {
    const live = this.tasks.filter((t) => t.live && (!isStop || t.live.preemptedBy !== undefined));
    const one = live[at % Math.max(1, live.length)];
    if (!one?.live) return;
    const { nodeId: on, token } = one.live;
    const results = [{ token, taskId: one.taskId, end: isStop ? stopped : success }];
    this.turn({ kind: 'ReportResults', nodeId: on, results });
  }
  start(at: number): void {
    const fresh = this.tasks.filter(({ live }) => live && live.startedAtMs === undefined);
    const live = fresh[at % Math.max(1, fresh.length)]?.live;
    if (live) this.turn({ kind: 'ReportStarted', nodeId: live.nodeId, tokens: [live.token] });
  }
}

/** In the order of the decisions. */
function requestsIn(events: readonly Event[]): Map<TaskId, Token[]> {
  const requests = new Map<TaskId, Token[]>();
  for (const event of events)
    if (event.kind === 'attempt_preempt_requested')
      requests.set(event.by, [...(requests.get(event.by) ?? []), event.token]);
  return requests;
}

function take(watch: Watch, next: Step): void {
  switch (next.do) {
    case 'submit': {
      const { stage } = watch;
      watch.turn({
        kind: 'SubmitTasks',
        specs: Array.from({ length: next.count }, () => specOf(next.task)),
        actor,
      });
      expect(stage.core.state.tasks.size).toBeGreaterThan(0);
      return;
    }
    case 'succeed':
    case 'stop':
      watch.end(next.at, next.do === 'stop');
      return;
    case 'start':
      watch.start(next.at);
      return;
    case 'settings': {
      const queue = queueName(queues[next.at] ?? '');
      watch.turn({ kind: 'PutQueue', queue, change: { guaranteed: next.quota ?? null }, actor });
      return;
    }
    case 'wait':
      watch.stage.jump(next.forMs);
      watch.turn(...watch.beats());
  }
}

describe('any plant, any tasks', () => {
  test('what is stopped is the cheapest that may be, never in turn, and every task ends', () => {
    const seen = { decisions: 0, reclaims: 0, preemptions: 0 };
    fc.assert(
      fc.property(settings, fc.array(step, { minLength: 20, maxLength: 60 }), (given, steps) => {
        const watch = new Watch(given);
        for (const next of steps) take(watch, next);
        for (let round = 0; watch.tasks.length > 0; round += 1) {
          expect(round).toBeLessThan(1_000);
          watch.end(round, round % 2 === 0);
          watch.end(round, false);
          if (round % 10 === 9) take(watch, { do: 'wait', forMs: 1_000 });
        }
        for (const name of ['decisions', 'reclaims', 'preemptions'] as const) seen[name] += watch[name];
      }),
      { numRuns: 120 },
    );
    // The test would mean nothing otherwise.
    expect(seen.decisions).toBeGreaterThan(300);
    expect(seen.reclaims).toBeGreaterThan(50);
    expect(seen.preemptions).toBeGreaterThan(seen.decisions);
  }, 120_000);
});

describe('the budget', () => {
  test('so many within any minute and no more; the time when so many may be again is the first one', () => {
    const asks = fc.array(fc.record({ afterMs: fc.nat(20_000), count: fc.integer({ min: 1, max: 400 }) }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(asks, (all) => {
        const preemption = new Preemption();
        preemption.reset(60_000);
        let nowMs = 0;
        const times: number[] = [];
        for (const { afterMs, count } of all) {
          nowMs += afterMs;
          const within = times.filter((atMs) => atMs > nowMs - 60_000).length;
          const left = nowMs < 60_000 ? 0 : preemptionsPerMinuteMax - within;
          expect(preemption.leftOf(nowMs, 0)).toBe(left);
          if (left < count) {
            const opensMs = preemption.opensAtMs(count, 0);
            expect(opensMs).toBeGreaterThan(nowMs);
            const later = times.filter((atMs) => atMs > opensMs - 60_000).length;
            expect(preemptionsPerMinuteMax - later).toBeGreaterThanOrEqual(count);
            const earlier = times.filter((atMs) => atMs > opensMs - 1 - 60_000).length;
            expect(opensMs === 60_000 || preemptionsPerMinuteMax - earlier < count).toBe(true);
            continue;
          }
          for (let at = 0; at < count; at += 1) {
            preemption.count(nowMs);
            times.push(nowMs);
          }
        }
      }),
    );
  });
});
