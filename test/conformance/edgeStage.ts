// A real host with edges in processes of their own, virtual agents on it, and what its log and metrics say.
import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import * as v from 'valibot';
import { memoryCredentials } from '../../agent/credentials.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { memoryTrust, pinOf } from '../../agent/trust.ts';
import { request } from '../../scheduler/api/commands/request.ts';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { type ConsoleClient, connectConsole, readSecrets } from '../e2e/consoleClient.ts';
import { enrolmentToken } from '../enrolmentToken.ts';

const spec = v.parse(nodeSpecSchema, {
  resources: { cpu: 4_000, memory: 8_192, slots: 8 },
  kinds: ['simulated'],
  agentVersion: 'virtual',
});

/** The fields of an edge's lines. */
interface LogLine {
  readonly pid: number;
  readonly port: number;
  readonly agents: number;
}

export interface EdgePlant {
  readonly address: string;
  readonly folder: string;
  /** PEM. Undefined: plain text. */
  readonly authority: string | undefined;
  readonly child: ChildProcess;
  readonly console: ConsoleClient;
  readonly agents: readonly VirtualAgent[];
  /** What agents were told to run, in order. */
  readonly dispatched: readonly Dispatch[];
  /** Lines of the host's log that begin so, oldest first. */
  readonly logged: (message: string) => readonly LogLine[];
  readonly metric: (name: string) => Promise<number>;
}

/** `isTls`: all ports speak TLS, and agents know the hub by the pin of the enrolment code. */
export async function openEdgePlant(edges: number, nodes: number, isTls = false): Promise<EdgePlant> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-edges-'));
  const args = ['scheduler/host/entry.ts', '--data', folder, '--port', '0', '--edges', String(edges)];
  if (isTls) args.push('--tls', 'on');
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
  const { consoleToken } = readSecrets(folder);
  const authority = isTls ? readAuthority(folder) : undefined;
  const token = await enrolmentToken(address, folder, nodes + 1, authority);
  const trust = authority === undefined ? undefined : memoryTrust(pinOf(new X509Certificate(authority).raw));
  const console = await connectConsole(address, consoleToken, authority);
  closing.push(() => {
    console.close();
  });
  const metric = async (name: string): Promise<number> => {
    const asked = { method: 'GET', headers: {}, body: undefined, authority };
    const text = await (await request(`${address}/metrics`, asked)).text();
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
        credentials: memoryCredentials(token),
        spec,
        trust,
        onDispatch: (dispatch) => dispatched.push(dispatch),
      }),
    );
  await Promise.all(agents.map((agent) => agent.start()));
  await until(() => agents.every(({ connection }) => connection.isJoined), 'all agents joined');
  return {
    address,
    authority,
    folder,
    child,
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

function readAuthority(folder: string): string {
  const file = readFileSync(join(folder, 'tls.json'), 'utf8');
  return (JSON.parse(file) as { authority: { certificate: string } }).authority.certificate;
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
