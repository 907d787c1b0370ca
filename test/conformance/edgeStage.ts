// A real host with edges in processes of their own, virtual agents on it, and what its log and metrics say.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import * as v from 'valibot';
import { memoryCredentials } from '../../agent/credentials.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { type ConsoleClient, connectConsole, readSecrets } from '../e2e/consoleClient.ts';

const spec = v.parse(nodeSpecSchema, {
  resources: { cpu: 4_000, memory: 8_192, slots: 8 },
  kinds: ['simulated'],
  agentVersion: 'virtual',
});

/** The fields of an edge's lines. */
interface LogLine {
  readonly pid: number;
  readonly agents: number;
}

export interface EdgePlant {
  readonly address: string;
  readonly child: ChildProcess;
  readonly enrolmentToken: string;
  readonly console: ConsoleClient;
  readonly agents: readonly VirtualAgent[];
  /** What agents were told to run, in order. */
  readonly dispatched: readonly Dispatch[];
  /** Lines of the host's log that begin so, oldest first. */
  readonly logged: (message: string) => readonly LogLine[];
  readonly metric: (name: string) => Promise<number>;
}

export async function openEdgePlant(edges: number, nodes: number): Promise<EdgePlant> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-edges-'));
  const args = ['scheduler/host/entry.ts', '--data', folder, '--port', '0', '--edges', String(edges)];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const agents: VirtualAgent[] = [];
  const closing: (() => void)[] = [];
  onTestFinished(async () => {
    for (const close of closing) close();
    for (const agent of agents) await agent.stop();
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  await until(() => existsSync(join(folder, 'hub.json')), 'the host listens');
  const { address } = JSON.parse(readFileSync(join(folder, 'hub.json'), 'utf8')) as { address: string };
  const { enrolmentToken, consoleToken } = readSecrets(folder);
  const console = await connectConsole(address, consoleToken);
  closing.push(() => {
    console.close();
  });
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${address}/metrics`)).text();
    return Number(new RegExp(`^millrace_${name} (\\S+)`, 'm').exec(text)?.[1]);
  };
  // Or all agents would go to the one that is first.
  await until(async () => (await metric('edges_listening')) === edges, 'all edges listen');
  const dispatched: Dispatch[] = [];
  for (let at = 0; at < nodes; at += 1)
    agents.push(
      new VirtualAgent({
        url: address,
        nodeId: nodeId(`n${String(at)}`),
        credentials: memoryCredentials(enrolmentToken),
        spec,
        onDispatch: (dispatch) => dispatched.push(dispatch),
      }),
    );
  await Promise.all(agents.map((agent) => agent.start()));
  await until(() => agents.every(({ connection }) => connection.isJoined), 'all agents joined');
  return {
    address,
    child,
    enrolmentToken,
    console,
    agents,
    dispatched,
    logged: (message) =>
      readFileSync(join(folder, 'host.log'), 'utf8')
        .split('\n')
        .filter((line) => line.includes(`"message":"${message}`))
        .map((line) => JSON.parse(line) as LogLine),
    metric,
  };
}

export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const untilMs = performance.now() + 40_000;
  while (!(await isSo())) {
    if (performance.now() > untilMs) throw new Error(`not within 40 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
