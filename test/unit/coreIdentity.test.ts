// Keys and enrolment tokens as their specification: who comes in, how often, until when, and who does not any more.
import { expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { ms, nodeId } from '../../scheduler/protocol/brands.ts';
import {
  type EnrolmentSettings,
  enrolmentIdOf,
  keyOfPublic,
  revokedKey,
} from '../../scheduler/protocol/identity.ts';
import { enrolmentsMax } from '../../scheduler/protocol/limits.ts';
import { upgradedEvents } from '../../scheduler/journal/upgrade.ts';
import { kindsOf, liveOf, nodeSpec, running, startedCore, startMs, taskSpec } from './coreStage.ts';

const dayMs = 24 * 3_600_000;
type Stage = ReturnType<typeof startedCore>;
const settings = (more: Partial<EnrolmentSettings> = {}): EnrolmentSettings => ({
  label: '',
  validMs: dayMs,
  nodesMax: 1,
  ...more,
});
function withToken(more: Partial<EnrolmentSettings> = {}, extra: { mayReplace?: true } = {}) {
  const stage = startedCore();
  const make = (tokenHash: string, wanted: Partial<EnrolmentSettings> = {}) =>
    stage.give({ kind: 'CreateEnrolment', tokenHash, settings: settings(wanted), actor: 'ann', ...extra })
      .answers[0];
  make('hash-1', more);
  const usesOf = (tokenHash = 'hash-1') => stage.core.state.enrolments.get(tokenHash)?.uses;
  return { ...stage, make, usesOf };
}
const enrol = ({ give }: Pick<Stage, 'give'>, name: string, publicKey: string, tokenHash = 'hash-1') =>
  give({ kind: 'EnrolNode', nodeId: nodeId(name), publicKey, tokenHash }).answers[0];
const code = (code: string) => ({ ok: false, reason: { code } });

test('a token lets in as many nodes as it says, and not one more', () => {
  const stage = withToken({ nodesMax: 2 });
  expect(enrol(stage, 'N1', 'a')).toMatchObject({ ok: true });
  expect(enrol(stage, 'N2', 'b')).toMatchObject({ ok: true });
  expect(enrol(stage, 'N3', 'c')).toMatchObject(code('token_used_up'));
  expect(stage.core.state.nodeKeys.has(nodeId('N3'))).toBe(false);
});

test('200 agents that ask at once for a token of 5: exactly 5 come in', () => {
  const { give, core } = withToken({ nodesMax: 5 });
  const asked = Array.from({ length: 200 }, (_, at) => ({
    kind: 'EnrolNode' as const,
    nodeId: nodeId(`N${String(at)}`),
    publicKey: `key-${String(at)}`,
    tokenHash: 'hash-1',
  }));
  expect(give(...asked).answers.filter((answer) => answer.ok)).toHaveLength(5);
  expect(core.state.nodeKeys.size).toBe(5);
});

test('an agent that never heard its welcome asks again with its key, and the token is used once: over a crash too', () => {
  const stage = withToken();
  enrol(stage, 'N1', 'a');
  const after = startedCore(undefined, Core.restored(stage.core.snapshotParts()));
  expect(enrol(after, 'N1', 'a')).toMatchObject({ ok: true });
  expect(after.core.state.enrolments.get('hash-1')?.uses).toBe(1);
  expect(enrol(after, 'N2', 'b')).toMatchObject(code('token_used_up'));
});

test('a token is worth nothing from its end on, after it was revoked, and where it was never made', () => {
  const stage = withToken({ nodesMax: 9 });
  stage.jump(dayMs - 1);
  expect(enrol(stage, 'N1', 'a')).toMatchObject({ ok: true });
  stage.jump(1);
  expect(enrol(stage, 'N2', 'b')).toMatchObject(code('token_expired'));
  stage.make('hash-2');
  const enrolmentId = enrolmentIdOf('hash-2');
  expect(stage.give({ kind: 'RevokeEnrolment', enrolmentId, actor: 'ann' }).answers[0]).toMatchObject({
    ok: true,
  });
  expect(enrol(stage, 'N2', 'b', 'hash-2')).toMatchObject(code('wrong_token'));
  expect(enrol(stage, 'N2', 'b', 'hash-3')).toMatchObject(code('wrong_token'));
  const rows = stage.core.view().enrolments(ms(startMs + dayMs));
  expect(rows.map(({ state, uses }) => [state, uses])).toEqual([
    ['revoked', 0],
    ['expired', 1],
  ]);
  expect(JSON.stringify(rows)).not.toContain('tokenHash');
});

test('a token for everybody takes no name that is known; one made for the name does, but not while it is online', () => {
  const stage = withToken({ nodesMax: 9 });
  enrol(stage, 'N1', 'a');
  expect(enrol(stage, 'N1', 'b')).toMatchObject(code('wrong_key'));
  stage.make('own', { nodeId: nodeId('N1') });
  expect(enrol(stage, 'N2', 'b', 'own')).toMatchObject(code('wrong_token'));
  stage.give({ kind: 'JoinNode', nodeId: nodeId('N1'), spec: nodeSpec(), held: [], publicKey: 'a' });
  expect(enrol(stage, 'N1', 'b', 'own')).toMatchObject(code('already_connected'));
  stage.give({ kind: 'DisconnectNode', nodeId: nodeId('N1') });
  expect(enrol(stage, 'N1', 'b', 'own')).toMatchObject({ ok: true });
  expect(stage.core.state.nodeKeys.get(nodeId('N1'))).toBe(keyOfPublic('b'));
  expect(stage.usesOf()).toBe(1);
});

test('the token of the simulated plant gives known nodes new keys, and none to a revoked one', () => {
  const stage = withToken({ nodesMax: 9 }, { mayReplace: true });
  enrol(stage, 'N1', 'a');
  expect(enrol(stage, 'N1', 'b')).toMatchObject({ ok: true });
  stage.give({ kind: 'RevokeNode', nodeId: nodeId('N1'), actor: 'ann' });
  expect(enrol(stage, 'N1', 'c')).toMatchObject(code('node_revoked'));
});

test('a revoked node is dropped, its work is elsewhere at once, and it comes back only with a token of its name', () => {
  const { give, core, join, id, wait } = running();
  join('N2');
  give({ kind: 'EnrolNode', nodeId: nodeId('N1'), publicKey: 'a' });
  const turn = give({ kind: 'RevokeNode', nodeId: nodeId('N1'), actor: 'ann' });
  expect(turn.effects).toContainEqual({ kind: 'node_dropped', nodeId: 'N1' });
  expect(kindsOf(turn.events)).toEqual(
    expect.arrayContaining(['node_revoked', 'node_lost', 'attempt_ended']),
  );
  // What an operator did speaks against no task.
  expect(turn.events.find(({ kind }) => kind === 'attempt_ended')).not.toHaveProperty('isSuspect');
  wait(2_000);
  expect(liveOf(core, id)).toMatchObject({ nodeId: 'N2' });
  expect(core.view().node(nodeId('N1'))).toMatchObject({ isRevoked: true, state: 'lost', attempts: 0 });
  expect(join('N1').answers[0]).toMatchObject(code('node_revoked'));
  give({ kind: 'CreateEnrolment', tokenHash: 'all', settings: settings({ nodesMax: 9 }), actor: 'ann' });
  expect(enrol({ give }, 'N1', 'b', 'all')).toMatchObject(code('node_revoked'));
  const own = settings({ nodeId: nodeId('N1') });
  give({ kind: 'CreateEnrolment', tokenHash: 'own', settings: own, actor: 'ann' });
  expect(enrol({ give }, 'N1', 'b', 'own')).toMatchObject({ ok: true });
  expect(join('N1').answers[0]).toMatchObject({ ok: true });
  expect(core.view().node(nodeId('N1'))).not.toHaveProperty('isRevoked');
});

test('a key is replaced only from the key that it has, and a join with the old one is told to come again', () => {
  const stage = withToken();
  enrol(stage, 'N1', 'a');
  const replace = (from: string, publicKey: string) =>
    stage.give({ kind: 'ReplaceKey', nodeId: nodeId('N1'), from, publicKey }).answers[0];
  expect(replace(keyOfPublic('x'), 'b')).toMatchObject(code('wrong_key'));
  expect(replace(keyOfPublic('a'), 'b')).toMatchObject({ ok: true });
  expect(replace(keyOfPublic('a'), 'b')).toMatchObject({ ok: true }); // the answer was lost, and it asks again
  const join = { kind: 'JoinNode', nodeId: nodeId('N1'), spec: nodeSpec(), held: [] } as const;
  expect(stage.give({ ...join, publicKey: 'a' }).answers[0]).toMatchObject(code('wrong_state'));
  expect(stage.give({ ...join, publicKey: 'b' }).answers[0]).toMatchObject({ ok: true });
  stage.give({ kind: 'RevokeNode', nodeId: nodeId('N1'), actor: 'ann' });
  expect(replace(revokedKey, 'c')).toMatchObject(code('wrong_key'));
});

test('tokens are bounded: useless ones make room, and where all can be used another is refused', () => {
  const stage = withToken();
  for (let at = 2; at <= enrolmentsMax; at += 1)
    expect(stage.make(`hash-${String(at)}`)).toMatchObject({ ok: true });
  expect(stage.make('one more')).toMatchObject(code('too_many'));
  enrol(stage, 'N1', 'a', 'hash-7');
  expect(stage.make('one more')).toMatchObject({ ok: true });
  expect(stage.core.state.enrolments.get('hash-7')).toBeUndefined();
  expect(stage.core.state.enrolments.size).toBe(enrolmentsMax);
});

test('a snapshot keeps keys and tokens', () => {
  const stage = withToken({ nodesMax: 3 });
  enrol(stage, 'N1', 'a');
  stage.submit(taskSpec());
  const digest = stage.core.digest();
  expect(Core.restored(stage.core.snapshotParts()).digest()).toBe(digest);
});

test('a journal of before pairs keeps the hash of the node’s secret as its key', () => {
  const old = { kind: 'node_enrolled', nodeId: nodeId('N1'), keyHash: 'abc' };
  expect(upgradedEvents([old as never], 2, 3)).toEqual([{ kind: 'node_enrolled', nodeId: 'N1', key: 'abc' }]);
});
