// The agent's pair of keys: made before the first contact, changed without a moment in which it could not come back.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as v from 'valibot';
import { keyFileOf, openCredentials } from '../../agent/credentials.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { AgentHub, enrolToken, until } from './support/agentHub.ts';

let hub: AgentHub;
let folder: string;
const agents: VirtualAgent[] = [];
beforeEach(async () => {
  hub = await new AgentHub().listen();
  folder = mkdtempSync(join(tmpdir(), 'millrace-keys-'));
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
  expect(hub.faults).toEqual([]);
});
const spec = v.parse(nodeSpecSchema, {
  resources: { cpu: 8_000, memory: 16_384 },
  kinds: ['simulated'],
  agentVersion: 'virtual',
});

/** An agent over the folder, as a program that starts anew. */
async function started(token?: string, keyDays?: number): Promise<VirtualAgent> {
  const credentials = openCredentials(folder, 'P7', token);
  if (!credentials.ok) throw new Error(credentials.reason);
  const more = keyDays === undefined ? {} : { keyDays };
  const retry = { minMs: 20, maxMs: 50, slowMs: 50 };
  const options = { url: hub.url, nodeId: nodeId('P7'), credentials: credentials.value, spec, retry };
  const agent = new VirtualAgent({ ...options, ...more });
  agents.push(agent);
  await agent.start();
  return agent;
}
const joined = (agent: VirtualAgent) => until(() => agent.connection.isJoined, 'it joined');
const keyOfHub = () => hub.nodeKeys.get('P7');
const file = () => JSON.parse(readFileSync(keyFileOf(folder), 'utf8')) as Record<string, unknown>;

test('a crash between the use of the token and the welcome: the same pair asks again', async () => {
  const first = openCredentials(folder, 'P7', enrolToken);
  if (!first.ok) throw new Error(first.reason);
  const { publicKey } = first.value.secrets();
  hub.nodeKeys.set('P7', publicKey); // the hub took it in, and nobody heard
  const agent = await started(enrolToken);
  await joined(agent);
  expect(keyOfHub()).toBe(publicKey);
  expect(file()).toMatchObject({ isNew: false });
  expect(statSync(keyFileOf(folder)).mode & 0o777).toBe(0o600);
});

test('a key is changed on demand, and only the new one is kept', async () => {
  const agent = await started(enrolToken);
  await joined(agent);
  const before = keyOfHub();
  agent.connection.rotateKey();
  await until(() => keyOfHub() !== before && file()['next'] === undefined, 'the key is changed');
  await agent.stop();
  await joined(await started());
  expect(hub.unproven).toEqual([]);
});

test.each(['silent', 'ignore'] as const)(
  'the hub is %s about the new key: the agent joins with either',
  async (how) => {
    const agent = await started(enrolToken);
    await joined(agent);
    const before = keyOfHub();
    hub.onRotate = how;
    agent.connection.rotateKey();
    await until(() => file()['next'] !== undefined, 'the next pair is kept');
    if (how === 'silent') await until(() => keyOfHub() !== before, 'the hub has it');
    await agent.stop();
    hub.onRotate = 'answer';
    const again = await started();
    await joined(again);
    expect(hub.joins.at(-1)?.proofs).toHaveLength(2);
    expect(file()['next'] === undefined).toBe(how === 'silent');
    again.connection.rotateKey();
    await until(() => file()['next'] === undefined, 'the change is over');
    expect(keyOfHub()).not.toBe(before);
  },
);

test('a key that is older than it may get is changed at the join', async () => {
  await (await started(enrolToken)).stop();
  await joined(await started(enrolToken));
  const before = keyOfHub();
  for (const agent of agents.splice(0)) await agent.stop();
  const kept = file() as { pair: { madeAtMs: number } };
  kept.pair.madeAtMs = Date.now() - 31 * 24 * 3_600_000;
  writeFileSync(keyFileOf(folder), JSON.stringify(kept));
  await started(undefined, 30);
  await until(() => keyOfHub() !== before, 'the key is changed');
});

test('a node of before pairs shows its secret once with its public key, and forgets it', async () => {
  writeFileSync(keyFileOf(folder), '{"nodeId":"P7","nodeKey":"old"}');
  hub.nodeKeys.set('P7', ''); // known by the hash of that secret
  const credentials = openCredentials(folder, 'P7', undefined);
  if (!credentials.ok) throw new Error(credentials.reason);
  const { publicKey, nodeKey } = credentials.value.secrets();
  expect(nodeKey).toBe('old');
  hub.nodeKeys.set('P7', publicKey);
  await joined(await started());
  expect(file()).not.toHaveProperty('nodeKey');
});

test('a damaged key file is told as such and left as it is', () => {
  const text = '{"nodeId":"P7","pair":{"privateKey":"AAAA","madeAtMs":1}}';
  writeFileSync(keyFileOf(folder), text);
  const read = openCredentials(folder, 'P7', enrolToken);
  expect(read.ok ? '' : read.reason).toContain('is damaged');
  expect(readFileSync(keyFileOf(folder), 'utf8')).toBe(text);
});
