// A plant whose host is killed: every agent loses its line at once and comes back to the one that is started anew on the
// same data, while an operator looks on.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, quantile, rounded, wholeOption } from '../bench.ts';
import { enrolmentToken } from '../../test/enrolmentToken.ts';
import { HostUnderLoad } from '../fleet/hostUnderLoad.ts';
import { Simulators } from '../fleet/simulators.ts';
import { Operator } from './operator.ts';

const settleMs = 12_000; // one heartbeat of everybody
const lookEveryMs = 1_000;
const backWithinMs = 600_000;

/** Options: `nodes` (2,000), `edges` (auto), `joins` per second at first (1,500). */
export const storm: Bench = async (options) => {
  const nodes = wholeOption(options, 'nodes', 2_000);
  const joins = wholeOption(options, 'joins', 1_500);
  const { edges = 'auto' } = options;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-storm-'));
  const children: ChildProcess[] = [];
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL'); // also where this bench itself fails
  });
  try {
    const port = String(await freePort());
    const args = ['--edges', edges, '--nodes-expected', String(nodes), '--port', port];
    const first = await HostUnderLoad.start(folder, args, children);
    const echo = await startEcho(children);
    await pause(3_000); // edges start
    const token = await enrolmentToken(first.url, folder);
    const plant = new Simulators({ hub: first.url, token, echo }, children);
    const firstJoinS = await plant.join(nodes, joins);
    await pause(settleMs);
    const operator = new Operator(first.url, first.secrets.consoleToken);
    await pause(2_000);
    const calm = operator.take();

    const before = { joins: plant.joins, cpuS: plant.cpuS };
    plant.takeLatestMs();
    const startMs = performance.now();
    await first.kill();
    const second = await HostUnderLoad.start(folder, args, children);
    const listeningS = (performance.now() - startMs) / 1_000;
    const seen = await watch(
      second,
      plant,
      () => plant.joins - before.joins >= nodes && plant.joined === nodes,
    );
    const allBackS = (performance.now() - startMs) / 1_000;
    const stormed = operator.take();
    const hubCpuS = second.cpuS;
    const metric = await second.metrics();
    operator.close();
    await second.stop();
    return {
      params: { nodes, edges: metric('edges'), simulators: plant.count },
      figures: {
        allBackS: rounded(allBackS),
        loopP99Ms: rounded(seen.loopP99Ms),
        loopMaxMs: rounded(seen.loopMaxMs),
        rssMiB: rounded(seen.rssKB / 1_024),
        operatorP99Ms: rounded(quantile(stormed.tookMs, 0.99)),
        operatorMaxMs: rounded(Math.max(...stormed.tookMs)),
        operatorAsked: stormed.tookMs.length,
        operatorCalmP99Ms: rounded(quantile(calm.tookMs, 0.99)),
        listeningS: rounded(listeningS),
        firstJoinS,
        joins: plant.joins - before.joins,
        later: metric('later_connections_total'),
        moved: metric('moved_connections_total'),
        neverJoined: metric('never_joined_total'),
        nodesLost: nodes - metric('nodes_online'),
        overloadMost: seen.overload,
        hubCpuS: rounded(hubCpuS),
        simulatorCpuS: rounded(plant.cpuS - before.cpuS),
        simulatorLateMs: rounded(seen.simulatorLateMs),
      },
      peers: {},
    };
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await pause(500);
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Until all are back, and a second longer: the worst of each figure. */
async function watch(host: HostUnderLoad, plant: Simulators, isOver: () => boolean) {
  const worst = { loopP99Ms: 0, loopMaxMs: 0, rssKB: 0, overload: 0, simulatorLateMs: 0 };
  const startMs = performance.now();
  let nextMs = startMs;
  while (!isOver()) {
    await pause(50);
    if (performance.now() < nextMs) continue;
    nextMs = performance.now() + lookEveryMs;
    if (nextMs > startMs + backWithinMs) throw new Error(`only ${String(plant.joined)} agents came back`);
    const metric = await host.metrics();
    const p99Ms = metric('loop_delay_p99_seconds') * 1_000;
    const maxMs = metric('loop_delay_max_seconds') * 1_000;
    worst.loopP99Ms = Math.max(worst.loopP99Ms, p99Ms);
    worst.loopMaxMs = Math.max(worst.loopMaxMs, maxMs);
    worst.overload = Math.max(worst.overload, metric('overload_level'));
    worst.rssKB = Math.max(worst.rssKB, host.rssKB);
    const lateMs = plant.takeLatestMs();
    worst.simulatorLateMs = Math.max(worst.simulatorLateMs, lateMs);
    const counts = [
      'agents',
      'joins_per_second',
      'joins_waiting',
      'joins_in_flight',
      'later_connections_total',
    ];
    const said = counts.map((name) => `${name} ${metric(name).toFixed(0)}`).join(', ');
    const loop = `loop p99 ${p99Ms.toFixed(0)} max ${maxMs.toFixed(0)}`;
    console.error(`joined ${plant.joined}; ${said}; ${loop}; simulators late ${lateMs.toFixed(0)}`);
  }
  return worst;
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

function startEcho(children: ChildProcess[]): Promise<string> {
  const child = fork(join(import.meta.dirname, '../fleet/echoHub.ts'));
  children.push(child);
  return new Promise((resolve) => {
    child.once('message', (message: { url: string }) => {
      resolve(message.url);
    });
  });
}

const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));
