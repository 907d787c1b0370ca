// Virtual agents: many nodes in one process, on the real wire.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as v from 'valibot';
import { memoryCredentials } from '../../agent/credentials.ts';
import { VirtualAgent, type VirtualAgentOptions } from '../../agent/fleet/virtualAgent.ts';
import { readLedger } from '../../agent/ledger.ts';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { AgentHub, commandDispatch, enrolToken, until } from './support/agentHub.ts';

let hub: AgentHub;
let folder: string;
const agents: VirtualAgent[] = [];
beforeEach(async () => {
  hub = await new AgentHub().listen();
  folder = mkdtempSync(join(tmpdir(), 'millrace-virtual-'));
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
async function virtual(name: string, more: Partial<VirtualAgentOptions> = {}): Promise<VirtualAgent> {
  const agent = new VirtualAgent({
    url: hub.url,
    nodeId: nodeId(name),
    credentials: memoryCredentials(enrolToken),
    spec,
    ...more,
  });
  agents.push(agent);
  await agent.start();
  return agent;
}
const simulated = (runMs: number, exitCode = 0): Dispatch => ({
  ...commandDispatch({}),
  work: { kind: 'simulated', runMs, exitCode },
});

test('it pretends to run, reports the exit code, and shows each dispatch at its entry', async () => {
  const seen: Dispatch[] = [];
  await virtual('V-1', { onDispatch: (dispatch) => seen.push(dispatch), localAddress: '127.0.9.1' });
  await until(() => hub.joins.length === 1, 'joined');
  expect(hub.socket?.conn.remoteAddress).toContain('127.0.9.1');
  const dispatches = [simulated(1), simulated(30, 3)];
  hub.send('run', dispatches);
  await until(() => hub.results.length === 2, 'both results');
  expect(seen).toEqual(dispatches);
  expect(hub.results.map(({ end }) => end.exitCode)).toEqual([0, 3]);
  expect(hub.results[1]?.end.runMs).toBeGreaterThanOrEqual(29);
  expect(hub.started).toHaveLength(2);
});

test('it obeys stop, the time limit, repeats and kinds as a real node does', async () => {
  await virtual('V-1', { use: (running) => ({ cpuMillicores: 100 * running, memoryMiB: 10 }) });
  await until(() => hub.joins.length === 1, 'joined');
  const long = simulated(60_000);
  const late = { ...simulated(60_000), timeoutMs: 20 };
  const command = commandDispatch({});
  hub.send('run', [long, long, late, command]);
  await until(() => hub.heartbeats.some(([cpu]) => cpu === 100), 'a heartbeat with its load');
  hub.send('stop', [long.token]);
  await until(() => hub.results.length === 3, 'three results');
  const reasonOf = ({ token }: Dispatch) => hub.resultOf(token)?.end.reason;
  expect([long, late, command].map(reasonOf)).toEqual(['cancelled', 'timeout', 'refused']);
});

test('with a ledger it keeps results over its own restart', async () => {
  const ledgerFile = join(folder, 'ledger.ndjson');
  hub.ackResults = false;
  const credentials = memoryCredentials(enrolToken);
  const first = await virtual('V-1', { ledgerFile, credentials });
  await until(() => hub.joins.length === 1, 'joined');
  const [short, long] = [simulated(0, 5), simulated(60_000)];
  hub.send('run', [short, long]);
  await until(() => hub.results.length === 1, 'a result');
  await first.stop();
  agents.length = 0;
  await virtual('V-1', { ledgerFile, credentials });
  await until(() => hub.results.length === 3, 'both results');
  expect(hub.resultOf(long.token)?.end.reason).toBe('agent_lost');
  expect(readLedger(ledgerFile).entries.map(({ kind }) => kind)).toEqual([
    'start',
    'start',
    'result',
    'result',
  ]);
});

test('one that falls silent keeps its connection open and says nothing more, whatever ends or arrives', async () => {
  const silent = await virtual('V-silent');
  await until(() => hub.joins.length === 1 && hub.heartbeats.length > 0, 'joined and beating');
  const socket = hub.socket;
  hub.send('run', [simulated(40)]);
  await until(() => hub.started.length === 1, 'running');
  silent.fallSilent();
  const heard = hub.heartbeats.length;
  hub.send('run', [simulated(1)]);
  // Another agent's heartbeats tell that enough time has gone by for the silent one to have spoken.
  await virtual('V-other');
  await until(() => hub.heartbeats.length >= heard + 3, 'three heartbeats of the other one');
  expect(hub.results).toEqual([]);
  expect(hub.started).toHaveLength(1);
  expect(socket?.connected).toBe(true);
});
