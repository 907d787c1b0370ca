// The simulated plant from the console to its end, with the real host and the real fleet, beside a real node.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryCredentials } from '../../agent/credentials.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import type { FromHost, Method, ParamsInput, Reply, Results } from '../../scheduler/protocol/consoleWire.ts';
import type { FleetFrame } from '../../scheduler/protocol/fleetFrames.ts';
import { nodeSpec } from './coreStage.ts';
import { enrolmentToken } from '../enrolmentToken.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-simulation-'));
const hosts: ChildProcess[] = [];
let realAgent: VirtualAgent | undefined;
afterAll(async () => {
  await realAgent?.stop();
  for (const host of hosts) host.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const secret = (name: string): string => {
  const secrets = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as Record<string, string>;
  return secrets[name] ?? '';
};
const pause = (forMs: number) => new Promise((resolve) => setTimeout(resolve, forMs));

/** The program itself, on a port that stays the same over a restart. */
async function startHost(port: string): Promise<{ readonly host: ChildProcess; readonly url: string }> {
  const args = ['scheduler/host/entry.ts', '--data', folder, '--port', port];
  const host = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  hosts.push(host);
  let said = '';
  return new Promise((resolve, reject) => {
    host.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const url = /join at (http:\S+)/.exec(said)?.[1];
      if (url !== undefined) resolve({ host, url });
    });
    host.once('exit', () => {
      reject(new Error(`the host ended: ${said}`));
    });
  });
}

class Window {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly fleet: FleetFrame[] = [];
  #id = 0;

  constructor(url: string) {
    const auth = { wire: 2, token: secret('consoleToken') };
    this.#socket = io(`${url}/console`, { transports: ['websocket'], forceNew: true, auth });
    this.#socket.on('m', (message: FromHost) => {
      if ('id' in message) this.#waiting.get(message.id)?.(message);
      else if (message.push === 'fleet') this.fleet.push(message);
    });
  }

  async ask<M extends Method>(method: M, params: ParamsInput<M>): Promise<Results[M]> {
    this.#id += 1;
    const id = this.#id;
    const reply = await new Promise<Reply>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.emit('m', { id, method, params });
    });
    if (!reply.ok) throw new Error(`${reply.refusal.code}: ${reply.refusal.message}`);
    return reply.result as Results[M];
  }

  async until(state: string): Promise<void> {
    for (let tries = 0; tries < 400; tries += 1) {
      const now = await this.ask('getSimulation', {});
      if (now.state === state) return;
      await pause(100);
    }
    throw new Error(`the simulation is not ${state}: ${JSON.stringify(await this.ask('getSimulation', {}))}`);
  }

  close(): void {
    this.#socket.disconnect();
  }
}

let url = '';
let window: Window;
let first: ChildProcess;
const nodes = 60;

beforeAll(async () => {
  const started = await startHost('0');
  url = started.url;
  first = started.host;
  window = new Window(url);
  realAgent = new VirtualAgent({
    url,
    nodeId: nodeId('real-1'),
    credentials: memoryCredentials(await enrolmentToken(url, folder, 1)),
    spec: nodeSpec({ kinds: ['command'] }),
    retry: { minMs: 100, maxMs: 200, slowMs: 200 },
  });
  await realAgent.start();
});

test('a plant starts, joins on the real wire, gets tasks, and is marked as simulated', async () => {
  const waiting = {
    work: { kind: 'command', argv: ['true'] },
    selector: { no: ['where'] },
    name: 'real',
  } as const;
  await window.ask('submitTasks', { specs: [waiting, { ...waiting, name: 'ended' }] });
  await window.ask('cancelTasks', { taskIds: [2] });
  expect(await window.ask('getSimulation', {})).toEqual({ state: 'off' });
  expect(await window.ask('startSimulation', { nodes, load: 10 })).toEqual({
    state: 'starting',
    joined: 0,
    total: nodes,
  });
  await expect(window.ask('startSimulation', { nodes })).rejects.toThrow('wrong_state');
  await window.until('running');
  await window.ask('watchFleet', { metrics: ['cpuUsed'] });
  await pause(3_500); // the first heartbeats come within 2 s
  const topology = await window.ask('getTopology', {});
  expect(topology.nodes).toHaveLength(nodes + 1);
  expect(topology.simulated.reduce((sum, one) => sum + one, 0)).toBe(nodes);
  const frame = window.fleet.at(-1);
  const real = topology.nodes.indexOf(nodeId('real-1'));
  expect(frame?.topologyEpoch).toBe(topology.topologyEpoch);
  expect(frame?.values).toHaveLength(nodes + 1);
  expect([...(frame?.values ?? [])].filter((byte, index) => byte === 255 && index !== real)).toEqual([]);
  const { rows } = await window.ask('listTasks', { filter: { states: ['running'] } });
  expect(rows.length).toBeGreaterThan(5);
  expect(rows.every((row) => row.isSimulated === true)).toBe(true);
});

test('it goes on after the host was killed', async () => {
  window.close();
  first.kill('SIGKILL');
  await pause(300);
  await startHost(new URL(url).port);
  window = new Window(url);
  await window.until('running');
});

test('its end takes its nodes, tasks and files, and leaves what is real', async () => {
  const before = await window.ask('endSimulation', {});
  expect(before.state).toBe('ending');
  await window.until('off');
  const { rows } = await window.ask('listNodes', {});
  expect(rows.map((row) => [row.nodeId, row.isSimulated])).toEqual([['real-1', undefined]]);
  const tasks = await window.ask('listTasks', {});
  expect(tasks.rows.map((row) => [row.name, row.state])).toEqual([
    ['ended', 'cancelled'],
    ['real', 'ready'],
  ]);
  expect(tasks.total).toBe(2);
  expect(existsSync(join(folder, 'simulation.json'))).toBe(false);
  expect(await window.ask('endSimulation', {})).toEqual({ state: 'off' });
  window.close();
});
