// What needs no socket of the host: every decoder, the files it reads at its start, and an agent whose hub is hostile.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { memoryCredentials } from '../../agent/credentials.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { readDispatch } from '../../agent/hubMessages.ts';
import { readIntent } from '../../scheduler/host/simulationFile.ts';
import { SecretsFile } from '../../scheduler/host/secretsFile.ts';
import { StorageFile } from '../../scheduler/host/storageFile.ts';
import * as agentWire from '../../scheduler/protocol/agentWire.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { methodSchemas } from '../../scheduler/protocol/consoleWire.ts';
import { decode, parseJson } from '../../scheduler/protocol/decode.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { taskSpecSchema } from '../../scheduler/protocol/task.ts';
import { AgentHub, commandDispatch, enrolToken, until } from '../unit/support/agentHub.ts';
import type { Draw } from './draw.ts';
import { pause, spec } from './fuzzHost.ts';
import { mutateBytes, mutateValue } from './mutate.ts';

const schemas: readonly v.GenericSchema[] = [
  ...Object.values(methodSchemas),
  ...[agentWire.agentAuthSchema, agentWire.joinSchema, agentWire.heartbeatSchema, agentWire.startedSchema],
  ...[agentWire.resultsSchema, agentWire.logSchema, agentWire.checkSchema, taskSpecSchema, nodeSpecSchema],
];
const near = {
  ...{
    wire: 5,
    nodeId: 'n',
    publicKey: 'A'.repeat(43),
    enrolToken: 'k',
    proofs: ['A'.repeat(86)],
    spec,
    held: [{ token: 1, state: 'running' }],
    token: 1,
    taskId: 1,
  },
  ...{ stream: 'stdout', offset: 0, bytes: 1, text: 'a', specs: [{ work: { kind: 'simulated', runMs: 1 } }] },
  ...{ work: { kind: 'command', argv: ['true'], env: { A: 'b' } }, labels: { a: 'b' }, ask: { cpu: 1 } },
  ...{ filter: { states: ['ready'], labels: { a: 'b' } }, limit: 1, queue: 'q', change: { weight: 1 } },
};

/** No decoder throws, and nothing that it gives has what was put on a prototype. */
export function decoders(draw: Draw, inputs: number): number {
  for (let sent = 0; sent < inputs; sent += 1) {
    const text = JSON.stringify(mutateValue(draw, near));
    const parsed = parseJson(draw.chance(0.1) ? text.slice(draw.below(9)) : text, 4_000_000, 'it');
    if (!parsed.ok) continue;
    const read = decode(draw.pick(schemas), parsed.value, 'it');
    if (read.ok) assertClean(read.value);
  }
  return inputs;
}

export function assertClean(value: unknown): void {
  if (Reflect.get({}, 'polluted') !== undefined) throw new Error('a prototype was written to');
  if (typeof value === 'object' && value !== null && Reflect.get(value, 'polluted') !== undefined)
    throw new Error('a decoded value has what was put on its prototype');
}

/** Damaged and hostile files are refused with a reason, or read as what they say; nothing throws. */
export function files(draw: Draw, inputs: number): number {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-fuzz-files-'));
  const secrets = { consoleToken: 'bbb', apiToken: 'ccc' };
  const storage = { retention: { tasksMax: 5_000, logBytesMax: 0 }, plan: { folder: '/none' } };
  const intent = { state: 'running', nodes: 10, seed: 1, load: 1 };
  try {
    for (let sent = 0; sent < inputs; sent += 1) {
      for (const [name, value] of Object.entries({ secrets, storage, simulation: intent })) {
        const good = Buffer.from(JSON.stringify(draw.chance(0.5) ? mutateValue(draw, value) : value));
        const text = draw.chance(0.5) ? mutateBytes(draw, good, Buffer.from(JSON.stringify(near))) : good;
        writeFileSync(join(folder, `${name}.json`), text);
      }
      assertClean(SecretsFile.open(folder));
      assertClean(StorageFile.open(folder));
      assertClean(readIntent(folder));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return inputs;
}

/** Whatever its hub sends, an agent goes on, and runs only what its decoder took. */
export async function hostileHub(draw: Draw, inputs: number): Promise<number> {
  const hub = await new AgentHub().listen();
  const ran: number[] = [];
  const allowed = new Set<number>();
  const agent = new VirtualAgent({
    url: hub.url,
    nodeId: nodeId('fuzz-agent'),
    credentials: memoryCredentials(enrolToken),
    spec: v.parse(nodeSpecSchema, spec),
    onDispatch: ({ token }) => ran.push(token),
    retry: { minMs: 5, maxMs: 20, slowMs: 20 },
  });
  await agent.start();
  for (let sent = 0; sent < inputs; sent += 50) {
    await until(() => agent.connection.isJoined, 'the agent comes back', 10_000);
    for (let at = 0; at < 50; at += 1) sendHostile(draw, hub, allowed);
    await pause(2);
  }
  await pause(50);
  const strangers = ran.filter((token) => !allowed.has(token));
  await agent.stop();
  await hub.close();
  if (strangers.length > 0) throw new Error(`the agent ran what it could not read: ${strangers.join()}`);
  if (hub.faults.length > 0)
    throw new Error(`the agent broke the contract: ${hub.faults.slice(0, 3).join('; ')}`);
  if (ran.length === 0) throw new Error('nothing ran at all: the check would see nothing');
  return Math.ceil(inputs / 50) * 50;
}

function sendHostile(draw: Draw, hub: AgentHub, allowed: Set<number>): void {
  const [event, payload] = draw.pick(hubMessages());
  if (draw.chance(0.05)) {
    const text = mutateBytes(
      draw,
      Buffer.from(`2/agent,${JSON.stringify([event, payload])}`),
      Buffer.from('2[1]'),
    );
    // As text of an Engine.IO message: what Socket.IO's parser of the agent makes of it is its own.
    const connection: object = hub.socket?.conn ?? {};
    const write: unknown = Reflect.get(connection, 'write');
    if (typeof write === 'function') Reflect.apply(write, connection, [text.toString()]);
    allow(allowed, text.toString().slice(8));
    return;
  }
  const made = draw.chance(0.1) ? payload : mutateValue(draw, payload);
  allow(allowed, JSON.stringify([event, made]));
  hub.send(event, made);
}

/** Tokens that the agent's own decoder takes out of a frame. */
function allow(allowed: Set<number>, text: string): void {
  try {
    const [event, made] = JSON.parse(text) as unknown[];
    if (event !== 'run') return;
    for (const item of Array.isArray(made) ? (made as unknown[]) : [made]) {
      const read = readDispatch(item);
      if (read.ok && read.value.dispatch.ok) allowed.add(read.value.name.token);
    }
  } catch {
    // No frame at all: nothing may run of it.
  }
}

function hubMessages(): readonly [string, unknown][] {
  const dispatch = { ...commandDispatch({}), work: { kind: 'simulated', runMs: 1, exitCode: 0 } };
  const { token } = dispatch;
  return [
    ['run', [dispatch]],
    ['run', [dispatch, dispatch]],
    ['stop', [token]],
    ['resultsAck', [token]],
    ['logAck', { token, stream: 'stdout', offset: 1 }],
    ['checked', { asked: [token], mine: [token] }],
    ['refused', { message: 'no', code: 'bad_message' }],
    ['welcome', { epoch: 1, heartbeatMs: 50, attemptLeaseMs: 1_000, returnAfterMs: 0, revoked: [] }],
  ];
}
