// Who gets into the hub, and what the others are told.
import { afterEach, expect, test } from 'vitest';
import { openHub } from '../../scheduler/hub/hub.ts';
import { MinuteLimit } from '../../scheduler/hub/minuteLimit.ts';
import { hashSecret, secretMatches } from '../../scheduler/hub/secrets.ts';
import { softLimitOf } from '../../scheduler/hub/fileLimit.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import { refusal, refused } from '../../scheduler/protocol/outcome.ts';
import { keyOfPublic, revokedKey } from '../../scheduler/protocol/identity.ts';
import { joinText, rotateText } from '../../scheduler/protocol/nodeProof.ts';
import { KeyPair } from '../../agent/keyPair.ts';
import {
  consoleToken,
  enrolToken,
  join,
  joinRefusal,
  n1,
  once,
  openStage,
  pair,
  refusalOf,
  spec,
  type Stage,
} from './hubStage.ts';
import {
  agentWireVersion,
  consoleWireVersion,
  unprovenMessagesMax,
  unprovenPerNodeMax,
} from '../../scheduler/protocol/limits.ts';

let stage: Stage;
afterEach(() => stage.close());

test('a node with its key joins and is told epoch, heartbeat interval and what was revoked', async () => {
  stage = await openStage();
  const welcome = await join(stage.agent());
  expect(welcome).toEqual({
    epoch: 7,
    heartbeatMs: 10_000,
    attemptLeaseMs: 19_000,
    returnAfterMs: 0,
    publicKey: pair.publicKey,
    revoked: [3],
  });
  expect(stage.calls).toEqual(['join n1']);
  expect(stage.hub.stats()).toMatchObject({ agents: 1, refusedConnections: 0 });
});

test('an enrolling node joins with a pair of its own, and without a token later', async () => {
  stage = await openStage();
  const by = KeyPair.make();
  const auth = { nodeId: 'n2', publicKey: by.publicKey };
  const first = stage.agent({ ...auth, enrolToken });
  expect(await join(first, { id: 'n2', by })).toMatchObject({ publicKey: by.publicKey });
  expect(stage.keys.get('n2')).toBe(keyOfPublic(by.publicKey));
  expect(stage.audits).toContain('enrolled 127.0.0.1');
  const gone = stage.next('disconnected');
  first.disconnect();
  await gone;
  await join(stage.agent(auth), { id: 'n2', by });
});

test('a token takes nobody in who has not the private key of the public one', async () => {
  stage = await openStage();
  const auth = { nodeId: 'n2', publicKey: KeyPair.make().publicKey, enrolToken };
  expect(await joinRefusal(stage.agent(auth), { id: 'n2' })).toMatchObject({ code: 'node_revoked' });
  expect(stage.keys.has('n2')).toBe(false);
});

test('what a connection says before its proof leaves the session of the node alone', async () => {
  stage = await openStage();
  const real = stage.agent();
  await join(real);
  let isCut = false;
  real.once('disconnect', () => {
    isCut = true;
  });
  const stranger = KeyPair.make();
  expect(await joinRefusal(stage.agent(), { by: stranger })).toMatchObject({ code: 'wrong_key' });
  const pretender = stage.agent({ publicKey: stranger.publicKey, nodeKey: 'guess' });
  expect(await joinRefusal(pretender, { by: stranger })).toMatchObject({ code: 'wrong_key' });
  expect(isCut).toBe(false);
  expect(stage.hub.isConnected(n1)).toBe(true);
  expect(stage.calls).toEqual(['join n1']);
  expect(stage.audits).toEqual(['agent_refused 127.0.0.1', 'agent_refused 127.0.0.1']);
});

test('the newest connection that proved to be the node takes the place of the older one', async () => {
  stage = await openStage();
  const older = stage.agent();
  await join(older);
  const cut = once(older, 'disconnect');
  await join(stage.agent());
  await cut;
  expect(stage.calls).toEqual(['join n1', 'disconnected n1', 'join n1']);
  expect(stage.hub.stats()).toMatchObject({ agents: 1 });
});

test.each([
  [
    'of another connection',
    async () => {
      const other = stage.agent();
      await once(other, 'connect');
      return { socketId: other.id ?? '' };
    },
  ],
  ['for another node', () => ({ id: 'n2' })],
  ['for another spec', () => ({ signed: { ...spec, labels: { zone: 'hot' } } })],
  ['by another key', () => ({ by: KeyPair.make() })],
])('a proof %s is refused, and the connection ends', async (_what, joiner) => {
  stage = await openStage();
  const agent = stage.agent();
  const ended = once(agent, 'disconnect');
  expect(await joinRefusal(agent, await joiner())).toMatchObject({ code: 'wrong_key' });
  await ended;
  expect(stage.hub.stats()).toMatchObject({ agents: 0, refusedConnections: 1 });
  expect(stage.calls).toEqual([]);
  expect(stage.audits).toEqual(['agent_refused 127.0.0.1']);
});

test('a node of before pairs joins once with its secret and its public key, which counts from then on', async () => {
  stage = await openStage();
  stage.keys.set('n1', hashSecret('secret-of-then'));
  await join(stage.agent({ nodeKey: 'secret-of-then' }));
  expect(stage.keys.get('n1')).toBe(keyOfPublic(pair.publicKey));
  expect(stage.audits).toContain('key_rotated 127.0.0.1');
  const thief = KeyPair.make();
  const late = stage.agent({ nodeKey: 'secret-of-then', publicKey: thief.publicKey });
  expect(await joinRefusal(late, { by: thief })).toMatchObject({ code: 'wrong_key' });
  await join(stage.agent());
});

test('a joined node changes its key, signed by both; a signature of one of them is not enough', async () => {
  stage = await openStage();
  const agent = stage.agent();
  await join(agent);
  const next = KeyPair.make();
  const text = rotateText(n1, agent.id ?? '', next.publicKey);
  const rotate = (...by: KeyPair[]) => {
    agent.emit('rotate', { publicKey: next.publicKey, proofs: by.map((one) => one.sign(text)) });
  };
  for (const by of [
    [pair, pair],
    [next, next],
  ]) {
    rotate(...by);
    expect(await once(agent, 'refused')).toMatchObject({ code: 'wrong_key' });
  }
  rotate(pair, next);
  expect(await once(agent, 'rotated')).toEqual({ publicKey: next.publicKey });
  expect(await joinRefusal(stage.agent())).toMatchObject({ code: 'wrong_key' });
  await join(stage.agent({ publicKey: next.publicKey }), { by: next });
});

test('an agent that does not know yet which of two keys counts signs with both', async () => {
  stage = await openStage();
  const agent = stage.agent({ publicKey: KeyPair.make().publicKey });
  await once(agent, 'connect');
  const text = joinText(n1, agent.id ?? '', { spec, held: [] });
  agent.emit('join', { spec, held: [], proofs: [KeyPair.make().sign(text), pair.sign(text)] });
  expect(await once(agent, 'welcome')).toMatchObject({ publicKey: pair.publicKey });
});

test('of many connections that prove nothing under one name the newest few stay', async () => {
  stage = await openStage();
  const first = stage.agent();
  await once(first, 'connect');
  const ended = once(first, 'disconnect');
  for (let i = 0; i < unprovenPerNodeMax; i += 1) await once(stage.agent(), 'connect');
  await ended;
  await join(stage.agent());
});

test('who sends other things than a join is let go after a few', async () => {
  stage = await openStage();
  const agent = stage.agent();
  const ended = once(agent, 'disconnect');
  for (let i = 0; i < unprovenMessagesMax; i += 1) agent.emit('hb', [0, 0, []]);
  await ended;
  expect(stage.calls).toEqual([]);
});

test.each([
  ['a wrong enrolment token', { nodeId: 'n9', enrolToken: 'guess' }, 'wrong_token'],
  ['a node that was forgotten', { nodeId: 'n9' }, 'node_revoked'],
  ['a public key that is none', { publicKey: 'short' }, 'bad_message'],
  ['a node name with spaces', { nodeId: 'n 1' }, 'bad_message'],
  ['an unknown field', { admin: true }, 'bad_message'],
  ['another wire version, whatever else it sends', { wire: 99, other: 1 }, 'wire_version'],
  ['no wire version', { wire: null }, 'bad_message'],
])('%s is refused', async (_what, auth, code) => {
  stage = await openStage();
  expect(await refusalOf(stage.agent(auth))).toMatchObject({ code });
  expect(stage.hub.stats()).toMatchObject({ agents: 0, refusedConnections: 1 });
  expect(stage.calls).toEqual([]);
});

test('a refusal of the version names both versions', async () => {
  stage = await openStage();
  const { message } = await refusalOf(stage.agent({ wire: 99 }));
  expect(message).toContain('version 99');
  expect(message).toContain(`version ${String(agentWireVersion)};`);
});

test('no secret appears in the log', async () => {
  stage = await openStage();
  await joinRefusal(stage.agent({ nodeKey: 'guess-of-key' }), { by: KeyPair.make() });
  await refusalOf(stage.agent({ nodeId: 'n2', enrolToken: 'guess-of-token' }));
  expect(stage.logLines).toHaveLength(2);
  expect(stage.logLines.join()).not.toMatch(/guess-of/);
});

test('an enrolment that the host refuses is refused with the reason of the host', async () => {
  const reason = refusal('token_used_up', 'as many came as may');
  stage = await openStage({ enrol: () => Promise.resolve(refused(reason)) });
  const by = KeyPair.make();
  const agent = stage.agent({ nodeId: 'n2', publicKey: by.publicKey, enrolToken });
  expect(await joinRefusal(agent, { id: 'n2', by })).toEqual(reason);
});

test('a revoked node is told so, and its key is not looked at', async () => {
  stage = await openStage();
  stage.keys.set('n1', revokedKey);
  expect(await refusalOf(stage.agent())).toMatchObject({ code: 'node_revoked' });
});

test('after 60 failures in a minute an address is told to wait, but a right key still passes', async () => {
  stage = await openStage();
  for (let i = 0; i < 60; i += 1) await refusalOf(stage.agent({ nodeId: 'n2', enrolToken: 'guess' }));
  const reason = await refusalOf(stage.agent({ nodeId: 'n2', enrolToken }));
  expect(reason.code).toBe('too_many');
  expect(reason.retryAfterMs).toBeGreaterThan(0);
  await join(stage.agent());
});

test('a minute limit forgets after a minute, and the oldest key beyond its bound', () => {
  let nowMs = 0;
  const limit = new MinuteLimit(2, 2, () => ms(nowMs));
  limit.add('a');
  nowMs = 20_000;
  limit.add('a');
  expect(limit.waitMs('a')).toBe(40_000);
  nowMs = 60_000;
  expect(limit.waitMs('a')).toBe(0);
  for (const key of ['b', 'b', 'c', 'c', 'd']) limit.add(key);
  expect([limit.waitMs('b'), limit.waitMs('c')]).toEqual([0, 60_000]);
});

test('above the file limit a connection is told fleet_full', async () => {
  stage = await openStage({}, { fileLimit: 501 });
  await join(stage.agent());
  const reason = await refusalOf(stage.agent());
  expect(reason).toMatchObject({ code: 'fleet_full' });
  expect(reason.message).toContain('1 connections');
  expect(stage.hub.stats()).toMatchObject({ agents: 1, refusedConnections: 1, isFull: true });
});

test('a file limit below the reserve, and a port in use, are refused at start', async () => {
  stage = await openStage();
  const options = { listen: '127.0.0.1', clock: () => ms(0), log: () => undefined, handlers: {} as never };
  const few = await openHub({ ...options, port: 0, fileLimit: 300 });
  expect(few).toMatchObject({ ok: false, reason: { code: 'cannot_listen' } });
  const port = Number(new URL(stage.hub.address).port);
  const taken = await openHub({ ...options, port });
  expect(taken).toMatchObject({ ok: false, reason: { code: 'cannot_listen' } });
});

test('the file limit is the soft limit of the process', () => {
  expect(softLimitOf('Max open files            1024        20000     files')).toBe(1_024);
  expect(softLimitOf('Max open files            unlimited   unlimited files')).toBeGreaterThan(50_000);
  expect(softLimitOf('Max processes             1024        20000     processes')).toBeUndefined();
});

test('secrets are compared by hash, and a broken hash matches nothing', () => {
  expect(secretMatches('a', hashSecret('a'))).toBe(true);
  expect(secretMatches('a', hashSecret('b'))).toBe(false);
  expect(secretMatches('a', 'not hexadecimal')).toBe(false);
});

test('the namespace that Socket.IO opens by itself lets nobody in', async () => {
  stage = await openStage();
  const { io } = await import('socket.io-client');
  const socket = io(stage.hub.address, { transports: ['websocket'], reconnection: false, forceNew: true });
  expect(await once(socket, 'connect_error')).toMatchObject({ message: 'connect to /agent or /console' });
  socket.disconnect();
});

test('a token that a console brings has to be right, and so has the version', async () => {
  stage = await openStage();
  expect(await refusalOf(stage.console({ wire: consoleWireVersion, token: 'guess' }))).toMatchObject({
    code: 'wrong_token',
  });
  expect(await refusalOf(stage.console({ wire: 9, token: consoleToken }))).toMatchObject({
    code: 'wire_version',
  });
  await once(stage.console(), 'connect');
  expect(stage.hub.stats()).toMatchObject({ consoles: 1, refusedConnections: 2 });
  expect(stage.links[0]?.session).toMatchObject({ user: 'owner', role: 'administrator' });
});

test('a console without a token comes in as nobody', async () => {
  stage = await openStage();
  await once(stage.console({ wire: consoleWireVersion }), 'connect');
  expect(stage.links[0]?.session).toMatchObject({ user: 'nobody', role: 'nobody', queues: [] });
});

test('a web page of another site cannot connect, a page of this host can', async () => {
  stage = await openStage();
  const foreign = stage.console(undefined, { origin: 'http://evil.example' });
  expect(await once(foreign, 'connect_error')).toMatchObject({ message: 'websocket error' });
  await once(stage.console(undefined, { origin: stage.hub.address }), 'connect');
  expect(stage.hub.stats()).toMatchObject({ consoles: 1, refusedConnections: 1 });
});

test('above the pace of joins a node is told when its turn is, and is let in when it comes back then', async () => {
  let nowMs = 50_000;
  stage = await openStage({}, { joinShare: 0.001, clock: () => ms(nowMs) });
  await join(stage.agent());
  stage.keys.set('n2', keyOfPublic(pair.publicKey));
  const told = await refusalOf(stage.agent({ nodeId: 'n2' }));
  expect(told.code).toBe('later');
  expect(told.retryAfterMs).toBeGreaterThan(0);
  expect(stage.hub.stats()).toMatchObject({ laterConnections: 1, joinsWaiting: 1, refusedConnections: 0 });
  nowMs += told.retryAfterMs ?? 0;
  await join(stage.agent({ nodeId: 'n2' }), { id: 'n2' });
  expect(stage.hub.stats()).toMatchObject({ joinsWaiting: 0, joinsInFlight: 0 });
});

test('who has to wait is told so before anything is asked about it', async () => {
  const asked: string[] = [];
  const nodeKey = (id: string) => {
    asked.push(id);
    return keyOfPublic(pair.publicKey);
  };
  stage = await openStage({ nodeKey }, { joinShare: 1e-6 });
  await join(stage.agent());
  const askedOfFirst = asked.length;
  await refusalOf(stage.agent({ nodeId: 'n2' }));
  expect(asked.slice(askedOfFirst)).toEqual([]);
});

test('a plant with edges sends agents on before it looks at their secret, and keeps those of another version', async () => {
  const moved = refusal('moved', 'agents connect to port 7445', { port: 7_445 });
  stage = await openStage({}, { direct: () => moved });
  expect(await refusalOf(stage.agent({ nodeId: 'stranger' }))).toEqual(moved);
  expect(await refusalOf(stage.agent({ wire: agentWireVersion - 1 }))).toMatchObject({
    code: 'wire_version',
  });
  expect(stage.hub.stats()).toMatchObject({ movedConnections: 1, refusedConnections: 1 });
});
