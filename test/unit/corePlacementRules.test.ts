// Rules that a task brings along for where it runs: apart from others, beside them, evenly spread, alone, not there.
import { describe, expect, test } from 'vitest';
import { policies } from '../../scheduler/core/place/policy.ts';
import { queueName, type TaskId } from '../../scheduler/protocol/brands.ts';
import { watchedLabelsMax } from '../../scheduler/protocol/limits.ts';
import { policyNames } from '../../scheduler/protocol/queue.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import { taskSpecSchema } from '../../scheduler/protocol/task.ts';
import { liveOf, startedCore } from './coreStage.ts';

type Stage = ReturnType<typeof startedCore>;
const placeOf = (line: string, cell = `${line}-C1`, area = 'A') => ({ place: { area, line, cell } });
const nodeOf = ({ core }: Stage, taskId: TaskId) => core.state.tasks.get(taskId)?.live?.nodeId;
const reasonsOf = ({ core }: Stage, taskId: TaskId) =>
  core
    .view()
    .why(taskId)
    ?.funnel.map(({ reason }) => reason);

/** Two lines with two nodes each. */
function plant(): Stage {
  const stage = startedCore();
  for (const name of ['N1', 'N2']) stage.join(name, placeOf('L1'));
  for (const name of ['N3', 'N4']) stage.join(name, placeOf('L2'));
  return stage;
}

describe('apart', () => {
  const db = (within: string) => ({
    labels: { app: 'db' },
    placement: { apart: { labels: { app: 'db' }, within } },
  });
  test('by node, no two such tasks share one, and the last waits with the reason', () => {
    const stage = plant();
    const ids = [1, 2, 3, 4].map(() => stage.submitOne(db('node')));
    expect(new Set(ids.map((id) => nodeOf(stage, id))).size).toBe(4);
    const fifth = stage.submitOne(db('node'));
    expect(nodeOf(stage, fifth)).toBeUndefined();
    expect(reasonsOf(stage, fifth)).toEqual(['NOT_APART']);
  });
  test('an end in the line lets the next one in, on another node than the one where it ended', () => {
    const stage = plant();
    const [first, second] = [stage.submitOne(db('line')), stage.submitOne(db('line'))];
    const third = stage.submitOne(db('line'));
    expect(nodeOf(stage, third)).toBeUndefined();
    // The node of the one that ends is full of something else by then: only its neighbour can take the third.
    const { nodeId, token } = liveOf(stage.core, first);
    const filler = stage.submitOne({ ask: { cpu: 3_900 }, selector: { node: [nodeId] } });
    expect(nodeOf(stage, filler)).toBe(nodeId);
    stage.submitOne({ ask: { cpu: 100 }, selector: { node: [nodeId] }, priority: 9 });
    stage.ended(nodeId, first, token);
    expect(nodeOf(stage, third)).toBeDefined();
    expect(nodeOf(stage, third)?.slice(0, 1)).toBe('N');
    expect(nodeOf(stage, second)).not.toBe(nodeOf(stage, third));
  });
  test('cells of the same name in different lines are different cells', () => {
    const stage = startedCore();
    stage.join('N1', placeOf('L1', 'C1'));
    stage.join('N2', placeOf('L2', 'C1'));
    const ids = [1, 2].map(() => stage.submitOne(db('cell')));
    expect(new Set(ids.map((id) => nodeOf(stage, id)))).toEqual(new Set(['N1', 'N2']));
  });
  test('a task without the labels may come to where one is that keeps apart: the rule is its own', () => {
    const stage = startedCore();
    stage.join('N1');
    stage.submitOne(db('node'));
    expect(nodeOf(stage, stage.submitOne())).toBe('N1');
  });
});

describe('together', () => {
  const part = (name: string, needs: string) => ({
    labels: { app: name },
    placement: { together: { labels: { app: needs }, within: 'line' } },
  });
  test('the first one goes anywhere, the others into its line', () => {
    const stage = plant();
    const ids = [1, 2, 3, 4, 5].map(() => stage.submitOne({ ...part('web', 'web'), ask: { cpu: 1_500 } }));
    const lines = ids.flatMap((id) => {
      const node = nodeOf(stage, id);
      return node === undefined ? [] : [node < 'N3' ? 'L1' : 'L2'];
    });
    expect(lines).toHaveLength(4); // two nodes of two such tasks each
    expect(new Set(lines).size).toBe(1);
    const last = ids[4];
    expect(last !== undefined && reasonsOf(stage, last)).toEqual(['NOT_TOGETHER', 'INSUFFICIENT_CPU']);
  });
  test('one that wants others waits until one of them is placed, and is woken by that', () => {
    const stage = plant();
    const web = stage.submitOne(part('web', 'db'));
    expect(nodeOf(stage, web)).toBeUndefined();
    expect(reasonsOf(stage, web)).toEqual(['NOT_TOGETHER']);
    stage.submitOne({ labels: { app: 'db' }, selector: { node: ['N4'] } });
    expect(['N3', 'N4']).toContain(nodeOf(stage, web));
  });
});

describe('spread', () => {
  const task = (over: string, skewMax = 1) => ({
    labels: { app: 'web' },
    placement: { spread: { labels: { app: 'web' }, over, skewMax } },
  });
  const perLine = (stage: Stage): number[] => {
    const counts = { L1: 0, L2: 0 };
    for (const { live } of stage.core.state.tasks.all())
      if (live) counts[live.nodeId < 'N3' ? 'L1' : 'L2'] += 1;
    return [counts.L1, counts.L2];
  };
  test('lines get the same number, whatever fills nodes best', () => {
    const stage = plant();
    for (let i = 0; i < 10; i += 1) stage.submitOne(task('line'));
    expect(perLine(stage)).toEqual([5, 5]);
  });
  test('a line that is full holds the others back, up to the skew', () => {
    const stage = plant();
    for (const node of ['N3', 'N4']) stage.submitOne({ ask: { cpu: 4_000 }, selector: { node: [node] } });
    const ids = [1, 2, 3].map(() => stage.submitOne(task('line', 2)));
    expect(ids.map((id) => nodeOf(stage, id) !== undefined)).toEqual([true, true, false]);
    expect(reasonsOf(stage, ids[2] ?? ids[0] ?? stage.submitOne())).toEqual([
      'SPREAD_SKEW',
      'INSUFFICIENT_CPU',
    ]);
  });
  test('a line whose nodes all left no longer counts, and those that waited for it go on', () => {
    const stage = plant();
    for (const node of ['N3', 'N4']) stage.submitOne({ ask: { cpu: 4_000 }, selector: { node: [node] } });
    const ids = [1, 2].map(() => stage.submitOne(task('line')));
    expect(nodeOf(stage, ids[1] ?? stage.submitOne())).toBeUndefined();
    for (const node of ['N3', 'N4'] as never[])
      stage.give({ kind: 'SetCordon', nodeId: node, isCordoned: true, actor: 'ann' });
    expect(perLine(stage)[0]).toBe(2);
  });
});

describe('a node for itself', () => {
  const alone = { placement: { isExclusive: true } };
  test('it takes an empty node only, and nobody joins it there', () => {
    const stage = startedCore();
    stage.join('N1');
    stage.join('N2');
    const plain = stage.submitOne();
    const busy = nodeOf(stage, plain);
    const first = stage.submitOne(alone);
    expect(nodeOf(stage, first)).not.toBe(busy);
    const second = stage.submitOne(alone);
    expect(nodeOf(stage, second)).toBeUndefined();
    expect(reasonsOf(stage, second)).toEqual(['NODE_EXCLUSIVE', 'NODE_NOT_EMPTY']);
    const many = [1, 2, 3].map(() => stage.submitOne());
    expect(new Set(many.map((id) => nodeOf(stage, id)))).toEqual(new Set([busy]));
    const { nodeId, token } = liveOf(stage.core, first);
    stage.ended(nodeId, first, token);
    expect(nodeOf(stage, second)).toBe(nodeId);
  });
});

describe('avoid and prefer', () => {
  test('nodes with an avoided label or place are left out, and that is the reason', () => {
    const stage = startedCore();
    stage.join('N1', { labels: { disk: 'slow' } });
    stage.join('N2', placeOf('L2'));
    const avoid = { disk: ['slow'], line: ['L2'] };
    const id = stage.submitOne({ placement: { avoid } });
    expect(nodeOf(stage, id)).toBeUndefined();
    expect(reasonsOf(stage, id)).toEqual(['NODE_AVOIDED']);
    expect(stage.core.view().why(id)?.verdict).toBe('never');
    stage.join('N3');
    expect(nodeOf(stage, id)).toBe('N3');
  });
  test('the node with most weight wins, whatever else is fuller; where none has any, another is taken', () => {
    const stage = startedCore();
    stage.join('N1');
    stage.join('N2', { labels: { disk: 'fast' }, ...placeOf('L2') });
    stage.join('N3', { labels: { disk: 'fast' } });
    stage.submitOne({ selector: { node: ['N1'] } });
    const prefer = [
      { labels: { disk: ['fast'] }, weight: 10 },
      { labels: { line: ['L2'] }, weight: 5 },
    ];
    const ids = [1, 2, 3].map(() => stage.submitOne({ placement: { prefer }, ask: { cpu: 3_000 } }));
    expect(ids.map((id) => nodeOf(stage, id))).toEqual(['N2', 'N3', 'N1']);
  });
});

describe('policies', () => {
  test('there is one for each name, and no other', () => {
    expect(Object.keys(policies).sort()).toEqual([...policyNames].sort());
    for (const [name, policy] of Object.entries(policies)) expect(policy.name).toBe(name);
  });
  test('each queue has its own', () => {
    const stage = startedCore();
    for (const name of ['N1', 'N2', 'N3']) stage.join(name);
    stage.give({ kind: 'PutQueue', queue: queueName('wide'), change: { policy: 'spread' }, actor: 'ann' });
    const packed = [1, 2, 3].map(() => stage.submitOne());
    const spread = [1, 2, 3].map(() => stage.submitOne({ queue: 'wide' }));
    expect(new Set(packed.map((id) => nodeOf(stage, id))).size).toBe(1);
    expect(new Set(spread.map((id) => nodeOf(stage, id))).size).toBeGreaterThan(1);
  });
  test('by use: a node that is busy though little is reserved comes last; unmeasured ones count as reserved', () => {
    const stage = startedCore();
    for (const name of ['N1', 'N2']) stage.join(name);
    stage.give({ kind: 'PutQueue', queue: queueName('q'), change: { policy: 'usage' }, actor: 'ann' });
    stage.give({ ...(stage.beat('N1') as never as object), cpuUsedMillicores: 3_900 } as never);
    const first = stage.submitOne({ queue: 'q', ask: { cpu: 3_000 } });
    expect(nodeOf(stage, first)).toBe('N2');
    expect(nodeOf(stage, stage.submitOne({ queue: 'q', ask: { cpu: 3_000 } }))).toBe('N1');
  });
});

describe('what is kept of them', () => {
  test('a restored core counts what is placed as before', () => {
    const stage = plant();
    const rule = { labels: { app: 'db' }, placement: { apart: { labels: { app: 'db' }, within: 'line' } } };
    stage.submitOne(rule);
    stage.submitOne({ ...rule, placement: { isExclusive: true } });
    stage.submitOne(rule);
    const Core = stage.core.constructor as unknown as {
      restored: (parts: readonly string[]) => typeof stage.core;
    };
    const again = startedCore(undefined, Core.restored(stage.core.snapshotParts()));
    expect(again.core.state.nodes.exclusives).toBe(1);
    const waiting = again.submitOne(rule);
    expect(nodeOf(again, waiting)).toBeUndefined();
  });
  test('a node that moves to another line takes its tasks along', () => {
    const stage = plant();
    const rule = { labels: { app: 'db' }, placement: { apart: { labels: { app: 'db' }, within: 'line' } } };
    const first = stage.submitOne({ ...rule, selector: { node: ['N1'] } });
    const { token } = liveOf(stage.core, first);
    stage.join('N1', placeOf('L2'), [{ token, state: 'running' }]);
    expect(nodeOf(stage, stage.submitOne(rule))).toBe('N2');
    expect(nodeOf(stage, stage.submitOne(rule))).toBeUndefined();
  });
  test('labels by which tasks are counted are limited, with a refusal that says so', () => {
    const stage = startedCore();
    const of = (label: string) => ({
      placement: { apart: { labels: { [label]: 'x' }, within: 'node' } },
    });
    const names = Array.from({ length: watchedLabelsMax }, (_, i) => of(`label${String(i)}`));
    expect(stage.submit(...names).every(({ ok }) => ok)).toBe(true);
    const [one] = stage.submit(of('another'));
    expect(one).toMatchObject({ ok: false, refusal: { code: 'class_limit', field: 'placement' } });
    expect(stage.submit(of('label0'))[0]?.ok).toBe(true);
  });
  test.each([
    [{ selector: { line: ['L1'] }, placement: { avoid: { line: ['L1', 'L2'] } } }, 'placement.avoid.line'],
    [
      {
        placement: {
          together: { labels: { app: 'x' }, within: 'line' },
          apart: { labels: { app: 'x' }, within: 'area' },
        },
      },
      'name the same tasks',
    ],
  ])('a contradiction is refused where it comes in: %j', (input, words) => {
    const decoded = decode(taskSpecSchema, { work: { kind: 'simulated', runMs: 1 }, ...input }, 'task');
    expect(decoded.ok).toBe(false);
    if (!decoded.ok) expect(decoded.reason.message).toContain(words);
  });
});
