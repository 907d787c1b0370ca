// Whose fault an end was: retry rules of the task, tasks that take nodes down, nodes that fail what others run.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { nodeId, type TaskId, type Token } from '../../scheduler/protocol/brands.ts';
import {
  blamedTasksMin,
  outageNodesMin,
  platformRetriesMax,
  poisonNodesMax,
  rejoinWindowMs,
} from '../../scheduler/protocol/limits.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { failure, kindsOf, liveOf, startedCore, success } from './coreStage.ts';

const quick = { backoffMs: 100, backoffCapMs: 100 };

/** A plant of so many nodes whose rejoin window is over. All that run are kept alive while it waits. */
function plant(nodes: number) {
  const stage = startedCore();
  const names = Array.from({ length: nodes }, (_, at) => `N${String(at)}`);
  stage.wait(rejoinWindowMs + 1_000);
  for (const name of names) stage.join(name);
  const tokensOn = (name: string): Token[] => {
    const node = stage.core.state.nodes.indexOf(nodeId(name));
    return node === undefined ? [] : [...stage.core.state.nodes.attemptsOn(node)];
  };
  const wait = (forMs: number) =>
    stage.wait(forMs, () => names.map((name) => stage.beat(name, ...tokensOn(name))));
  const endAt = (id: TaskId, end: AttemptEnd) => {
    const { nodeId: on, token } = liveOf(stage.core, id);
    return stage.ended(on, id, token, end);
  };
  /** The agent that runs the task dies with all it runs, and comes back. */
  const takeDown = (id: TaskId) => {
    const { nodeId: on, token } = liveOf(stage.core, id);
    stage.started(on, token);
    stage.give({ kind: 'DisconnectNode', nodeId: on });
    return { on, ...stage.join(on) };
  };
  return { ...stage, names, wait, endAt, takeDown };
}

describe('retry rules', () => {
  const rules = [
    { exitCodes: [65], then: 'dead_letter' },
    { exitCodes: [75], reasons: ['timeout'], then: 'free', backoffMs: 2_000 },
    { reasons: ['lost', 'agent_lost'], then: 'retry' },
  ];

  test('a rule may send a task to the dead letter list at its first failure', () => {
    const { submitOne, endAt } = plant(1);
    const id = submitOne({ retry: { attemptsMax: 9, ...quick, rules } });
    expect(endAt(id, { reason: 'exit', exitCode: 65 }).ended).toMatchObject([
      { state: 'dead_letter', reason: 'not tried again by its own rule: exit code 65' },
    ]);
  });

  test('a free end spends none of the attempts of the task, and waits as its rule says', () => {
    const { submitOne, endAt, core, wait, now } = plant(1);
    const id = submitOne({ retry: { attemptsMax: 1, ...quick, rules } });
    const ends: AttemptEnd[] = [{ reason: 'exit', exitCode: 75 }, { reason: 'timeout' }];
    for (const end of ends) {
      endAt(id, end);
      const waitMs = (core.state.tasks.get(id)?.untilMs ?? 0) - now();
      expect(waitMs).toBeGreaterThanOrEqual(1_500);
      wait(6_000);
    }
    expect(endAt(id, failure).ended).toMatchObject([{ reason: '1 of 1 attempts failed: exit code 1' }]);
  });

  test('free ends are bounded all the same', () => {
    const { submitOne, endAt, wait } = plant(1);
    const free = [{ exitCodes: [75], then: 'free' }];
    const id = submitOne({ retry: { attemptsMax: 1, ...quick, rules: free } });
    for (let end = 0; end < platformRetriesMax; end += 1) {
      expect(endAt(id, { reason: 'exit', exitCode: 75 }).ended).toEqual([]);
      wait(1_000);
    }
    expect(endAt(id, { reason: 'exit', exitCode: 75 }).ended[0]?.reason).toMatch(/^lost 11 times/);
  });

  test('a rule may make a loss spend an attempt', () => {
    const { submitOne, endAt } = plant(1);
    const id = submitOne({ retry: { attemptsMax: 1, ...quick, rules } });
    expect(endAt(id, { reason: 'agent_lost' }).ended[0]?.reason).toMatch(/^1 of 1 attempts failed/);
  });

  test('no rule makes a task that runs at most once run twice', () => {
    const { submitOne, endAt } = plant(1);
    const id = submitOne({ delivery: 'at_most_once', retry: { ...quick, rules } });
    expect(endAt(id, { reason: 'exit', exitCode: 75 }).ended[0]?.state).toBe('dead_letter');
  });
});

describe('a task that failed on a node', () => {
  test('goes to another one next, and back where no other takes it', () => {
    const { submitOne, endAt, core, wait } = plant(2);
    const id = submitOne({ retry: { attemptsMax: 5, ...quick } });
    const first = liveOf(core, id).nodeId;
    endAt(id, failure);
    wait(1_000);
    expect(liveOf(core, id).nodeId).not.toBe(first);
    endAt(id, failure);
    wait(1_000);
    expect(liveOf(core, id)).toBeDefined();
  });
});

describe('a task that takes its nodes down', () => {
  test('is set aside after three of them, and says which', () => {
    const { submitOne, takeDown, wait } = plant(6);
    const id = submitOne({ retry: quick });
    const taken: string[] = [];
    for (let at = 1; at < poisonNodesMax; at += 1) {
      const { on, ended } = takeDown(id);
      taken.push(on);
      expect(ended).toEqual([]);
      wait(90_000);
    }
    const { on, ended } = takeDown(id);
    expect(new Set([...taken, on]).size).toBe(poisonNodesMax);
    expect(ended).toMatchObject([{ state: 'dead_letter' }]);
    expect(ended[0]?.reason).toMatch(`poison: it took ${[...taken, on].join(', ')} with it`);
  });

  test('keeps its count over a restart from a snapshot', () => {
    const { submitOne, takeDown, wait, core } = plant(6);
    const id = submitOne({ retry: quick });
    const { on } = takeDown(id);
    wait(2_000);
    const restored = Core.restored(core.snapshotParts());
    expect(restored.digest()).toBe(core.digest());
    expect(restored.state.tasks.get(id)?.suspectNodes).toEqual([on]);
    expect(restored.state.tasks.suspects.size).toBe(1);
  });

  test('is not blamed for an outage: others went at the same time', () => {
    const { submit, core, wait, give, join, names, started } = plant(2 * outageNodesMin);
    submit(...names.map(() => ({ ask: { cpu: 4_000 }, retry: quick })));
    const ids = [...core.state.tasks.all()].map(({ taskId }) => taskId);
    for (let outage = 0; outage < poisonNodesMax + 1; outage += 1) {
      for (const id of ids) started(liveOf(core, id).nodeId, liveOf(core, id).token);
      give(...names.map((name) => ({ kind: 'DisconnectNode' as const, nodeId: nodeId(name) })));
      for (const name of names) join(name);
      wait(1_200_000);
    }
    expect(core.state.tasks.size).toBe(names.length);
    expect(core.state.tasks.suspects.size).toBe(0);
  });

  test('is not blamed for a node that goes again and again', () => {
    const { submitOne, takeDown, give, join, core } = plant(1);
    const id = submitOne({ retry: quick });
    for (let at = 0; at < 2; at += 1) {
      give({ kind: 'DisconnectNode', nodeId: nodeId('N0') });
      join('N0', {}, [{ token: liveOf(core, id).token, state: 'running' }]);
    }
    takeDown(id);
    expect(core.state.tasks.get(id)?.suspectNodes).toEqual([]);
  });

  test('is kept apart from others that were there, so that the next loss tells which it was', () => {
    const { submitOne, takeDown, core, wait, started } = plant(4);
    const [one, other] = [submitOne({ retry: quick }), submitOne({ retry: quick })];
    expect(liveOf(core, one).nodeId).toBe(liveOf(core, other).nodeId); // packed
    started(liveOf(core, other).nodeId, liveOf(core, other).token);
    takeDown(one);
    wait(2_000);
    expect(liveOf(core, one).nodeId).not.toBe(liveOf(core, other).nodeId);
  });
});

/** So many tasks of one kind fail on the node, and run elsewhere at their second attempt. */
function failingNode(nodes = 3) {
  const stage = plant(nodes);
  const bad = 'N0';
  const fail = (count = blamedTasksMin) => {
    const kinds: string[] = [];
    for (let at = 0; at < count; at += 1) {
      const id = stage.submitOne({ name: 'weld', selector: { node: [bad, 'N1'] }, retry: quick });
      const turned = stage.endAt(id, failure);
      kinds.push(...kindsOf(turned.events));
      stage.wait(1_000);
      kinds.push(
        ...kindsOf(stage.endAt(id, liveOf(stage.core, id).nodeId === bad ? failure : success).events),
      );
      stage.wait(1_000);
    }
    return kinds;
  };
  return { ...stage, bad, fail };
}

describe('a node that fails what others run', () => {
  test('is set aside, gets nothing more, says why, and is opened again by an operator', () => {
    const { fail, core, submitOne, bad, give } = failingNode();
    expect(fail()).toContain('node_set_aside');
    expect(core.view().node(nodeId(bad))?.setAside).toMatch(/5 tasks that run elsewhere failed on it/);
    expect(core.view().nodeCounts()).toMatchObject({ setAside: 1, cordoned: 0 });
    const id = submitOne({ selector: { node: [bad] } });
    expect(core.view().why(id)?.dominant).toBe('NODE_SET_ASIDE');
    give({ kind: 'SetCordon', nodeId: nodeId(bad), isCordoned: false, actor: 'ann' });
    expect(liveOf(core, id).nodeId).toBe(bad);
    expect(core.view().node(nodeId(bad))?.setAside).toBeUndefined();
  });

  test('stays set aside over a restart, and beside a cordon', () => {
    const { fail, core, bad, give } = failingNode();
    fail();
    give({ kind: 'SetCordon', nodeId: nodeId(bad), isCordoned: true, actor: 'ann' });
    const restored = Core.restored(core.snapshotParts());
    expect(restored.digest()).toBe(core.digest());
    const row = restored.view().node(nodeId(bad));
    expect(row?.isCordoned).toBe(true);
    expect(row?.setAside).toMatch(/5 tasks that run elsewhere/);
  });

  test('is not blamed where the tasks fail everywhere', () => {
    const { submitOne, endAt, core, wait } = plant(3);
    for (let at = 0; at < 4 * blamedTasksMin; at += 1) {
      const id = submitOne({ name: 'weld', retry: { attemptsMax: 3, ...quick } });
      for (let attempt = 0; attempt < 3; attempt += 1) {
        endAt(id, failure);
        wait(1_000);
      }
    }
    expect(core.state.nodes.setAside.size).toBe(0);
  });

  test('is not blamed where it runs more than it fails', () => {
    const { fail, submitOne, endAt, core } = failingNode();
    for (let at = 0; at < 2 * blamedTasksMin; at += 1)
      endAt(submitOne({ name: 'weld', selector: { node: ['N0'] } }), success);
    fail(1);
    expect(core.state.nodes.setAside.size).toBe(0);
  });

  test('is one of few: past a tenth of the plant no further one is set aside', () => {
    const { core, submitOne, endAt, wait } = plant(4);
    for (const bad of ['N0', 'N1'])
      for (let at = 0; at < blamedTasksMin; at += 1) {
        const id = submitOne({ name: 'weld', selector: { node: [bad] }, retry: { attemptsMax: 1 } });
        if (core.state.tasks.get(id)?.live) endAt(id, failure);
        endAt(submitOne({ name: 'weld', selector: { node: ['N3'] } }), success);
        wait(1_000);
      }
    expect([...core.state.nodes.setAside.keys()]).toHaveLength(1);
  });
});
