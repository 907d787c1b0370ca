// A host with its edges and a plant of agents that has joined it, and what the joining cost: what each part of the bench
// begins with.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodesMax } from '../../scheduler/protocol/limits.ts';
import { enrolmentToken } from '../../test/enrolmentToken.ts';
import { HostUnderLoad } from './hostUnderLoad.ts';
import { Simulators } from './simulators.ts';

export interface PlantOptions {
  readonly nodes: number;
  readonly joinsPerS: number;
  /** `auto`, or a number. */
  readonly edges: string;
  /** More arguments of the host. */
  readonly hostArgs?: readonly string[];
}
/** Of the host and its edges, but for `agentCpuMs`. */
export interface JoinCosts {
  /** Seconds until the last agent was joined, or until no more were waited for. */
  readonly joinS: number;
  readonly joined: number;
  readonly cpuMs: number;
  readonly agentCpuMs: number;
  readonly rssPerAgentKB: number;
  readonly rssMiB: number;
}

const edgesStartMs = 3_000;
const sayEveryMs = 5_000;
/** Thrice the goal: a bench that waits longer says nothing more. */
const joinWithinMs = 180_000;
const reapMs = 500;

export class PlantUnderLoad {
  readonly host: HostUnderLoad;
  readonly plant: Simulators;
  readonly echo: string;
  readonly #folder: string;
  readonly #children: readonly ChildProcess[];
  readonly #saying: NodeJS.Timeout;

  private constructor(
    host: HostUnderLoad,
    around: {
      readonly folder: string;
      readonly children: ChildProcess[];
      readonly echo: string;
      readonly token: string;
    },
  ) {
    const { folder, children, echo, token } = around;
    this.host = host;
    this.echo = echo;
    this.#folder = folder;
    this.#children = children;
    this.plant = new Simulators({ hub: host.url, pin: host.pin, token, echo }, children);
    this.#saying = setInterval(() => {
      void this.#say();
    }, sayEveryMs);
  }

  static async start({ nodes, edges, hostArgs = [] }: PlantOptions): Promise<PlantUnderLoad> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-fleet-'));
    const children: ChildProcess[] = [];
    process.once('exit', () => {
      for (const child of children) child.kill('SIGKILL'); // also where this bench itself fails
    });
    const args = ['--edges', edges, '--nodes-expected', String(nodes), ...hostArgs];
    const host = await HostUnderLoad.start(folder, args, children);
    const echo = await startEcho(children);
    await pause(edgesStartMs);
    const token = await enrolmentToken(host.url, folder, nodesMax, host.authority);
    return new PlantUnderLoad(host, { folder, children, echo, token });
  }

  /** `settleMs`: a heartbeat of everybody, and the garbage of joining; memory is read after it. */
  async join({ nodes, joinsPerS }: PlantOptions, settleMs: number): Promise<JoinCosts> {
    const { host, plant } = this;
    const bareKB = host.rssKB;
    const beforeCpuS = host.cpuS;
    const joinS = await plant.joinWithin(nodes, joinsPerS, joinWithinMs);
    const { joined } = plant;
    const cpuMs = ((host.cpuS - beforeCpuS) * 1_000) / joined;
    const agentCpuMs = (plant.cpuS * 1_000) / joined;
    await pause(settleMs);
    const { rssKB } = host;
    return {
      joinS,
      joined,
      cpuMs,
      agentCpuMs,
      rssPerAgentKB: (rssKB - bareKB) / joined,
      rssMiB: rssKB / 1_024,
    };
  }

  async end(): Promise<void> {
    clearInterval(this.#saying);
    await this.host.stop();
    for (const child of this.#children) child.kill('SIGTERM');
    await pause(reapMs);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** To the other output: a long run shows where it is. */
  async #say(): Promise<void> {
    const { host, plant } = this;
    const metric = await host.metrics().catch(() => () => Number.NaN);
    const names = ['agents', 'nodes_online', 'later_connections_total', 'commands_pending'];
    const said = names.map((name) => `${name} ${metric(name).toFixed(0)}`).join(', ');
    const loop = `loop p99 ${(metric('loop_delay_p99_seconds') * 1_000).toFixed(0)} ms`;
    const late = `late ${plant.takeLatestMs().toFixed(0)} ms`;
    console.error(`joined ${plant.joined}, joins ${plant.joins}, ${late}; ${said}, ${loop}`);
  }
}

function startEcho(children: ChildProcess[]): Promise<string> {
  const child = fork(join(import.meta.dirname, 'echoHub.ts'));
  children.push(child);
  return new Promise((resolve) => {
    child.once('message', (message: { url: string }) => {
      resolve(message.url);
    });
  });
}

export const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));
