// Why a task waits, as an operator is told: the funnel over all nodes, near misses, and whether it can ever run.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { nodeId, type TaskId } from '../../scheduler/protocol/brands.ts';
import { nodesMax } from '../../scheduler/protocol/limits.ts';
import { liveOf, nodeSpec, startedCore } from './coreStage.ts';

const actor = 'ann';

describe('why a task waits', () => {
  test('the funnel names each reason with its number of nodes, and what is left', () => {
    const { core, give, join, submitOne } = startedCore();
    for (const at of [1, 2, 3])
      join(`small-${String(at)}`, { labels: { arch: 'x64' }, resources: { cpu: 500 } });
    join('other', { labels: { arch: 'arm64' } });
    join('tainted', { labels: { arch: 'x64' }, taints: ['lab'] });
    join('closed', { labels: { arch: 'x64' } });
    join('away', { labels: { arch: 'x64' } });
    give({ kind: 'SetCordon', nodeId: nodeId('closed'), isCordoned: true, actor });
    give({ kind: 'DisconnectNode', nodeId: nodeId('away') });
    const why = core.view().why(submitOne({ ask: { cpu: 1_000 }, selector: { arch: ['x64'] } }));
    expect(why).toMatchObject({
      waiting: 'blocked',
      dominant: 'INSUFFICIENT_CPU',
      verdict: 'later',
      registered: 7,
    });
    expect(why?.funnel).toEqual([
      { reason: 'LABEL_MISMATCH', removed: 1, remaining: 6 },
      { reason: 'TAINT_NOT_TOLERATED', removed: 1, remaining: 5 },
      { reason: 'NODE_NOT_ONLINE', removed: 1, remaining: 4 },
      { reason: 'NODE_CORDONED', removed: 1, remaining: 3 },
      { reason: 'INSUFFICIENT_CPU', removed: 3, remaining: 0 },
    ]);
  });

  test('near misses lack least, and say what they have and what is needed', () => {
    const { core, join, submitOne } = startedCore();
    join('far', { resources: { cpu: 100, memory: 10 } });
    join('near', { resources: { cpu: 1_500 } });
    const why = core.view().why(submitOne({ ask: { cpu: 2_000, memory: 64 } }));
    expect(why?.nearMisses.map((miss) => miss.nodeId)).toEqual(['near', 'far']);
    expect(why?.nearMisses[0]?.lacks).toEqual([
      { reason: 'INSUFFICIENT_CPU', has: '1500 millicores free', needs: '2000 millicores free' },
    ]);
  });

  test('never: no node could take it, even an empty one', () => {
    const { core, join, submitOne } = startedCore();
    join('N1');
    expect(core.view().why(submitOne({ ask: { cpu: 4_001 } }))?.verdict).toBe('never');
    expect(core.view().why(submitOne({ selector: { line: ['nowhere'] } }))).toMatchObject({
      verdict: 'never',
      dominant: 'LABEL_MISMATCH',
    });
  });

  test('now: it is only behind others', () => {
    const { core, join, submit } = startedCore();
    join('N1', { resources: { cpu: 64_000, memory: 100_000, slots: 1_000 } });
    submit(...Array.from({ length: 300 }, () => ({}))); // a turn places 256
    expect(core.view().why(300 as TaskId)).toMatchObject({
      verdict: 'now',
      dominant: 'BEHIND_OTHERS',
      waiting: 'ready',
      ahead: 43,
    });
  });

  test('a backoff says until when, a placed task where it is, and no nodes says so', () => {
    const { core, join, submitOne, ended } = startedCore();
    const id = submitOne();
    expect(core.view().why(id)).toMatchObject({ dominant: 'NO_NODES', verdict: 'never', registered: 0 });
    join('N1');
    expect(core.view().why(id)).toMatchObject({ dominant: 'NOT_WAITING', placedOn: 'N1' });
    ended('N1', id, liveOf(core, id).token, { reason: 'exit', exitCode: 1 });
    const { untilMs } = core.state.tasks.get(id) ?? {};
    expect(core.view().why(id)).toMatchObject({ dominant: 'BACKOFF', untilMs });
  });

  test('after a restart it says that nodes are still coming back', () => {
    const { core, join, submitOne } = startedCore();
    join('N1', { resources: { cpu: 100 } });
    submitOne({ ask: { cpu: 100 } });
    const waiting = submitOne({ ask: { cpu: 100 } });
    const after = startedCore(undefined, Core.restored(core.snapshotParts()));
    expect(after.core.view().why(waiting)?.dominant).toBe('REJOINING');
  });

  test('50,000 nodes are explained in well under a second', () => {
    const core = new Core();
    const started = core.turn(1_750_000_000_000, [{ kind: 'StartEpoch', seed: 1 }]);
    const small = nodeSpec({ resources: { cpu: 500 } });
    for (let from = 0; from < nodesMax; from += 1_000)
      core.turn(
        1_750_000_000_000 + from,
        Array.from(
          { length: 1_000 },
          (_, at) =>
            ({ kind: 'JoinNode', nodeId: nodeId(`N${String(from + at)}`), spec: small, held: [] }) as const,
        ),
      );
    const stage = startedCore(undefined, core);
    const id = stage.submitOne({ ask: { cpu: 1_000 } });
    const beganMs = performance.now();
    const why = core.view().why(id);
    const tookMs = performance.now() - beganMs;
    expect(started.batch?.sequence).toBe(1);
    expect(why?.registered).toBe(nodesMax);
    expect(why?.funnel.at(-1)?.remaining).toBe(0);
    expect(why?.nearMisses).toHaveLength(8);
    expect(tookMs).toBeLessThan(1_000);
  });
});
