// A real host in a process of its own, virtual agents on it, and the ways programs reach it: HTTP and command line.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { memoryCredentials } from '../../../agent/credentials.ts';
import { VirtualAgent } from '../../../agent/fleet/virtualAgent.ts';
import { nodeId } from '../../../scheduler/protocol/brands.ts';
import { nodeSpecSchema } from '../../../scheduler/protocol/node.ts';
import { enrolmentToken } from '../../enrolmentToken.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

export class ApiHost {
  readonly folder: string;
  readonly #kill: () => Promise<void>;
  readonly #closing: (() => Promise<void>)[] = [];
  address = '';
  secrets = { consoleToken: '', apiToken: '' };

  private constructor(folder: string, kill: () => Promise<void>) {
    this.folder = folder;
    this.#kill = kill;
  }

  static async start(folder = mkdtempSync(join(tmpdir(), 'millrace-api-'))): Promise<ApiHost> {
    const args = ['scheduler/host/entry.ts', '--data', folder, '--port', '0'];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    const exited = new Promise<void>((resolve) =>
      child.once('exit', () => {
        resolve();
      }),
    );
    const host = new ApiHost(folder, async () => {
      child.kill('SIGTERM');
      await exited;
    });
    await until(() => existsSync(join(folder, 'hub.json')), 'the host listens');
    host.address = (host.#read('hub.json') as { address: string }).address;
    host.secrets = host.#read('secrets.json') as ApiHost['secrets'];
    return host;
  }

  #read(name: string): unknown {
    return JSON.parse(readFileSync(join(this.folder, name), 'utf8'));
  }

  /** With keys of their own: names of nodes that the host knew before are refused. */
  async addNodes(count: number, slots = 64, prefix = 'V'): Promise<void> {
    const spec = v.parse(nodeSpecSchema, {
      resources: { cpu: 64_000, memory: 65_536, slots },
      kinds: ['simulated'],
      agentVersion: 'virtual',
    });
    const token = await enrolmentToken(this.address, this.folder);
    const joined = Array.from({ length: count }, async (_, at) => {
      await new Promise<void>((resolve) => {
        const agent = new VirtualAgent({
          url: this.address,
          nodeId: nodeId(`${prefix}/${at + 1}`),
          credentials: memoryCredentials(token),
          spec,
          onJoined: () => {
            resolve();
          },
        });
        this.#closing.push(() => agent.stop());
        void agent.start();
      });
    });
    await Promise.all(joined);
  }

  /** A real agent, which runs commands and sends their output. */
  async addAgent(name: string): Promise<void> {
    const place = ['--hub', this.address, '--node', name, '--data', join(this.folder, name)];
    const token = await enrolmentToken(this.address, this.folder, 1);
    const environment = { ...process.env, MILLRACE_ENROL_TOKEN: token };
    const child = spawn(process.execPath, ['agent/main.ts', ...place], { env: environment, stdio: 'ignore' });
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => {
        resolve();
      });
    });
    this.#closing.push(async () => {
      child.kill('SIGTERM');
      await exited;
    });
    await until(async () => (await this.ask('GET', `/nodes/${name}`)).status === 200, 'the agent has joined');
  }

  /** With the right token unless `init` has another. `body` is sent as JSON. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answered> {
    const response = await fetch(`${this.address}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.secrets.apiToken}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {},
    };
  }

  /** Submits one simulated task; its id. */
  async submit(runMs: number, more: Record<string, unknown> = {}): Promise<number> {
    const { body } = await this.ask('POST', '/tasks', { work: { kind: 'simulated', runMs }, ...more });
    return body['taskId'] as number;
  }

  async stateOf(taskId: number): Promise<unknown> {
    const { body } = await this.ask('POST', '/tasks/states', { taskIds: [taskId] });
    return (body['standings'] as { state: string }[])[0]?.state;
  }

  async waitForState(taskId: number, state: string): Promise<void> {
    await until(async () => (await this.stateOf(taskId)) === state, `task ${taskId} is ${state}`);
  }

  /** A backup or an export once it has ended. */
  async jobEnded(jobId: unknown): Promise<Record<string, unknown>> {
    let job: Record<string, unknown> = {};
    await until(
      async () => {
        const jobs = (await this.ask('GET', '/storage')).body['jobs'] as Record<string, unknown>[];
        job = jobs.find((one) => one['jobId'] === jobId) ?? {};
        return job['state'] !== 'running';
      },
      `job ${String(jobId)} has ended`,
    );
    return job;
  }

  /** The `millrace` command in a process of its own. */
  millrace(args: readonly string[], input = ''): Promise<Ended> {
    return run(
      process.execPath,
      ['scheduler/host/commandLine.ts', ...args],
      { MILLRACE_DATA: this.folder },
      input,
    );
  }

  /** Ends the process and leaves its folder. */
  async leave(): Promise<void> {
    for (const close of this.#closing) await close();
    await this.#kill();
  }

  async stop(): Promise<void> {
    await this.leave();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input = '',
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...process.env, ...environment } });
    let out = '';
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdin.on('error', () => undefined); // it ended without reading
    child.stdin.end(input);
    child.on('close', (code) => {
      resolve({ code, out, said });
    });
  });
}

async function until(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const untilMs = Date.now() + 20_000;
  while (!(await isTrue())) {
    if (Date.now() > untilMs) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
