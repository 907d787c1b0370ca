// The real host on a folder that outlives it: started, killed, asked over HTTP, and its words when it will not start.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import * as v from 'valibot';
import { type Credentials, memoryCredentials } from '../../../agent/credentials.ts';
import { VirtualAgent } from '../../../agent/fleet/virtualAgent.ts';
import { nodeId } from '../../../scheduler/protocol/brands.ts';
import { nodeSpecSchema } from '../../../scheduler/protocol/node.ts';
import { type Ended, run } from './apiHost.ts';
import { enrolmentToken } from '../../enrolmentToken.ts';

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-host-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

const hostArgs = (folder: string): string[] => ['scheduler/host/entry.ts', '--data', folder, '--port', '0'];

/** How a host ends that cannot start. */
export const hostOn = (folder: string): Promise<Ended> => run(process.execPath, hostArgs(folder));

export const millrace = (args: readonly string[]): Promise<Ended> =>
  run(process.execPath, ['scheduler/host/commandLine.ts', ...args]);

export interface RunningHost {
  readonly ask: (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;
  readonly addNode: (name: string) => Promise<void>;
  /** The process ends at once, as by a loss of power. */
  readonly kill: () => Promise<void>;
}

/** A machine that comes back has the key it had. */
const keys = new Map<string, Credentials>();
function keysOf(folder: string, name: string, token: string): Credentials {
  const known = keys.get(`${folder} ${name}`) ?? memoryCredentials(token);
  keys.set(`${folder} ${name}`, known);
  return known;
}

export async function startHost(folder: string): Promise<RunningHost> {
  const hubFile = join(folder, 'hub.json');
  rmSync(hubFile, { force: true });
  const child = spawn(process.execPath, hostArgs(folder), { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const agents: VirtualAgent[] = [];
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    for (const agent of agents.splice(0)) await agent.stop();
  };
  onTestFinished(kill);
  const untilMs = Date.now() + 20_000;
  while (!existsSync(hubFile)) {
    if (child.exitCode !== null || Date.now() > untilMs) throw new Error('the host does not listen');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const read = (name: string): Record<string, string> =>
    JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, string>;
  const address = read('hub.json')['address'] ?? '';
  const { apiToken = '' } = read('secrets.json');
  return {
    kill,
    ask: async (method, path, body) => {
      const headers = { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' };
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const response = await fetch(`${address}/api/v1${path}`, { method, headers, ...text });
      return (await response.json()) as Record<string, unknown>;
    },
    addNode: async (name) => {
      const token = await enrolmentToken(address, folder, 1);
      await new Promise<void>((resolve) => {
        const spec = v.parse(nodeSpecSchema, {
          resources: { cpu: 64_000, memory: 65_536, slots: 64 },
          kinds: ['simulated'],
          agentVersion: 'virtual',
        });
        const credentials = keysOf(folder, name, token);
        const onJoined = (): void => {
          resolve();
        };
        const agent = new VirtualAgent({ url: address, nodeId: nodeId(name), credentials, spec, onJoined });
        agents.push(agent);
        void agent.start();
      });
    },
  };
}
