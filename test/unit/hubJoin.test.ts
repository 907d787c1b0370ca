// Who gets into the hub, and what the others are told.
import { afterEach, expect, test } from 'vitest';
import { openHub } from '../../scheduler/hub/hub.ts';
import { MinuteLimit } from '../../scheduler/hub/minuteLimit.ts';
import { hashSecret, secretMatches } from '../../scheduler/hub/secrets.ts';
import { softLimitOf } from '../../scheduler/hub/fileLimit.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import { accepted, refusal, refused } from '../../scheduler/protocol/outcome.ts';
import {
  consoleToken,
  enrolToken,
  join,
  nodeKey,
  once,
  openStage,
  refusalOf,
  type Stage,
} from './hubStage.ts';
import { agentWireVersion } from '../../scheduler/protocol/limits.ts';

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
    revoked: [3],
  });
  expect(stage.calls).toEqual(['join n1']);
  expect(stage.hub.stats()).toMatchObject({ agents: 1, refusedConnections: 0 });
});

test('an enrolling node gets a key with its welcome, joins with it later, and only its hash was stored', async () => {
  stage = await openStage();
  const first = stage.agent({ nodeId: 'n2', enrolToken });
  const { nodeKey: key } = (await join(first)) as { nodeKey: string };
  expect(Buffer.from(key, 'base64url')).toHaveLength(32);
  expect(stage.keyHashes.get('n2')).toBe(hashSecret(key));
  const gone = stage.next('disconnected');
  first.disconnect();
  await gone;
  const welcome = await join(stage.agent({ nodeId: 'n2', nodeKey: key }));
  expect(welcome).not.toHaveProperty('nodeKey');
});

test('an enrolled node that lost its key enrols again and its old key is void', async () => {
  stage = await openStage();
  await join(stage.agent({ enrolToken }));
  expect(await refusalOf(stage.agent({ nodeKey }))).toMatchObject({ code: 'wrong_key' });
});

test('nobody can enrol under the name of a node that is connected now', async () => {
  stage = await openStage();
  await join(stage.agent());
  const reason = await refusalOf(stage.agent({ enrolToken }));
  expect(reason).toMatchObject({ code: 'already_connected', retryAfterMs: 45_000 });
  expect(stage.hub.isConnected('n1' as never)).toBe(true);
});

test.each([
  ['a wrong enrolment token', { enrolToken: 'guess' }, 'wrong_token'],
  ['a wrong key', { nodeKey: 'guess' }, 'wrong_key'],
  ['a key of a node that was forgotten', { nodeId: 'n9', nodeKey }, 'node_revoked'],
  ['no secret at all', {}, 'bad_message'],
  ['a node name with spaces', { nodeId: 'n 1', nodeKey }, 'bad_message'],
  ['an unknown field', { nodeKey, admin: true }, 'bad_message'],
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
  await refusalOf(stage.agent({ nodeKey: 'guess-of-key' }));
  await refusalOf(stage.agent({ enrolToken: 'guess-of-token' }));
  expect(stage.logLines).toHaveLength(2);
  expect(stage.logLines.join()).not.toMatch(/guess-of/);
});

test('an enrolment that the host refuses is refused with the reason of the host', async () => {
  const reason = refusal('recovering', 'the host is replaying its journal');
  stage = await openStage({ enrol: () => Promise.resolve(refused(reason)) });
  expect(await refusalOf(stage.agent({ enrolToken }))).toEqual(reason);
});

test('two enrolments of one name at the same time: the second is refused', async () => {
  let finish = (): void => undefined;
  const enrolling = new Promise<void>((resolve) => {
    finish = resolve;
  });
  stage = await openStage({ enrol: () => enrolling.then(() => accepted(undefined)) });
  const sockets = [stage.agent({ enrolToken }), stage.agent({ enrolToken })];
  const reason = await Promise.race(sockets.map(refusalOf));
  expect(reason.code).toBe('already_connected');
  finish();
  await Promise.race(sockets.map((socket) => once(socket, 'connect')));
});

test('after 60 failures in a minute an address is told to wait, but a valid key still passes', async () => {
  stage = await openStage();
  for (let i = 0; i < 60; i += 1) await refusalOf(stage.agent({ nodeKey: 'guess' }));
  const reason = await refusalOf(stage.agent({ enrolToken }));
  expect(reason.code).toBe('too_many');
  expect(reason.retryAfterMs).toBeGreaterThan(0);
  await join(stage.agent({ nodeKey }));
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

test('a console needs the token and the version', async () => {
  stage = await openStage();
  expect(await refusalOf(stage.console({ wire: 1, token: 'guess' }))).toMatchObject({ code: 'wrong_token' });
  expect(await refusalOf(stage.console({ wire: 9, token: consoleToken }))).toMatchObject({
    code: 'wire_version',
  });
  await once(stage.console(), 'connect');
  expect(stage.hub.stats()).toMatchObject({ consoles: 1, refusedConnections: 2 });
});

test('a web page of another site cannot connect, a page of this host can', async () => {
  stage = await openStage();
  const foreign = stage.console(undefined, { origin: 'http://evil.example' });
  expect(await once(foreign, 'connect_error')).toMatchObject({ message: 'websocket error' });
  await once(stage.console(undefined, { origin: stage.hub.address }), 'connect');
  expect(stage.hub.stats()).toMatchObject({ consoles: 1, refusedConnections: 1 });
});

test('above the rate of joins a node is told its place, keeps it, and is let in when it comes back', async () => {
  let nowMs = 50_000;
  stage = await openStage({}, { joinsPerSecond: 1, clock: () => ms(nowMs) });
  await join(stage.agent());
  stage.keyHashes.set('n2', hashSecret(nodeKey));
  const told = await refusalOf(stage.agent({ nodeId: 'n2', nodeKey }));
  expect(told).toMatchObject({ code: 'later', retryAfterMs: 500 }); // the burst of such a rate is half a join
  expect(stage.hub.stats()).toMatchObject({ laterConnections: 1, refusedConnections: 0 });
  nowMs += told.retryAfterMs ?? 0;
  await join(stage.agent({ nodeId: 'n2', nodeKey }));
});

test('a plant with edges sends agents on before it looks at their secret, and keeps those of another version', async () => {
  const moved = refusal('moved', 'agents connect to port 7445', { port: 7_445 });
  stage = await openStage({}, { direct: () => moved });
  expect(await refusalOf(stage.agent({ nodeKey: 'guess' }))).toEqual(moved);
  expect(await refusalOf(stage.agent({ wire: agentWireVersion - 1 }))).toMatchObject({
    code: 'wire_version',
  });
  expect(stage.hub.stats()).toMatchObject({ movedConnections: 1, refusedConnections: 1 });
});
