// Agents for tests: in this process over a fresh data folder, or as the real program.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from '../../../agent/agent.ts';
import { openCredentials } from '../../../agent/credentials.ts';
import { ledgerFileName, type LedgerRead, readLedger } from '../../../agent/ledger.ts';
import { readSettings, type Settings } from '../../../agent/settings.ts';
import { AgentHub, enrolToken, until } from './agentHub.ts';

const mainFile = new URL('../../../agent/main.ts', import.meta.url).pathname;

export class AgentStage {
  hub: AgentHub;
  readonly dataFolder = mkdtempSync(join(tmpdir(), 'millrace-agent-'));
  readonly lines: string[] = [];
  readonly #agents: Agent[] = [];
  readonly #programs: ChildProcess[] = [];

  constructor(hub: AgentHub) {
    this.hub = hub;
  }
  static async open(): Promise<AgentStage> {
    return new AgentStage(await new AgentHub().listen());
  }

  get ledger(): LedgerRead {
    return readLedger(join(this.dataFolder, ledgerFileName));
  }
  args = (...more: string[]): string[] => [
    '--hub',
    this.hub.url,
    '--node',
    'PRESS-07',
    '--data',
    this.dataFolder,
    ...more,
  ];

  /** An agent in this process, joined. */
  async agent(...more: string[]): Promise<Agent> {
    const settings = readSettings(this.args('--token', enrolToken, ...more));
    if (!settings.ok || settings.value === 'help') throw new Error('bad arguments');
    const credentials = openCredentials(this.dataFolder, settings.value.nodeId, enrolToken);
    if (!credentials.ok) throw new Error(credentials.reason);
    let isJoined = false;
    const agent = new Agent(
      settings.value satisfies Settings,
      { credentials: credentials.value, trust: undefined },
      (level, message) => this.lines.push(`${level} ${message}`),
      {
        onJoined: () => (isJoined = true),
        onTurnedAway: ({ code }) => this.lines.push(`turned away ${code}`),
      },
    );
    this.#agents.push(agent);
    await agent.start();
    await until(() => isJoined, 'the agent joined');
    return agent;
  }

  /** The real program, joined. */
  async program(...more: string[]): Promise<ChildProcess> {
    const joins = this.hub.joins.length;
    const program = this.lonely(...more);
    await until(() => this.hub.joins.length > joins, `the agent joined: ${this.lines.join('')}`);
    return program;
  }

  /** The real program, whether there is a hub or not. */
  lonely(...more: string[]): ChildProcess {
    const program = spawn(process.execPath, [mainFile, ...this.args(...more)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    program.stderr.on('data', (chunk: Buffer) => this.lines.push(chunk.toString()));
    this.#programs.push(program);
    return program;
  }

  /** The hub goes; the answer is one that begins where it was. */
  async endHub(): Promise<() => Promise<AgentHub>> {
    const { port, nodeKeys } = this.hub;
    const url = this.hub.url;
    await this.hub.close();
    this.args = (...more) => ['--hub', url, '--node', 'PRESS-07', '--data', this.dataFolder, ...more];
    return async () => {
      this.hub = new AgentHub();
      for (const [node, key] of nodeKeys) this.hub.nodeKeys.set(node, key);
      return this.hub.listen(port);
    };
  }

  async stopAgents(): Promise<void> {
    for (const agent of this.#agents.splice(0)) await agent.stop().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.stopAgents();
    for (const program of this.#programs) program.kill('SIGKILL');
    await this.hub.close().catch(() => undefined);
    rmSync(this.dataFolder, { recursive: true, force: true });
  }
}

/** Runs the program to its end. */
export async function runToEnd(args: string[]): Promise<{ exitCode: number | null; stderr: string }> {
  const program = spawn(process.execPath, [mainFile, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  program.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve) => program.once('close', resolve));
  return { exitCode, stderr };
}
