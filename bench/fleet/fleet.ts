// The production host with as many real agents as asked for: joining, heartbeats, latency at rest, and tasks per second
// durable from end to end; beside it a bare WebSocket echo over the same three processes. Then the same with 100 agents.
import { type Bench, quantile, rounded, wholeOption } from '../bench.ts';
import { Caller } from './caller.ts';
import { missedGoals } from './goals.ts';
import type { HostUnderLoad } from './hostUnderLoad.ts';
import { atRest, loaded, mostDurable } from './load.ts';
import { pause, PlantUnderLoad, type PlantOptions } from './plantUnderLoad.ts';

const settleMs = 15_000; // one heartbeat of everybody, and the garbage of joining
const smallNodes = 100;
const smallSettleMs = 1_000;

/**
 * Options: `nodes` (2,000), `edges` (auto), `joins` per second (2,000), `seconds` of each phase (10), `rates`, `rates100`,
 * `tls` (no): `yes` measures another plant of as many nodes over TLS.
 */
export const fleet: Bench = async (options) => {
  const nodes = wholeOption(options, 'nodes', 2_000);
  const seconds = wholeOption(options, 'seconds', 10);
  const joinsPerS = wholeOption(options, 'joins', 2_000);
  const { edges = 'auto', rates = '1000,5000,10000,13000', rates100 = '25000,32000', tls = 'no' } = options;
  const plant = { nodes, joinsPerS, edges };
  const { figures, peers, params } = await fullPlant(plant, ratesIn(rates), seconds);
  const small = await smallPlant(ratesIn(rates100), seconds);
  const secure = tls === 'yes' ? await overTls(plant) : {};
  const all = { ...figures, ...small, ...secure };
  for (const missed of missedGoals(nodes, all)) console.error(`not reached: ${missed}`);
  return { params: { ...params, joins: joinsPerS, seconds }, figures: all, peers };
};

const ratesIn = (text: string): number[] => text.split(',').map(Number);

async function fullPlant(options: PlantOptions, rates: readonly number[], seconds: number) {
  const under = await PlantUnderLoad.start(options);
  try {
    const { host, plant, echo } = under;
    const costs = await under.join(options, settleMs);
    const heartbeatCorePercent = await restingCorePercent(host, seconds);
    const resting = await host.metrics();
    const caller = await Caller.connect(host.url, host.secrets.consoleToken, echo);
    const idle = await atRest(under, caller, seconds);
    const curve: Record<string, number> = {};
    for (const rate of rates) Object.assign(curve, await loaded(under, caller, rate, seconds));
    const end = await host.metrics();
    caller.close();
    return {
      params: { nodes: options.nodes, edges: resting('edges'), simulators: plant.count },
      figures: {
        nodes: resting('agents'),
        joinS: costs.joinS,
        joinCpuMs: rounded(costs.cpuMs),
        agentJoinCpuMs: rounded(costs.agentCpuMs),
        rssPerAgentKB: rounded(costs.rssPerAgentKB),
        rssMiB: rounded(costs.rssMiB),
        heartbeatCorePercent,
        loopP99Ms: rounded(resting('loop_delay_p99_seconds') * 1_000),
        idleP50Ms: rounded(quantile(idle.tasks, 0.5)),
        idleP99Ms: rounded(quantile(idle.tasks, 0.99)),
        ...curve,
        durableTasksPerS: mostDurable(curve),
        moved: end('moved_connections_total'),
        later: end('later_connections_total'),
        rejoins: plant.joins - costs.joined,
      },
      peers: {
        wsEchoP50Ms: rounded(quantile(idle.echoes, 0.5)),
        wsEchoP99Ms: rounded(quantile(idle.echoes, 0.99)),
      },
    };
  } finally {
    await under.end();
  }
}

/** What the scheduler does where sockets cost little. Its names end in `100`. */
async function smallPlant(rates: readonly number[], seconds: number): Promise<Record<string, number>> {
  const options = { nodes: smallNodes, joinsPerS: smallNodes, edges: 'auto' };
  const under = await PlantUnderLoad.start(options);
  try {
    const { host, echo } = under;
    await under.join(options, smallSettleMs);
    const caller = await Caller.connect(host.url, host.secrets.consoleToken, echo);
    await atRest(under, caller, 1);
    const curve: Record<string, number> = {};
    for (const rate of rates) Object.assign(curve, await loaded(under, caller, rate, seconds));
    caller.close();
    const small: Record<string, number> = { durableTasksPerS100: mostDurable(curve) };
    for (const [name, value] of Object.entries(curve)) small[name.replace('At', '100At')] = value;
    return small;
  } finally {
    await under.end();
  }
}

async function overTls(options: PlantOptions): Promise<Record<string, number>> {
  const secure = { ...options, hostArgs: ['--tls', 'on'] };
  const under = await PlantUnderLoad.start(secure);
  try {
    const { joinS, joined, rssPerAgentKB } = await under.join(secure, settleMs);
    return { tlsNodes: joined, tlsJoinS: joinS, tlsRssPerAgentKB: rounded(rssPerAgentKB) };
  } finally {
    await under.end();
  }
}

/** With every agent connected and no task: heartbeats, and all else that keeps connections alive. */
async function restingCorePercent(host: HostUnderLoad, seconds: number): Promise<number> {
  const [beforeS, startMs] = [host.cpuS, performance.now()];
  await pause(seconds * 1_000);
  return rounded((100 * (host.cpuS - beforeS)) / ((performance.now() - startMs) / 1_000));
}
