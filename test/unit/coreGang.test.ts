// Gangs: all members at once or none, one end for all, and a try only when the plant could have room for all.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { type TaskId, taskId } from '../../scheduler/protocol/brands.ts';
import { gangSizeMax, liveTasksMax } from '../../scheduler/protocol/limits.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { failure, kindsOf, liveOf, reasonOf, startedCore, success } from './coreStage.ts';

const retry = { attemptsMax: 2, backoffMs: 100, backoffCapMs: 100 };
/** A gang whose members take a node of the stage each. */
const gang = (size: number, more: object = {}) => ({
  ask: { cpu: 4_000 },
  gang: { size, placeWithinMs: 60_000 },
  retry,
  ...more,
});
const membersOf = (group: TaskId, size: number): TaskId[] =>
  Array.from({ length: size }, (_, index) => taskId(group + 1 + index));

/** Nodes that take one member each, and a gang that is placed on them. */
function placedGang(size: number, more: object = {}) {
  const stage = startedCore();
  for (let at = 1; at <= size; at += 1) stage.join(`N${String(at)}`);
  const group = stage.submitOne(gang(size, more));
  const members = membersOf(group, size);
  const end = (index: number, how: AttemptEnd = success) => {
    const member = members[index] ?? group;
    const { token, nodeId } = liveOf(stage.core, member);
    return stage.ended(nodeId, member, token, how);
  };
  const states = () => members.map((member) => stage.core.state.tasks.get(member)?.state);
  const beats = () => members.map((_, at) => stage.beat(`N${String(at + 1)}`));
  return { ...stage, group, members, end, states, beats };
}

describe('placing', () => {
  test('the members have the ids behind the group’s, and start in one batch with the nodes of all', () => {
    const { core, give, join, submit } = startedCore();
    for (const name of ['A', 'B']) join(name);
    const [first] = submit(gang(3));
    expect(first).toEqual({ ok: true, taskId: 1 });
    expect(core.state.nextTaskId).toBe(5);
    const turned = join('C');
    expect(kindsOf(turned.events)).toEqual([
      'node_joined',
      'attempt_placed',
      'attempt_placed',
      'attempt_placed',
    ]);
    const nodes = turned.dispatches.map(({ group }) => group?.nodes);
    expect(new Set(nodes.map((names) => JSON.stringify(names))).size).toBe(1);
    expect([...(nodes[0] ?? [])].sort()).toEqual(['A', 'B', 'C']);
    for (const [index, { group, taskId }] of turned.dispatches.entries()) {
      expect(group).toMatchObject({ kind: 'gang', groupId: 1, index, size: 3 });
      expect(liveOf(core, taskId).nodeId).toBe(group?.nodes?.[index]);
    }
    expect(give().events).toEqual([]);
  });

  test('members share a node where they fit', () => {
    const { join, submitOne, core } = startedCore();
    join('A');
    const group = submitOne({ ...gang(4), ask: { cpu: 1_000 } });
    for (const member of membersOf(group, 4)) expect(liveOf(core, member).nodeId).toBe('A');
  });

  test('without room for all nothing is taken: a smaller gang and a plain task of the same ask go on', () => {
    const { core, join, submitOne } = startedCore();
    for (const name of ['A', 'B', 'C']) join(name);
    const large = submitOne(gang(4));
    expect(core.view().why(large)).toMatchObject({ dominant: 'GANG', waiting: 'blocked' });
    const free = [...core.state.nodes.occupied()].map((node) => core.state.nodes.cpuFree[node]);
    expect(free).toEqual([4_000, 4_000, 4_000]);
    const small = submitOne(gang(2));
    const plain = submitOne({ ask: { cpu: 4_000 } });
    for (const id of [...membersOf(small, 2), plain]) expect(liveOf(core, id)).toBeDefined();
    expect(core.state.tasks.get(taskId(large + 1))?.live).toBeUndefined();
  });

  test('it is tried again when the plant has as many seats as members, and not before', () => {
    const { core, join, submitOne, ended, beat, give } = startedCore();
    const plain = ['A', 'B', 'C', 'D'].map((name) => {
      join(name);
      return submitOne({ ask: { cpu: 4_000 }, selector: { node: [name] } });
    });
    const group = submitOne(gang(3));
    let tries = 0;
    const { placer } = core.state;
    const place = placer.place.bind(placer);
    placer.place = (...args) => {
      tries += 1;
      return place(...args);
    };
    const free = (at: number) => {
      const id = plain[at] ?? group;
      const { token, nodeId } = liveOf(core, id);
      return ended(nodeId, id, token);
    };
    free(0);
    free(1);
    expect(tries).toBe(0);
    // One seat goes to another, so that the next end makes two and not three.
    const other = submitOne({ ask: { cpu: 100 }, selector: { node: ['A'] } });
    tries = 0;
    free(2);
    give(beat('A'));
    expect(tries).toBe(0);
    const { token } = liveOf(core, other);
    expect(kindsOf(ended('A', other, token).events)).toContain('attempt_placed');
    expect(
      membersOf(group, 3)
        .map((member) => liveOf(core, member).nodeId)
        .sort(),
    ).toEqual(['A', 'B', 'C']);
  });

  test('members that must be apart get a node each, and one node more is what a try waits for', () => {
    const { core, join, submitOne } = startedCore();
    const labels = { job: 'ring' };
    join('A');
    const apart = { labels, placement: { apart: { labels, within: 'node' } } };
    const group = submitOne({ ...gang(3), ...apart, ask: { cpu: 100 } });
    const other = submitOne({ ...gang(4), ...apart, ask: { cpu: 100 } });
    join('B');
    expect(core.view().why(group)?.waiting).toBe('blocked');
    join('C');
    expect(new Set(membersOf(group, 3).map((member) => liveOf(core, member).nodeId)).size).toBe(3);
    expect(core.view().why(other)?.waiting).toBe('blocked');
  });

  test('given up where not all of it could be placed in time', () => {
    const { core, join, submitOne, wait, beat } = startedCore();
    join('A');
    const group = submitOne(gang(2));
    expect(kindsOf(wait(59_000, () => [beat('A')]))).toEqual([]);
    const events = wait(1_500, () => [beat('A')]);
    expect(events).toMatchObject([1, 2].map((at) => ({ kind: 'task_dead_lettered', taskId: group + at })));
    expect(events[0]).toMatchObject({ reason: 'no room for all 2 members at once within 60 s' });
    expect(core.state.tasks.size).toBe(0);
    expect(core.state.gangs.get(group)).toBeUndefined();
  });
});

describe('the end', () => {
  test('a member that is done waits for the others; then all have succeeded', () => {
    const { core, end, states, members } = placedGang(3);
    expect(kindsOf(end(1).events)).toEqual(['attempt_ended', 'gang_member_ended']);
    expect(states()).toEqual(['dispatched', 'held', 'dispatched']);
    end(0);
    const { ended } = end(2);
    expect(ended.map(({ taskId, state }) => [taskId, state])).toEqual(
      members.map((member) => [member, 'succeeded']),
    );
    expect(core.state.tasks.size).toBe(0);
  });

  test('where one fails, the others are stopped, and all are tried again together: one attempt is spent', () => {
    const { core, end, states, members, wait, beats, group } = placedGang(3);
    const first = end(0);
    expect(first.stops).toEqual([]);
    const others = [1, 2].map((index) => liveOf(core, members[index] ?? group).token);
    const broken = end(1, failure);
    expect(kindsOf(broken.events)).toEqual(['attempt_ended', 'gang_member_ended', 'gang_broken']);
    expect(broken.stops).toEqual([others[1]]);
    const back = end(2, { reason: 'cancelled' });
    expect(kindsOf(back.events)).toEqual(['attempt_ended', 'gang_backed_off']);
    expect(states()).toEqual(['backoff', 'held', 'held']);
    wait(500, beats);
    expect(states()).toEqual(['dispatched', 'dispatched', 'dispatched']);
    // Another member fails now: it is the gang's second attempt, and the last.
    end(0, failure);
    end(1, { reason: 'cancelled' });
    const { ended } = end(2, { reason: 'cancelled' });
    expect(ended.map(({ state, reason }) => [state, reason])).toEqual([
      ['dead_letter', '2 of 2 attempts failed: exit code 1'],
      ['dead_letter', 'its gang: member T-2 2 of 2 attempts failed: exit code 1'],
      ['dead_letter', 'its gang: member T-2 2 of 2 attempts failed: exit code 1'],
    ]);
  });

  test('a member that is lost costs the gang no attempt of its own', () => {
    const { end, states, wait, beats } = placedGang(2, { retry: { ...retry, attemptsMax: 1 } });
    end(0, { reason: 'agent_lost' });
    end(1, { reason: 'cancelled' });
    expect(states()).toEqual(['backoff', 'held']);
    wait(500, beats);
    expect(states()).toEqual(['dispatched', 'dispatched']);
  });

  test('at most once holds for every member: one that may have run forbids another attempt', () => {
    const { end } = placedGang(2, { delivery: 'at_most_once' });
    end(0, { reason: 'refused' });
    const { ended } = end(1, { reason: 'cancelled' });
    expect(ended.map(({ state }) => state)).toEqual(['dead_letter', 'dead_letter']);
  });

  test.each(['the group', 'a member'])('a cancel of %s cancels all', (which) => {
    const { core, give, end, members, group, states } = placedGang(3);
    end(0);
    const id = which === 'the group' ? group : (members[2] ?? group);
    const cancel = give({ kind: 'CancelTask', taskId: id, actor: 'ann', reason: '' });
    expect(cancel.stops).toHaveLength(2);
    expect(states()).toEqual(['held', 'cancelling', 'cancelling']);
    end(1, { reason: 'cancelled' });
    const { ended } = end(2, { reason: 'cancelled' });
    expect(ended.map(({ state, reason }) => `${state}: ${reason ?? ''}`)).toEqual(
      members.map(() => 'cancelled: cancelled by ann'),
    );
    expect(core.state.tasks.size).toBe(0);
  });

  test('one that waits is cancelled at once', () => {
    const { core, give, submitOne } = startedCore();
    const group = submitOne(gang(3));
    const { ended } = give({ kind: 'CancelTask', taskId: taskId(group + 2), actor: 'ann', reason: 'no' });
    expect(ended).toHaveLength(3);
    expect(core.state.ready.queues.get(ended[0]?.spec.queue ?? ('' as never))?.waiting).toBe(0);
  });

  test('a member cannot be put back alone', () => {
    const { give, submitOne } = startedCore();
    const group = submitOne(gang(2));
    const { ended } = give({ kind: 'CancelTask', taskId: group, actor: 'ann', reason: '' });
    const [record] = ended;
    if (!record) throw new Error('nothing ended');
    const [answer] = give({ kind: 'RequeueTask', record, actor: 'ann' }).answers;
    expect(reasonOf(answer)).toMatchObject({ code: 'wrong_state' });
  });
});

describe('over a restart', () => {
  test('a gang that is being stopped is stopped again where a node comes back', () => {
    const { core, end, members, group } = placedGang(3);
    end(0, failure);
    const { token } = liveOf(core, members[1] ?? group);
    const second = startedCore(undefined, Core.restored(core.snapshotParts()));
    expect(second.core.state.gangs.get(group)?.brokenBy).toBe(members[0]);
    expect(second.join('N2', {}, [{ token, state: 'running' }]).stops).toEqual([token]);
  });

  test('a member that is done stays so over a restart, though the gang has backed off before', () => {
    const { core, end, wait, beats, members, now } = placedGang(2);
    end(0, failure);
    end(1, { reason: 'cancelled' });
    wait(1_000, beats); // the backoff is over, and both run again
    end(0);
    const after = startedCore(undefined, Core.restored(core.snapshotParts()));
    after.jump(now() - after.now());
    after.give({ kind: 'StartEpoch', seed: 9 });
    after.wait(5_000); // the stage checks that the leader is not in line again
    const states = members.map((member) => after.core.state.tasks.get(member)?.state);
    expect(states).toEqual(['held', 'dispatched']);
  });

  test('every state of a gang is the same after a snapshot', () => {
    const { core, end, wait, beats } = placedGang(3);
    const isKept = () => Core.restored(core.snapshotParts()).digest() === core.digest();
    expect(isKept()).toBe(true);
    end(1);
    expect(isKept()).toBe(true);
    end(0, failure);
    expect(isKept()).toBe(true);
    end(2, { reason: 'cancelled' });
    expect(isKept()).toBe(true);
    wait(500, beats);
    expect(isKept()).toBe(true);
  });

  test('a snapshot that is under way has the members as they were', () => {
    const { core, end } = placedGang(3);
    end(1);
    end(0, failure);
    const digest = core.digest();
    const snapshot = core.beginSnapshot();
    end(2, { reason: 'cancelled' }); // changes all three
    const parts = [...snapshot.parts()].filter((part) => part !== undefined);
    expect(Core.restored(parts).digest()).toBe(digest);
  });
});

describe('admission', () => {
  test('a key is the group’s, while it lives and after', () => {
    const { submit, give } = startedCore();
    const keyed = gang(2, { key: 'weld' });
    expect(submit(keyed, keyed)).toEqual([
      { ok: true, taskId: 1 },
      { ok: true, taskId: 1 },
    ]);
    expect(submit({ key: 'weld' })).toMatchObject([{ ok: false, refusal: { code: 'key_conflict' } }]);
    give({ kind: 'CancelTask', taskId: taskId(1), actor: 'ann', reason: '' });
    expect(submit(keyed)).toEqual([{ ok: true, taskId: 1 }]);
  });

  test('it is refused where not all of its members may live', () => {
    const { core, submit } = startedCore();
    Object.defineProperty(core.state.tasks, 'size', { value: liveTasksMax - gangSizeMax + 1 });
    expect(submit(gang(gangSizeMax))).toMatchObject([{ ok: false, refusal: { code: 'queue_full' } }]);
  });
});
