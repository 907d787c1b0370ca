// 72 hours without a hub, on a clock that is moved: the real ledger, outbox and connection of an agent, with and without a
// reboot in between. No result is lost, nothing runs again, and results come in the order in which the attempts ended.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as v from 'valibot';
import { type Credentials, memoryCredentials } from '../../agent/credentials.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { readLedger } from '../../agent/ledger.ts';
import { nodeId, token, type Token } from '../../scheduler/protocol/brands.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { offlineLimitMaxMs } from '../../scheduler/protocol/offlineLimits.ts';
import { AgentHub, enrolToken } from './support/agentHub.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Attempts that end one after another, every 20 minutes of the outage, not in the order of their tokens. */
const ending = Array.from({ length: 210 }, (_, at) => token(at + 1));
const endsAfterMs = (of: Token): number => (((of * 37) % ending.length) + 1) * 20 * minuteMs;
const inOrder = [...ending].sort((a, b) => endsAfterMs(a) - endsAfterMs(b));
/** Attempts that outlast the outage. */
const lasting = Array.from({ length: 5 }, (_, at) => token(1_000 + at));
const all = [...ending, ...lasting];

const spec = v.parse(nodeSpecSchema, {
  resources: { cpu: 64_000, memory: 65_536, slots: 300 },
  kinds: ['simulated'],
  agentVersion: 'virtual',
});
const dispatchOf = (of: Token) => ({
  token: of,
  taskId: of,
  attempt: 1,
  epoch: 1,
  work: { kind: 'simulated', runMs: of < 1_000 ? endsAfterMs(of) : 2 * offlineLimitMaxMs, exitCode: 0 },
  timeoutMs: 4 * offlineLimitMaxMs,
  graceMs: 1_000,
  cpu: 10,
  memory: 8,
  gpuMask: 0,
});

let folder: string;
let hub: AgentHub;
let begun: Token[];
let credentials: Credentials;
beforeEach(async () => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    shouldAdvanceTime: true,
  });
  folder = mkdtempSync(join(tmpdir(), 'millrace-alone-'));
  hub = await new AgentHub().listen();
  hub.heartbeatMs = 3_600_000;
  begun = [];
  credentials = memoryCredentials(enrolToken);
});
afterEach(async () => {
  await hub.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const ledgerFile = () => join(folder, 'ledger.ndjson');
const entriesOf = (kind: 'start' | 'result'): Token[] =>
  readLedger(ledgerFile()).entries.flatMap((entry) => (entry.kind === kind ? [entry.token] : []));
async function newAgent(url: string): Promise<VirtualAgent> {
  const agent = new VirtualAgent({
    url,
    nodeId: nodeId('P7'),
    credentials,
    spec,
    ledgerFile: ledgerFile(),
    retry: { minMs: minuteMs, maxMs: 10 * minuteMs, slowMs: 10 * minuteMs },
    onDispatch: (dispatch) => begun.push(dispatch.token),
  });
  await agent.start();
  return agent;
}
/** Until the disk and the sockets have done what the clock made due: they are real. */
async function untilTrue(isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo(); turns += 1) {
    if (turns > 200_000) throw new Error('it never came to be');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
async function pass(forMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += 10 * minuteMs) {
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
const hasJoined = (): boolean => hub.joins.length > 0;
/** The hub has gone, and all attempts have begun. */
async function leftAlone() {
  const agent = await newAgent(hub.url);
  await untilTrue(() => agent.connection.isJoined);
  hub.send('run', all.map(dispatchOf));
  await untilTrue(() => hub.started.length === all.length);
  const { url, port, nodeKeys } = hub;
  await hub.close();
  await untilTrue(() => !agent.connection.isJoined);
  /** Another life of the hub, on the same address. */
  const comeBack = async (): Promise<void> => {
    hub = new AgentHub();
    hub.heartbeatMs = 3_600_000;
    hub.epoch = 2;
    for (const [node, key] of nodeKeys) hub.nodeKeys.set(node, key);
    await hub.listen(port);
    // In steps shorter than the time limits of a connection, with turns for the sockets in between.
    for (let step = 0; !hasJoined() && step < 1_800; step += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      for (let turns = 0; turns < 300 && !hasJoined(); turns += 1)
        await new Promise((resolve) => setImmediate(resolve));
    }
    const held = hub.joins[0]?.held ?? [];
    expect(held).not.toEqual([]);
    await untilTrue(() => hub.results.length >= held.filter(({ state }) => state === 'finished').length);
  };
  return { agent, comeBack, url };
}

test('72 h: every result once, in order; what still runs is told and goes on', async () => {
  const { agent, comeBack } = await leftAlone();
  await pass(offlineLimitMaxMs);
  await untilTrue(() => entriesOf('result').length === ending.length);
  await comeBack();
  expect(hub.results.map((result) => result.token)).toEqual(inOrder);
  expect(hub.results.every(({ end }) => end.reason === 'exit' && end.exitCode === 0)).toBe(true);
  const held = hub.joins[0]?.held ?? [];
  expect(held.flatMap((one) => (one.state === 'running' ? [one.token] : []))).toEqual(lasting);
  expect(agent.runningCount).toBe(lasting.length);
  expect(begun).toEqual(all);
  expect(entriesOf('start')).toEqual(all);
  expect(hub.faults).toEqual([]);
  await agent.stop();
});

test('72 h with a reboot after 36: results of before are told first and in order, what it cut off is told as lost', async () => {
  const { agent, comeBack, url } = await leftAlone();
  await pass(36 * hourMs);
  const ended = inOrder.filter((of) => endsAfterMs(of) <= 36 * hourMs);
  await untilTrue(() => entriesOf('result').length >= ended.length);
  await agent.stop();
  const cutOff = all.filter((of) => !entriesOf('result').includes(of));
  const again = await newAgent(url);
  await pass(36 * hourMs);
  await comeBack();
  const told = hub.results.map((result) => result.token);
  expect(told.slice(0, ended.length)).toEqual(ended);
  expect([...told].sort((a, b) => a - b)).toEqual([...all].sort((a, b) => a - b));
  const lost = hub.results.filter(({ end }) => end.reason === 'agent_lost').map((result) => result.token);
  expect(lost).toEqual(cutOff);
  expect(lost).toEqual(expect.arrayContaining(lasting));
  expect(again.runningCount).toBe(0);
  expect(begun).toEqual(all);
  expect(entriesOf('start')).toEqual(all);
  expect(hub.faults).toEqual([]);
  await again.stop();
});
