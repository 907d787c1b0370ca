// Which attempts are stopped: the cheapest set of a node, and nodes that come in turn so that none is never looked at.
import { describe, expect, test } from 'vitest';
import { Preemptibles } from '../../scheduler/core/preempt/preemptibles.ts';
import { type NodeIndex, nodeIndex, taskId, type TaskId } from '../../scheduler/protocol/brands.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import { taskSpec } from './coreStage.ts';
import { preemptStage, small, urgent } from './preemptStage.ts';

const nodesOf = (count: number): string[] => Array.from({ length: count }, (_, at) => `N${String(at)}`);

describe('of the attempts of a node', () => {
  test('one that makes room alone goes before two of lower priority', () => {
    const { begun, submitOne, isStopped } = preemptStage();
    const [a, b] = [begun({ ...small, priority: 1 }), begun({ ...small, priority: 1 })];
    const large = begun({ ...small, priority: 5, ask: { cpu: 2_000 } });
    submitOne({ ...urgent, ask: { cpu: 2_000 } });
    expect([a, b, large].map(isStopped)).toEqual([false, false, true]);
  });

  test('of sets of one size the one with the least priority in all', () => {
    const { begun, submitOne, isStopped } = preemptStage();
    const ids = [
      { priority: 1, ask: { cpu: 500 } },
      { priority: 2, ask: { cpu: 1_500 } },
      { priority: 3, ask: { cpu: 1_000 } },
      { priority: 4, ask: { cpu: 1_000 } },
    ].map((input) => begun({ ...small, ...input }));
    submitOne({ ...urgent, ask: { cpu: 2_000 } });
    expect(ids.map(isStopped)).toEqual([true, true, false, false]);
  });

  test('many small ones are found, too', () => {
    const { begun, submitOne, isStopped } = preemptStage();
    const ids = Array.from({ length: 40 }, (_, at) =>
      begun({ ...small, priority: 1 + (at % 4), ask: { cpu: 100 } }),
    );
    submitOne({ ...urgent, ask: { cpu: 3_000 } });
    expect(ids.filter(isStopped)).toHaveLength(30);
    expect(ids.filter((id, at) => at % 4 < 2 && !isStopped(id))).toEqual([]);
  });

  test('what a rule of the task forbids beside it goes, however small', () => {
    const { begun, submitOne, isStopped } = preemptStage();
    const large = begun({ ...small, priority: 1, ask: { cpu: 3_000 } });
    const near = begun({ ...small, priority: 5, ask: { cpu: 100 }, labels: { app: 'noisy' } });
    const apart = { within: 'node', labels: { app: 'noisy' } };
    submitOne({ ...urgent, ask: { cpu: 900 }, placement: { apart } });
    expect([large, near].map(isStopped)).toEqual([false, true]);
  });
});

describe('of the nodes', () => {
  const held = { ...small, ask: { cpu: 4_000 } };
  const stoppedOn = ({ core }: ReturnType<typeof preemptStage>, ids: readonly TaskId[]): string[] =>
    ids.flatMap((id) => {
      const live = core.state.tasks.get(id)?.live;
      return live?.preemptedBy === undefined ? [] : [live.nodeId];
    });

  test('those of a place that the task names are looked at first', () => {
    const stage = preemptStage(nodesOf(200));
    const ids = nodesOf(200).map(() => stage.begun(held));
    stage.submitOne({ ...urgent, selector: { node: ['N187'] } });
    expect(stoppedOn(stage, ids)).toEqual(['N187']);
  });

  test('each comes in its turn: a task finds the only one that it can use', () => {
    const names = nodesOf(150);
    const stage = preemptStage(names);
    const ids = names.map(() => stage.begun(held));
    const rare = ['A', 'B', 'C', 'D'];
    for (const name of rare) {
      stage.join(name, { resources: { custom: { [name]: 1 } } });
      ids.push(stage.begun(held));
    }
    for (const name of rare) stage.submitOne({ ...urgent, ask: { cpu: 4_000, custom: { [name]: 1 } } });
    expect(stoppedOn(stage, ids).length).toBeLessThan(rare.length);
    stage.wait(2_000);
    expect(stoppedOn(stage, ids).sort()).toEqual(rare);
  });

  test('a look that found nothing ends, and nothing turns on for it', () => {
    const stage = preemptStage(nodesOf(150));
    for (const name of nodesOf(150)) stage.begun({ ...held, selector: { node: [name] } });
    stage.submitOne({ ...urgent, ask: { cpu: 4_000, custom: { camera: 1 } } });
    expect(stage.core.state.preemption.unseen.size).toBe(1);
    stage.wait(2_000);
    expect(stage.core.state.preemption.unseen.size).toBe(0);
    expect(stage.give().hasMore).toBe(false);
  });
});

describe('the round over all nodes', () => {
  const listed = (node: number, priority: number): [Task, { node: NodeIndex }] => [
    { taskId: taskId(1), spec: taskSpec({ isPreemptible: true, priority }), group: undefined } as never,
    { node: nodeIndex(node) },
  ];
  const filled = (): Preemptibles => {
    const all = new Preemptibles();
    for (const node of [0, 1, 2, 3]) all.add(...listed(node, 1));
    for (const node of [2, 7, 8]) all.add(...listed(node, 4));
    all.add(...listed(9, 6));
    return all;
  };

  test('has the lowest priority first, and ends with the given one', () => {
    const nodes = [...filled().round(4, { turnedBy: 0, skip: 0 })];
    expect(nodes.slice(0, 4).sort()).toEqual([0, 1, 2, 3]);
    expect(nodes.slice(4).sort()).toEqual([2, 7, 8]);
    expect([...filled().round(0, { turnedBy: 3, skip: 5 })]).toEqual([]);
  });

  test('begins anywhere, and has each node as often', () => {
    const all = filled();
    const whole = [...all.round(4, { turnedBy: 0, skip: 0 })].sort();
    for (let turnedBy = 0; turnedBy < 9; turnedBy += 1)
      for (let skip = 0; skip < 20; skip += 1)
        expect([...all.round(4, { turnedBy, skip })].sort()).toEqual(whole);
    const [first, ...others] = all.round(4, { turnedBy: 1, skip: 0 });
    expect([...all.round(4, { turnedBy: 1, skip: 1 })]).toEqual([...others, first]);
    expect([...all.round(4, { turnedBy: 2, skip: 0 })][0]).toBe(others[0]);
  });

  test('has nodes in no order of their coming, so that a part of them has some of every kind', () => {
    const all = new Preemptibles();
    for (let node = 0; node < 2_000; node += 1) all.add(...listed(node, 1));
    const part = [...all.round(1, { turnedBy: 0, skip: 0 })].slice(0, 200);
    expect(part.filter((node) => node >= 1_800).length).toBeGreaterThan(5);
    expect(new Set(all.round(1, { turnedBy: 0, skip: 0 })).size).toBe(2_000);
  });

  test('forgets a node with its last attempt', () => {
    const all = filled();
    all.add(...listed(1, 1));
    all.remove(...listed(1, 1));
    all.remove(...listed(0, 1));
    expect([...all.round(1, { turnedBy: 0, skip: 0 })].sort()).toEqual([1, 2, 3]);
    all.remove(...listed(1, 1));
    expect([...all.round(1, { turnedBy: 0, skip: 0 })].sort()).toEqual([2, 3]);
    expect(all.holds(nodeIndex(1))).toBe(false);
  });
});
