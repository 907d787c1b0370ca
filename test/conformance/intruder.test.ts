// A scripted intruder at a real host: whatever it tries is refused, and the audit trail heard of it.
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentWireVersion, consoleWireVersion, frameBytesMax } from '../../scheduler/protocol/limits.ts';
import { KeyPair } from '../../agent/keyPair.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { joinText } from '../../scheduler/protocol/nodeProof.ts';
import { FuzzHost, spec } from '../fuzz/fuzzHost.ts';
import { RawSocket } from '../fuzz/rawSocket.ts';

let host: FuzzHost;
let victim: { readonly taskId: number; readonly token: number };
beforeAll(async () => {
  host = await FuzzHost.open();
  await host.honestNode('victim');
  victim = await host.runOn('victim', 3_600_000);
}, 30_000);
afterAll(async () => {
  expect(host.bugs).toEqual([]);
  expect(await host.stop()).toEqual([]);
}, 30_000);

const wire = agentWireVersion;
const { publicKey } = KeyPair.make();
/** The trail writes within a second. */
const patience = { timeout: 5_000 };
/** Once there are so many of an action. */
async function entries(action: string, count: number) {
  await expect.poll(async () => (await host.audited(action)).length, patience).toBe(count);
  return host.audited(action);
}
/** Of those that came from this address. */
const toldOf = async (action: string, from: string) =>
  (await host.audited(action)).filter(({ source }) => source === from);
const enter = async (namespace: string, auth: unknown, from?: string): Promise<string> => {
  const raw = await RawSocket.open(host.address, undefined, from);
  const answer = await raw.enter(namespace, auth);
  await raw.close();
  return answer;
};

test.each<[string, string, () => unknown, string]>([
  [
    'a node with a wrong token',
    '/agent',
    () => ({ wire, publicKey, nodeId: 'evil', enrolToken: 'x' }),
    'wrong_token',
  ],
  ['a node nobody enrolled', '/agent', () => ({ wire, publicKey, nodeId: 'evil' }), 'node_revoked'],
  [
    'a console with a wrong token',
    '/console',
    () => ({ wire: consoleWireVersion, token: 'x' }),
    'wrong_token',
  ],
])('%s is refused and told', async (_who, namespace, auth, code) => {
  const action = namespace === '/agent' ? 'agent_refused' : 'console_refused';
  const before = (await host.audited(action)).length;
  expect(await enter(namespace, auth())).toContain(`"code":"${code}"`);
  await entries(action, before + 1);
});

test('a node by another’s name is refused at its join for want of the key, and told', async () => {
  const before = (await host.audited('agent_refused')).length;
  const raw = await RawSocket.open(host.address);
  expect(await raw.enter('/agent', { wire, publicKey, nodeId: 'victim' })).toContain('40/agent');
  const proofs = [KeyPair.make().sign(joinText(nodeId('victim'), raw.id, { spec, held: [] }))];
  raw.text(`42/agent,${JSON.stringify(['join', { spec, held: [], proofs }])}`);
  expect(await raw.until((text) => text.includes('"refused"'))).toContain('"code":"wrong_key"');
  await raw.close();
  await entries('agent_refused', before + 1);
});

test.each<[string, string, () => unknown, string]>([
  [
    'an agent without a key',
    '/agent',
    () => ({ wire, nodeId: 'evil', enrolToken: host.enrolToken }),
    'bad_message',
  ],
  ['an agent of another version', '/agent', () => ({ wire: 1, nodeId: 'evil', publicKey }), 'wire_version'],
  ['a console of another version', '/console', () => ({ wire: 1, token: 'x' }), 'wire_version'],
  ['a console that says nothing', '/console', () => ({}), 'bad_message'],
])('%s is refused and told', async (_who, namespace, auth, code) => {
  expect(await enter(namespace, auth())).toMatch(new RegExp(`^44${namespace},.*"code":"${code}"`));
  const action = namespace === '/agent' ? 'agent_refused' : 'console_refused';
  await expect
    .poll(async () => (await host.audited(action))[0], patience)
    .toMatchObject({ actor: 'nobody', outcome: 'refused', details: { code } });
});

test('however often it knocks, the trail grows by one entry a minute', async () => {
  const from = '127.0.0.9';
  const auth = { wire: 1, nodeId: 'evil', publicKey };
  for (let times = 0; times < 12; times += 1) await enter('/agent', auth, from);
  await expect.poll(() => toldOf('agent_refused', from), patience).toHaveLength(1);
});

test('a console without a token is let in as nobody, is answered nothing, and told', async () => {
  const raw = await RawSocket.open(host.address);
  expect(await raw.enter('/console', { wire: consoleWireVersion })).toContain('40/console');
  raw.text(`42/console,${JSON.stringify(['m', { id: 1, method: 'listTasks', params: {} }])}`);
  expect(await raw.until((text) => text.includes('"id":1'))).toContain('"code":"not_logged_in"');
  await raw.close();
  const isTold = async () =>
    (await host.audited('console_refused')).some(({ details }) => details?.['code'] === 'not_logged_in');
  await expect.poll(isTold, patience).toBe(true);
});

test('an agent that reports another’s attempt changes nothing, and is told', async () => {
  const { taskId, token } = victim;
  await host.whileQuiet(async () => {
    const raw = await host.joined('fuzz-intruder');
    raw.text(
      `42/agent,${JSON.stringify(['results', [{ token, taskId, end: { reason: 'exit', exitCode: 0 } }]])}`,
    );
    raw.text(`42/agent,${JSON.stringify(['check', [token]])}`);
    expect(await raw.until((text) => text.includes('"checked"'))).toContain('"mine":[]');
    await raw.close();
  });
  expect((await host.console.call('getTask', { taskId: taskId })).record.state).toBe('running');
  expect(await entries('forged_report', 1)).toMatchObject([
    { actor: 'agent:fuzz-intruder', outcome: 'refused' },
  ]);
});

test('what an agent refuses to begin is told with its reason', async () => {
  const raw = await host.joined('fuzz-refuser');
  const { taskId, token } = await host.runOn('fuzz-refuser', 3_600_000);
  const message = 'stale epoch: the dispatch has 1, this agent obeys 2';
  raw.text(
    `42/agent,${JSON.stringify(['results', [{ token, taskId, end: { reason: 'refused', message } }]])}`,
  );
  expect(await entries('dispatch_refused', 1)).toMatchObject([
    { actor: 'agent:fuzz-refuser', outcome: 'refused', details: { message } },
  ]);
  await raw.close();
});

test('a message above the limit ends the connection, and is told', async () => {
  const raw = await host.joined('fuzz-large');
  raw.text(Buffer.alloc(frameBytesMax + 1, 52));
  await raw.closed;
  const isTold = async () =>
    (await host.audited('agent_refused')).some(({ actor }) => actor === 'agent:fuzz-large');
  await expect.poll(isTold, patience).toBe(true);
});

test('a program with a wrong token is refused, and told', async () => {
  const answer = await fetch(`${host.address}/api/v1/tasks`, { headers: { authorization: 'Bearer x' } });
  expect(answer.status).toBe(401);
  await entries('api_refused', 1);
});

test('more requests than an address may make are told when to come again, and the trail heard of it', async () => {
  const statuses = new Map<number, number>();
  const limited: string[] = [];
  const { hostname, port } = new URL(host.address);
  // Pipelined: no honest client is as fast.
  await Promise.all(
    Array.from(
      { length: 8 },
      () =>
        new Promise<void>((resolve) => {
          let text = '';
          const socket = connect(Number(port), hostname, () =>
            socket.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1_500)),
          );
          socket.on('data', (chunk) => (text += chunk.toString()));
          socket.on('error', () => undefined);
          socket.setTimeout(1_500, () => socket.destroy());
          socket.on('close', () => {
            for (const [, status = ''] of text.matchAll(/HTTP\/1\.1 (\d+)/g))
              statuses.set(Number(status), (statuses.get(Number(status)) ?? 0) + 1);
            if (/retry-after: \d/i.test(text)) limited.push('told');
            resolve();
          });
        }),
    ),
  );
  expect(statuses.get(429)).toBeGreaterThan(0);
  expect(limited.length).toBeGreaterThan(0);
  await entries('rate_limited', 1);
});
