// The ready queue against a plain list: who goes next, that none is lost or doubled, and that the window is bounded.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dominantShare } from '../../scheduler/core/queue/share.ts';
import { nodeState } from '../../scheduler/core/state/nodeTable.ts';
import { newTask } from '../../scheduler/core/state/taskMaking.ts';
import { SchedulerState } from '../../scheduler/core/state/schedulerState.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import { ms, nodeId, type QueueName, queueName, taskId } from '../../scheduler/protocol/brands.ts';
import { ageingStepMs, readyWindowMax } from '../../scheduler/protocol/limits.ts';
import { nodeSpec, taskSpec } from '../unit/coreStage.ts';

const queues = [
  { queue: queueName('a'), weight: 1 },
  { queue: queueName('b'), weight: 2 },
  { queue: queueName('c'), weight: 5 },
] as const;

const tenants = ['ann', 'bob'] as const;

interface Pushed {
  readonly queue: QueueName;
  readonly priority: number;
  readonly cpu: number;
  readonly tenant?: string;
  /** After now. */
  readonly deadlineInMs?: number | undefined;
}

/** A ready queue, with a list beside it that is looked through in full. */
class Stage {
  readonly state = new SchedulerState();
  readonly waiting = new Set<Task>();
  readonly placed: Task[] = [];
  nowMs = 1_000_000;
  #order = 0;

  constructor() {
    for (const { queue, weight } of queues) this.state.ready.put(queue, { weight, mode: 'open' });
    this.resize(100_000);
  }
  /** The plant, in millicores; memory is enough. */
  resize(cpu: number): void {
    const { nodes, plant } = this.state;
    const node = nodes.indexOf(nodeId('N')) ?? nodes.add(nodeId('N'));
    nodes.describe(node, nodeSpec({ resources: { cpu, memory: 16_000_000 } }));
    nodes.state[node] = nodeState.online;
    plant.update(node);
  }
  push({ queue, priority, cpu, tenant, deadlineInMs }: Pushed): Task {
    this.#order += 1;
    const deadlineMs = deadlineInMs === undefined ? {} : { deadlineMs: this.nowMs + deadlineInMs };
    const spec = taskSpec({
      queue,
      priority,
      ask: { cpu },
      ...(tenant !== undefined && { tenant }),
      ...deadlineMs,
    });
    const task = newTask(this.state, { taskId: taskId(this.#order), spec, submitter: '' }, ms(this.nowMs));
    this.state.tasks.add(task);
    this.enter(task);
    return task;
  }
  enter(task: Task): void {
    this.#order += 1;
    task.state = 'ready';
    task.enqueuedOrder = this.#order;
    task.enqueuedAtMs = ms(this.nowMs);
    this.state.ready.push(task);
    this.waiting.add(task);
  }
  leave(task: Task): void {
    task.state = 'dispatched';
    this.state.ready.leave(task);
    this.waiting.delete(task);
  }
  place(): Task | undefined {
    const task = this.state.ready.next(this.nowMs);
    if (!task) return undefined;
    this.leave(task);
    this.state.ready.charge(task);
    this.state.ready.hold(task);
    this.placed.push(task);
    return task;
  }
  /** Places a task that ends at once: shares stay equal, and turns decide. */
  runOne(): QueueName | undefined {
    const queue = this.place()?.spec.queue;
    this.end(this.placed.length - 1, false);
    return queue;
  }
  /** One that was placed ends, or goes back in line. */
  end(at: number, isBack: boolean): void {
    const [task] = this.placed.splice(at % Math.max(1, this.placed.length), 1);
    if (!task) return;
    this.state.ready.release(task);
    if (isBack) this.enter(task);
  }
  setBlocked(cpu: number, isBlocked: boolean): void {
    const { ready } = this.state;
    const classes = new Set(
      [...this.waiting].filter(({ spec }) => spec.ask.cpu === cpu).map((t) => t.askClass),
    );
    for (const askClass of classes)
      if (isBlocked) ready.block(askClass);
      else ready.wake(askClass);
  }

  /** The rule, over the whole list. */
  expected(): Task | undefined {
    const { ready, plant } = this.state;
    const open = [...this.waiting].filter(({ askClass }) => !askClass.isBlocked);
    const shares = (task: Task): number[] => {
      const queue = ready.mustGet(task.spec.queue);
      const line = ready.lineOf(task);
      const position = queues.findIndex(({ queue: name }) => name === queue.name);
      const place = [...queue.lines.values()].indexOf(line);
      return [
        dominantShare(queue.share, plant) / queue.settings.weight,
        queue.served,
        position,
        dominantShare(line.share, plant) / (line.tenant.settings?.weight ?? 1),
        line.served,
        place,
      ];
    };
    const rest = ({ spec, enqueuedAtMs, enqueuedOrder, askClass }: Task): number[] => [
      Math.floor(enqueuedAtMs / ageingStepMs) - spec.priority,
      spec.deadlineMs ?? Number.MAX_SAFE_INTEGER,
      Math.floor(enqueuedAtMs / 1_000),
      0 - askClass.ask.cpu,
      enqueuedOrder,
    ];
    const keyed = open.map((task) => ({ task, key: [...shares(task), ...rest(task)] }));
    keyed.sort((x, y) => {
      const at = x.key.findIndex((part, index) => part !== y.key[index]);
      return at < 0 ? 0 : (x.key[at] ?? 0) - (y.key[at] ?? 0);
    });
    return keyed[0]?.task;
  }
  counted(): number {
    let count = 0;
    for (const queue of this.state.ready.queues.values())
      for (const lane of queue.lanes()) count += lane.size;
    return count;
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      queue: fc.nat(2),
      priority: fc.nat(9),
      cpu: fc.constantFrom(100, 200, 300),
      tenant: fc.constantFrom(...tenants),
      deadlineInMs: fc.option(fc.integer({ min: 1, max: 60_000 }), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('end' as const), at: fc.nat(1_000), isBack: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('resize' as const, 'tenantWeight' as const),
      to: fc.integer({ min: 1, max: 20 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('place' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), at: fc.nat(1_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('block' as const, 'wake' as const),
      cpu: fc.constantFrom(100, 200, 300),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      forMs: fc.oneof(fc.nat(1_500), fc.nat(3 * ageingStepMs)),
    }),
  },
);
type Step = ReturnType<typeof step.generate>['value'];

type Takers = { readonly [Do in Step['do']]: (stage: Stage, next: Step & { do: Do }) => void };
const takers: Takers = {
  push: (stage, next) => {
    stage.push({ ...next, queue: (queues[next.queue] ?? queues[0]).queue });
  },
  place: (stage) => {
    const expected = stage.expected();
    expect(stage.place()?.taskId).toBe(expected?.taskId);
  },
  end: (stage, next) => {
    stage.end(next.at, next.isBack);
  },
  resize: (stage, next) => {
    stage.resize(10_000 * next.to);
  },
  tenantWeight: (stage, next) => {
    stage.state.tenants.of('ann').settings = { weight: next.to };
    stage.state.ready.tenantChanged('ann');
  },
  cancel: (stage, next) => {
    const task = [...stage.waiting][next.at % Math.max(1, stage.waiting.size)];
    if (task) stage.leave(task);
  },
  block: (stage, next) => {
    stage.setBlocked(next.cpu, true);
  },
  wake: (stage, next) => {
    stage.setBlocked(next.cpu, false);
  },
  wait: (stage, next) => {
    stage.nowMs += next.forMs;
  },
};
const take = (stage: Stage, next: Step): void => {
  (takers[next.do] as (stage: Stage, next: Step) => void)(stage, next);
};

describe('the ready queue', () => {
  test('gives the task that the rule names, and loses and doubles none', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const stage = new Stage();
        for (const next of steps) {
          take(stage, next);
          expect(stage.counted()).toBe(stage.waiting.size);
          expect(stage.state.ready.windowSize).toBeLessThanOrEqual(stage.waiting.size);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('never shows more than the window, and in the end gives every task once', () => {
    const stage = new Stage();
    const count = Math.ceil(readyWindowMax * 1.3);
    for (let at = 0; at < count; at += 1) {
      stage.push({
        queue: (queues[at % 3] ?? queues[0]).queue,
        priority: at % 10,
        cpu: 100 * (1 + (at % 4)),
      });
      expect(stage.state.ready.windowSize).toBe(Math.min(at + 1, readyWindowMax));
    }
    stage.setBlocked(200, true);
    const given = new Set<number>();
    for (let task = stage.place(); task; task = stage.place()) {
      given.add(task.taskId);
      if (given.size === 100) stage.setBlocked(200, false);
      if (stage.state.ready.windowSize > readyWindowMax) throw new Error('the window is too large');
    }
    expect(given.size).toBe(count);
    expect(stage.state.ready.windowSize).toBe(0);
  });

  test('queues with a long backlog of equal tasks get their weight within 5 %', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 4 }), (weights) => {
        const stage = new Stage();
        const names = weights.map((_, at) => queueName(`w${String(at)}`));
        const each = 2_000;
        for (const [at, name] of names.entries()) {
          stage.state.ready.put(name, { weight: weights[at] ?? 1, mode: 'open' });
          for (let count = 0; count < each; count += 1) stage.push({ queue: name, priority: 5, cpu: 100 });
        }
        const got = new Map<QueueName, number>();
        // Long enough for the lightest queue to have some twenty, short enough that none runs dry.
        for (let placed = 0; placed < each; placed += 1) {
          const queue = stage.place()?.spec.queue;
          if (queue !== undefined) got.set(queue, (got.get(queue) ?? 0) + 1);
        }
        const sum = weights.reduce((total, weight) => total + weight, 0);
        for (const [at, name] of names.entries()) {
          const fair = (each * (weights[at] ?? 1)) / sum;
          expect(Math.abs((got.get(name) ?? 0) - fair)).toBeLessThanOrEqual(Math.max(1.5, 0.05 * fair));
        }
      }),
      { numRuns: 10 },
    );
  });

  test.each(['empty', 'blocked'])(
    'a queue that was %s for long does not keep the others out when it is back',
    (how) => {
      const stage = new Stage();
      const [{ queue: busy }, { queue: away }] = queues;
      if (how === 'blocked') {
        stage.push({ queue: away, priority: 5, cpu: 200 });
        stage.setBlocked(200, true);
      }
      for (let count = 0; count < 3_000; count += 1) {
        stage.push({ queue: busy, priority: 5, cpu: 100 });
        expect(stage.runOne()).toBe(busy);
      }
      for (let count = 0; count < 1_000; count += 1) {
        stage.push({ queue: away, priority: 5, cpu: 200 });
        stage.push({ queue: busy, priority: 5, cpu: 100 });
      }
      stage.setBlocked(200, false);
      const first = Array.from({ length: 90 }, () => stage.runOne());
      // By weight 2 to 1, and the little that it may catch up.
      expect(first.filter((queue) => queue === busy).length).toBeGreaterThanOrEqual(25);
    },
  );

  test('a task of the lowest priority goes before fresh ones of the highest after three minutes', () => {
    const stage = new Stage();
    const old = stage.push({ queue: queues[0].queue, priority: 0, cpu: 100 });
    for (let waited = 0; waited < 10; waited += 1) {
      stage.push({ queue: queues[0].queue, priority: 9, cpu: 200 });
      if (waited < 9) expect(stage.place()?.spec.priority).toBe(9);
      stage.nowMs += ageingStepMs;
    }
    expect(stage.place()).toBe(old);
  });
});
