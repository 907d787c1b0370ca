// The production host with as many real agents as asked for: joining, heartbeats, latency at rest, and tasks per second
// durable from end to end; beside it a bare WebSocket echo over the same three processes.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, quantile, rounded, wholeOption } from '../bench.ts';
import { Caller, type Sent } from './caller.ts';
import { HostUnderLoad } from './hostUnderLoad.ts';
import { Simulators } from './simulators.ts';

const idlePerS = 50;
const settleMs = 15_000; // one heartbeat of everybody, and the garbage of joining
const drainMs = 60_000;
const sayEveryMs = 5_000;

/** Options: `nodes` (2,000), `edges` (auto), `joins` per second (2,000), `seconds` of each phase (10), `rates`. */
export const fleet: Bench = async (options) => {
  const nodes = wholeOption(options, 'nodes', 2_000);
  const seconds = wholeOption(options, 'seconds', 10);
  const joins = wholeOption(options, 'joins', 2_000);
  const { edges = 'auto', rates = '1000,5000,10000' } = options;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-fleet-'));
  const children: ChildProcess[] = [];
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL'); // also where this bench itself fails
  });
  try {
    const args = ['--edges', edges, '--nodes-expected', String(nodes)];
    const host = await HostUnderLoad.start(folder, args, children);
    const echo = await startEcho(children);
    await pause(3_000); // edges start
    const bareKB = host.rssKB;
    const plant = new Simulators({ hub: host.url, token: host.secrets.enrolmentToken, echo }, children);
    const beforeCpuS = host.cpuS;
    const saying = setInterval(() => {
      void say(host, plant);
    }, sayEveryMs);
    const joinS = await plant.join(nodes, joins);
    const joinCpuMs = ((host.cpuS - beforeCpuS) * 1_000) / nodes;
    const agentJoinCpuMs = (plant.cpuS * 1_000) / nodes;
    await pause(settleMs);
    const rssPerAgentKB = (host.rssKB - bareKB) / nodes;
    const heartbeatCorePercent = await restingCorePercent(host, seconds);
    const resting = await host.metrics();
    const caller = await Caller.connect(host.url, host.secrets.consoleToken, echo);
    await caller.steady(idlePerS, 3_000); // both paths are compiled before anything counts
    await plant.takeEntered();
    caller.take();
    await caller.steady(idlePerS, seconds * 1_000);
    await pause(1_000);
    const idle = latencies(caller.take(), await plant.takeEntered());
    const curve: Record<string, number> = {};
    for (const rate of rates.split(',').map(Number))
      Object.assign(curve, await loaded({ host, plant, caller }, rate, seconds));
    const end = await host.metrics();
    clearInterval(saying);
    caller.close();
    await host.stop();
    return {
      params: { nodes, edges: resting('edges'), simulators: plant.count, joins, seconds },
      figures: {
        nodes: resting('agents'),
        joinS,
        joinCpuMs: rounded(joinCpuMs),
        agentJoinCpuMs: rounded(agentJoinCpuMs),
        rssPerAgentKB: rounded(rssPerAgentKB),
        rssMiB: rounded((bareKB + rssPerAgentKB * nodes) / 1_024),
        heartbeatCorePercent,
        loopP99Ms: rounded(resting('loop_delay_p99_ms')),
        idleP50Ms: rounded(quantile(idle.tasks, 0.5)),
        idleP99Ms: rounded(quantile(idle.tasks, 0.99)),
        ...curve,
        durableTasksPerS: Math.max(...Object.values(curvesOf(curve, 'durablePerSAt'))),
        moved: end('moved_connections_total'),
        later: end('later_connections_total'),
        rejoins: plant.joins - nodes,
      },
      peers: {
        wsEchoP50Ms: rounded(quantile(idle.echoes, 0.5)),
        wsEchoP99Ms: rounded(quantile(idle.echoes, 0.99)),
      },
    };
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await pause(500);
    rmSync(folder, { recursive: true, force: true });
  }
};

/** To the other output: a long run shows where it is. */
async function say(host: HostUnderLoad, plant: Simulators): Promise<void> {
  const metric = await host.metrics().catch(() => () => Number.NaN);
  const counts = [
    'agents',
    'nodes_online',
    'later_connections_total',
    'loop_delay_p99_ms',
    'commands_pending',
  ];
  const said = counts.map((name) => `${name} ${metric(name).toFixed(0)}`).join(', ');
  console.error(
    `joined ${plant.joined}, joins ${plant.joins}, late ${plant.takeLatestMs().toFixed(0)} ms; ${said}`,
  );
}

interface UnderLoad {
  readonly host: HostUnderLoad;
  readonly plant: Simulators;
  readonly caller: Caller;
}

/** Offers `rate` tasks a second, and counts those that ended and are stored, until the last one is. */
async function loaded(
  { host, plant, caller }: UnderLoad,
  rate: number,
  seconds: number,
): Promise<Record<string, number>> {
  await plant.takeEntered();
  caller.take();
  const before = (await host.metrics())('history_tasks');
  const startMs = performance.now();
  await caller.steady(rate, seconds * 1_000);
  let ended = 0;
  let tookMs = 0;
  const wanted = rate * seconds;
  do {
    await pause(100);
    ended = (await host.metrics())('history_tasks') - before;
    tookMs = performance.now() - startMs;
  } while (ended < wanted && tookMs < seconds * 1_000 + drainMs);
  const sent = caller.take();
  const { tasks } = latencies(sent, await plant.takeEntered());
  return {
    [`durablePerSAt${String(rate)}`]: rounded(ended / (tookMs / 1_000)),
    [`startP50MsAt${String(rate)}`]: rounded(quantile(tasks, 0.5)),
    [`startP99MsAt${String(rate)}`]: rounded(quantile(tasks, 0.99)),
    [`lostAt${String(rate)}`]: wanted - sent.refused - ended,
    [`loopP99MsAt${String(rate)}`]: rounded((await host.metrics())('loop_delay_p99_ms')),
  };
}

/** With every agent connected and no task: heartbeats, and all else that keeps connections alive. */
async function restingCorePercent(host: HostUnderLoad, seconds: number): Promise<number> {
  const [beforeS, startMs] = [host.cpuS, performance.now()];
  await pause(seconds * 1_000);
  return rounded((100 * (host.cpuS - beforeS)) / ((performance.now() - startMs) / 1_000));
}

function latencies(
  sent: Sent,
  entered: Awaited<ReturnType<Simulators['takeEntered']>>,
): { readonly tasks: number[]; readonly echoes: number[] } {
  const between = (from: ReadonlyMap<number, number>, to: readonly (readonly [number, number])[]): number[] =>
    to.flatMap(([id, atNs]) => {
      const sentNs = from.get(id);
      return sentNs === undefined ? [] : [(atNs - sentNs) / 1e6];
    });
  return { tasks: between(sent.tasks, entered.tasks), echoes: between(sent.echoes, entered.echoes) };
}

const curvesOf = (curve: Readonly<Record<string, number>>, name: string): Record<string, number> =>
  Object.fromEntries(Object.entries(curve).filter(([key]) => key.startsWith(name)));

function startEcho(children: ChildProcess[]): Promise<string> {
  const child = fork(join(import.meta.dirname, 'echoHub.ts'));
  children.push(child);
  return new Promise((resolve) => {
    child.once('message', (message: { url: string }) => {
      resolve(message.url);
    });
  });
}

const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));
