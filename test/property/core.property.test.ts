// Any sequence of commands: invariants hold after each turn (the stage checks), no task is lost, and what a snapshot or
// the journal gives back goes on exactly as the original.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { nodeId, queueName, type TaskId, taskId } from '../../scheduler/protocol/brands.ts';
import type { Batch, Command } from '../../scheduler/protocol/events.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import { failure, nodeSpec, startedCore, success, taskSpec } from '../unit/coreStage.ts';

const actor = 'test';
const nodeNumber = fc.nat(3);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      cpu: fc.constantFrom(100, 1_000, 2_000, 4_000),
      priority: fc.nat(9),
      key: fc.nat(8),
      isKeyed: fc.boolean(),
      isOnce: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('join' as const), node: nodeNumber, holds: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('leave' as const, 'cordon' as const, 'open' as const, 'forget' as const),
      node: nodeNumber,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('started' as const, 'succeeded' as const, 'failed' as const),
      at: fc.nat(50),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'requeue' as const), at: fc.nat(50) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), forMs: fc.nat(25_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('weight' as const), weight: fc.integer({ min: 1, max: 20 }) }),
  },
);
type Step = ReturnType<typeof step.generate>['value'];
const steps = fc.array(step, { minLength: 20, maxLength: 80 });

/** A core under test, with the books of somebody who only sees answers and effects. */
function bookkeeper(from?: Core) {
  const stage = startedCore(undefined, from);
  const admitted = new Set<TaskId>();
  const ended = new Map<TaskId, TaskRecord>();
  const batches: Batch[] = [];
  const give = (command: Command): void => {
    const turned = stage.give(command);
    if (turned.batch) batches.push(JSON.parse(JSON.stringify(turned.batch)) as Batch);
    for (const record of turned.ended) ended.set(record.taskId, record);
    const [answer] = turned.answers;
    if (!answer?.ok) return;
    for (const given of answer.value.answers ?? []) if (given.ok) admitted.add(given.taskId);
    if (command.kind === 'RequeueTask') ended.delete(command.record.taskId);
  };
  return { ...stage, give, admitted, ended, batches };
}
type Books = ReturnType<typeof bookkeeper>;

// One case per kind of step.
// eslint-disable-next-line complexity
function commandOf(books: Books, next: Exclude<Step, { do: 'wait' }>): Command | undefined {
  switch (next.do) {
    case 'submit':
      return {
        kind: 'SubmitTasks',
        actor,
        specs: [
          taskSpec({
            ask: { cpu: next.cpu },
            priority: next.priority,
            delivery: next.isOnce ? 'at_most_once' : 'at_least_once',
            ...(next.isKeyed && { key: `k${String(next.key)}` }),
          }),
        ],
      };
    case 'weight':
      return { kind: 'PutQueue', queue: queueName('default'), change: { weight: next.weight }, actor };
    case 'started':
    case 'succeeded':
    case 'failed':
      return reportOf(books, next);
    case 'cancel':
      return { kind: 'CancelTask', taskId: taskId(1 + next.at), actor, reason: '' };
    case 'requeue': {
      const record = [...books.ended.values()][next.at % Math.max(1, books.ended.size)];
      return record && { kind: 'RequeueTask', record, actor };
    }
    case 'join':
    case 'leave':
    case 'cordon':
    case 'open':
    case 'forget':
      return nodeCommandOf(books, next);
  }
}

function reportOf({ core }: Books, next: Extract<Step, { at: number }>): Command | undefined {
  const live = [...core.state.tasks.all()].filter((task) => task.live);
  const task = live[next.at % Math.max(1, live.length)];
  if (!task?.live) return undefined;
  const { nodeId: on, token } = task.live;
  if (next.do === 'started') return { kind: 'ReportStarted', nodeId: on, tokens: [token] };
  const end = next.do === 'succeeded' ? success : failure;
  return { kind: 'ReportResults', nodeId: on, results: [{ token, taskId: task.taskId, end }] };
}

function nodeCommandOf({ core }: Books, next: Extract<Step, { node: number }>): Command {
  const id = nodeId(`N${String(next.node)}`);
  switch (next.do) {
    case 'join': {
      const node = core.state.nodes.indexOf(id);
      const tokens = node === undefined || !next.holds ? [] : [...core.state.nodes.attemptsOn(node)];
      const spec = nodeSpec({ labels: { arch: next.node % 2 === 0 ? 'x64' : 'arm64' } });
      return {
        kind: 'JoinNode',
        nodeId: id,
        spec,
        held: tokens.map((token) => ({ token, state: 'running' })),
      };
    }
    case 'leave':
      return { kind: 'DisconnectNode', nodeId: id };
    case 'cordon':
    case 'open':
      return { kind: 'SetCordon', nodeId: id, isCordoned: next.do === 'cordon', actor };
    case 'forget':
      return { kind: 'ForgetNode', nodeId: id, actor };
  }
}

function run(books: Books, all: readonly Step[]): void {
  for (const next of all) {
    if (next.do === 'wait') books.jump(next.forMs);
    const command = next.do === 'wait' ? books.beat('N0') : commandOf(books, next);
    if (command) books.give(command);
  }
}

describe('any sequence of commands', () => {
  test('keeps the invariants and loses no task: each is live or has ended', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const books = bookkeeper();
        run(books, all);
        for (const id of books.admitted)
          expect(books.core.state.tasks.get(id) === undefined).toBe(books.ended.has(id));
      }),
      { numRuns: 200 },
    );
  });

  test('replayed from its journal gives the same digest, at every batch', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const books = bookkeeper();
        const replica = new Core();
        replica.replay({
          sequence: 1,
          atMs: books.core.state.lastBatchAtMs as Batch['atMs'],
          events: [{ kind: 'epoch_started', epoch: books.core.state.epoch, seed: 7 }],
        });
        run(books, all);
        for (const batch of books.batches) replica.replay(batch);
        expect(replica.digest()).toBe(books.core.digest());
      }),
      { numRuns: 100 },
    );
  });

  test('taken up from a snapshot goes on by the same events to the same digest', () => {
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const books = bookkeeper();
        run(books, before);
        const restored = Core.restored(books.core.snapshotParts());
        expect(restored.digest()).toBe(books.core.digest());
        const from = books.batches.length;
        run(books, after);
        for (const batch of books.batches.slice(from)) restored.replay(batch);
        expect(restored.digest()).toBe(books.core.digest());
      }),
      { numRuns: 100 },
    );
  });

  test('a snapshot made in parts while work goes on is the state at which it began', () => {
    fc.assert(
      fc.property(steps, steps, steps, (before, during, after) => {
        const books = bookkeeper();
        run(books, before);
        const [from, digest] = [books.batches.length, books.core.digest()];
        const parts = books.core.beginSnapshot().parts();
        const made = [parts.next().value ?? ''];
        run(books, during);
        made.push(...[...parts].filter((part) => part !== undefined));
        const restored = Core.restored(made);
        expect(restored.digest()).toBe(digest);
        run(books, after);
        for (const batch of books.batches.slice(from)) restored.replay(batch);
        expect(restored.digest()).toBe(books.core.digest());
      }),
      { numRuns: 100 },
    );
  });

  test('two cores from one snapshot decide the same', () => {
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const books = bookkeeper();
        run(books, before);
        const snapshot = books.core.snapshotParts();
        const [one, other] = [0, 1].map(() => bookkeeper(Core.restored(snapshot)));
        if (!one || !other) throw new Error('two were made');
        run(one, after);
        run(other, after);
        expect(one.batches).toEqual(other.batches);
        expect(one.core.digest()).toBe(other.core.digest());
      }),
      { numRuns: 60 },
    );
  });
});
