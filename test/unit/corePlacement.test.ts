// Where tasks go, as its specification: resources of every kind, selectors, taints, priorities.
import { describe, expect, test } from 'vitest';
import type { Core } from '../../scheduler/core/cycle.ts';
import { policies } from '../../scheduler/core/place/policy.ts';
import { queueName, type TaskId } from '../../scheduler/protocol/brands.ts';
import { liveOf, startedCore, success } from './coreStage.ts';

const actor = 'ann';
const nodeOf = (core: Core, id: TaskId): string | undefined => core.state.tasks.get(id)?.live?.nodeId;

describe('placement', () => {
  test('packs by default, and spreads where it is told to', () => {
    const nodesUsed = (policy: (typeof policies)[keyof typeof policies]): number => {
      const { core, join, submit } = startedCore(policy);
      for (const name of ['N1', 'N2', 'N3', 'N4']) join(name);
      submit({}, {}, {}, {});
      return [...core.state.nodes.occupied()].filter((node) => core.state.nodes.attemptsOn(node).size > 0)
        .length;
    };
    expect(nodesUsed(policies.pack)).toBe(1);
    expect(nodesUsed(policies.spread)).toBe(4);
  });

  test('takes no more than a node has, and goes on when an attempt ends', () => {
    const { core, join, submitOne, ended } = startedCore();
    join('N1');
    const first = submitOne({ ask: { cpu: 4_000 } });
    const second = submitOne({ ask: { cpu: 4_000 } });
    expect(nodeOf(core, second)).toBeUndefined();
    expect(ended('N1', first, liveOf(core, first).token, success).dispatches).toMatchObject([
      { taskId: second },
    ]);
  });

  test('higher priorities go first, equal ones in order of arrival', () => {
    const { join, submit } = startedCore();
    submit({ priority: 1 }, { priority: 9 }, { priority: 5 }, { priority: 9 });
    expect(join('N1').dispatches.map(({ taskId }) => taskId)).toEqual([2, 4, 3, 1]);
  });

  test('queues share by weight', () => {
    const { give, join, submit } = startedCore();
    give({ kind: 'PutQueue', queue: queueName('heavy'), change: { weight: 3 }, actor });
    submit(...Array.from({ length: 40 }, (_, at) => ({ queue: at % 2 === 0 ? 'default' : 'heavy' })));
    const placed = join('N1', { resources: { cpu: 2_000 } }).dispatches; // room for 20
    const heavy = placed.filter(({ taskId }) => taskId % 2 === 0).length;
    expect(placed).toHaveLength(20);
    expect(heavy).toBe(15);
  });

  test('slots bound the attempts of a node', () => {
    const { join, submit } = startedCore();
    submit({}, {}, {});
    expect(join('N1', { resources: { slots: 2 } }).dispatches).toHaveLength(2);
  });

  test.each([
    ['area', { area: ['body'] }],
    ['line', { line: ['L2'] }],
    ['cell', { cell: ['L9-C9', 'L2-C1'] }],
    ['node', { node: ['N2'] }],
    ['a label', { arch: ['arm64', 'riscv'] }],
    ['several at once', { line: ['L2'], arch: ['arm64'] }],
  ])('a selector on %s is obeyed', (_what, selector) => {
    const { core, join, submitOne } = startedCore();
    const id = submitOne({ selector });
    join('N1', { place: { area: 'press', line: 'L1', cell: 'L1-C1' }, labels: { arch: 'x64' } });
    expect(nodeOf(core, id)).toBeUndefined();
    join('N2', { place: { area: 'body', line: 'L2', cell: 'L2-C1' }, labels: { arch: 'arm64' } });
    expect(nodeOf(core, id)).toBe('N2');
  });

  test('a taint keeps tasks away unless they tolerate it', () => {
    const { core, join, submitOne } = startedCore();
    join('N1', { taints: ['lab', 'slow'] });
    const plain = submitOne();
    const half = submitOne({ tolerations: ['lab'] });
    const both = submitOne({ tolerations: ['slow', 'lab'] });
    expect([plain, half, both].map((id) => nodeOf(core, id))).toEqual([undefined, undefined, 'N1']);
  });

  test('a node runs only the kinds it offers', () => {
    const { core, join, submitOne } = startedCore();
    const id = submitOne({ work: { kind: 'command', argv: ['true'] } });
    join('N1');
    expect(nodeOf(core, id)).toBeUndefined();
    join('N2', { kinds: ['command'] });
    expect(nodeOf(core, id)).toBe('N2');
  });

  test('named resources are counted like any other', () => {
    const { core, join, submit } = startedCore();
    submit({ ask: { custom: { camera: 2 } } }, { ask: { custom: { camera: 1 } } });
    join('N1');
    expect([1, 2].map((id) => nodeOf(core, id as TaskId))).toEqual([undefined, undefined]);
    join('N2', { resources: { custom: { camera: 2 } } });
    expect([1, 2].map((id) => nodeOf(core, id as TaskId))).toEqual(['N2', undefined]);
  });

  test('an ask for none of a resource does not make the plant know it', () => {
    const { core, join, submitOne } = startedCore();
    join('N1');
    expect(nodeOf(core, submitOne({ ask: { custom: { laser: 0 } } }))).toBe('N1');
    expect(core.state.nodes.customNames).toEqual([]);
  });

  test('a rare resource is found behind hundreds of nodes without it', () => {
    const { core, join, submitOne } = startedCore();
    join('rare', { place: { line: 'L1' }, resources: { custom: { camera: 10 } } });
    for (let at = 0; at < 300; at += 1)
      join(`N${String(at)}`, { place: { line: 'L1' }, resources: { custom: { camera: 1 } } });
    const anywhere = submitOne({ ask: { custom: { camera: 5 } } });
    expect(nodeOf(core, anywhere)).toBe('rare');
    const wide = core.state.placer.wideSearches;
    expect(wide).toBeGreaterThan(0);
    const named = submitOne({ ask: { custom: { camera: 5 } }, selector: { line: ['L1'] } });
    expect(nodeOf(core, named)).toBe('rare');
    expect(core.state.placer.wideSearches).toBe(wide); // only the line was looked at
  });

  test('a selector on a place follows a node that comes back at another place', () => {
    const { core, join, submitOne } = startedCore();
    join('N1', { place: { area: 'A', line: 'L1', cell: 'C1' } });
    join('N1', { place: { area: 'A', line: 'L2', cell: 'C9' } });
    expect(nodeOf(core, submitOne({ selector: { line: ['L1'] } }))).toBeUndefined();
    expect(nodeOf(core, submitOne({ selector: { line: ['L1', 'L2'], area: ['A'] } }))).toBe('N1');
  });
});

describe('GPUs', () => {
  const gpuNode = { resources: { gpuDevices: 2 } };
  const shared = (thousandths: number) => ({ ask: { gpu: { devices: 1, thousandths } } });
  const whole = (devices: number) => ({ ask: { gpu: { devices } } });

  test('a whole device is given to one task, by its bit', () => {
    const { core, join, submitOne } = startedCore();
    join('N1', gpuNode);
    const masks = [submitOne(whole(1)), submitOne(whole(1))].map((id) => liveOf(core, id).gpuMask);
    expect(masks).toEqual([0b01, 0b10]);
    expect(nodeOf(core, submitOne(shared(100)))).toBeUndefined();
  });

  test('shared ones fill the fullest device first, so that whole ones stay whole', () => {
    const { core, join, submitOne } = startedCore();
    join('N1', gpuNode);
    const masks = [400, 400, 200].map((part) => liveOf(core, submitOne(shared(part))).gpuMask);
    expect(masks).toEqual([0b01, 0b01, 0b01]);
    expect(liveOf(core, submitOne(whole(1))).gpuMask).toBe(0b10);
    expect(nodeOf(core, submitOne(shared(1)))).toBeUndefined();
  });

  test('two whole devices need two that nobody uses', () => {
    const { core, join, submitOne } = startedCore();
    join('N1', gpuNode);
    submitOne(shared(100));
    const id = submitOne(whole(2));
    expect(nodeOf(core, id)).toBeUndefined();
    join('N2', gpuNode);
    expect(liveOf(core, id)).toMatchObject({ nodeId: 'N2', gpuMask: 0b11 });
  });
});
