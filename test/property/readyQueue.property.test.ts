// The ready queue against a plain list: who goes next, that none is lost or doubled, and that the window is bounded.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newTask } from '../../scheduler/core/state/taskMaking.ts';
import { SchedulerState } from '../../scheduler/core/state/schedulerState.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import { ms, type QueueName, queueName, taskId } from '../../scheduler/protocol/brands.ts';
import { ageingStepMs, readyWindowMax } from '../../scheduler/protocol/limits.ts';
import { taskSpec } from '../unit/coreStage.ts';

const queues = [
  { queue: queueName('a'), weight: 1 },
  { queue: queueName('b'), weight: 2 },
  { queue: queueName('c'), weight: 5 },
] as const;

/** A ready queue, with a list beside it that is looked through in full. */
class Stage {
  readonly state = new SchedulerState();
  readonly waiting = new Set<Task>();
  readonly blockedCpu = new Set<number>();
  nowMs = 1_000_000;
  #order = 0;

  constructor() {
    for (const { queue, weight } of queues) this.state.ready.put(queue, { weight, mode: 'open' });
  }
  push(queue: QueueName, priority: number, cpu: number): void {
    this.#order += 1;
    const spec = taskSpec({ queue, priority, ask: { cpu } });
    const task = newTask(this.state, { taskId: taskId(this.#order), spec, submitter: '' }, ms(this.nowMs));
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
    this.state.ready.charge(this.state.ready.mustGet(task.spec.queue));
    return task;
  }
  setBlocked(cpu: number, isBlocked: boolean): void {
    const { ready } = this.state;
    const askClass = [...this.waiting].find(({ spec }) => spec.ask.cpu === cpu)?.askClass;
    if (!askClass || askClass.isBlocked === isBlocked) return;
    if (isBlocked) ready.block(askClass);
    else ready.wake(askClass);
  }
  /** The rule, over the whole list: least served queue, then highest priority after ageing, then the older task. */
  expected(): Task | undefined {
    const open = [...this.waiting].filter(({ askClass }) => !askClass.isBlocked);
    const rank = (task: Task): number =>
      task.spec.priority + Math.floor((this.nowMs - task.enqueuedAtMs) / ageingStepMs);
    const served = (task: Task): number => this.state.ready.mustGet(task.spec.queue).served;
    const position = (task: Task): number => queues.findIndex(({ queue }) => queue === task.spec.queue);
    open.sort(
      (x, y) =>
        served(x) - served(y) ||
        position(x) - position(y) ||
        rank(y) - rank(x) ||
        x.enqueuedOrder - y.enqueuedOrder,
    );
    return open[0];
  }
  counted(): number {
    let count = 0;
    for (const { lanes } of this.state.ready.queues.values())
      for (const lane of lanes.values()) count += lane.size;
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
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), forMs: fc.nat(3 * ageingStepMs) }) },
);
type Step = ReturnType<typeof step.generate>['value'];

function take(stage: Stage, next: Step): void {
  switch (next.do) {
    case 'push':
      stage.push((queues[next.queue] ?? queues[0]).queue, next.priority, next.cpu);
      break;
    case 'place': {
      const expected = stage.expected();
      expect(stage.place()?.taskId).toBe(expected?.taskId);
      break;
    }
    case 'cancel': {
      const task = [...stage.waiting][next.at % Math.max(1, stage.waiting.size)];
      if (task) stage.leave(task);
      break;
    }
    case 'block':
    case 'wake':
      stage.setBlocked(next.cpu, next.do === 'block');
      break;
    case 'wait':
      stage.nowMs += next.forMs;
      break;
  }
}

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
      stage.push((queues[at % 3] ?? queues[0]).queue, at % 10, 100 * (1 + (at % 4)));
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
          for (let count = 0; count < each; count += 1) stage.push(name, 5, 100);
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
        stage.push(away, 5, 200);
        stage.setBlocked(200, true);
      }
      for (let count = 0; count < 3_000; count += 1) {
        stage.push(busy, 5, 100);
        expect(stage.place()?.spec.queue).toBe(busy);
      }
      for (let count = 0; count < 1_000; count += 1) {
        stage.push(away, 5, 200);
        stage.push(busy, 5, 100);
      }
      stage.setBlocked(200, false);
      const first = Array.from({ length: 90 }, () => stage.place()?.spec.queue);
      // By weight 2 to 1, and the little that it may catch up.
      expect(first.filter((queue) => queue === busy).length).toBeGreaterThanOrEqual(25);
    },
  );

  test('a task of the lowest priority goes before fresh ones of the highest after three minutes', () => {
    const stage = new Stage();
    stage.push(queues[0].queue, 0, 100);
    const old = [...stage.waiting][0];
    for (let waited = 0; waited < 10; waited += 1) {
      stage.push(queues[0].queue, 9, 200);
      if (waited < 9) expect(stage.place()?.spec.priority).toBe(9);
      stage.nowMs += ageingStepMs;
    }
    expect(stage.place()).toBe(old);
  });
});
