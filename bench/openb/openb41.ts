// A public trace of pods with shared GPUs, copied 41 times to 49,733 nodes: decisions a second of the whole core, submit
// to placement, and how much GPU is allocated when 130 % of it was asked for. Peer: best fit by looking at every node.
import { OpenbPlant } from '../../scheduler/adapters/openb.ts';
import { policies } from '../../scheduler/core/place/policy.ts';
import {
  type Bench,
  type Measured,
  MissingInput,
  type Options,
  quantile,
  rounded,
  wholeOption,
} from '../bench.ts';
import { Ledger } from './ledger.ts';
import { readWorkload, type Workload } from './workload.ts';

const peerPods = 2_000; // of those that come first: a scan of all nodes takes some hundred microseconds
const checkEvery = 50; // refusals checked against all nodes, one in so many

/**
 * Options: `data` (folder of the trace; or MILLRACE_OPENB_DATA), `list` (openb_pod_list_default), `copies` (41), `seed`
 * (42), `policy` (pack).
 */
export const openb41: Bench = (options) =>
  new Promise((resolve) => {
    resolve(measure(options));
  });

function measure(options: Options): Measured {
  const folder = options['data'] ?? process.env['MILLRACE_OPENB_DATA'];
  if (folder === undefined)
    throw new MissingInput(
      'openb41 needs its data: --data FOLDER or MILLRACE_OPENB_DATA; it is not part of Millrace',
    );
  const list = options['list'] ?? 'openb_pod_list_default';
  const copies = wholeOption(options, 'copies', 41);
  const seed = wholeOption(options, 'seed', 42);
  const name = options['policy'] ?? 'pack';
  const policy = Object.values(policies).find((known) => known.name === name);
  if (!policy) throw new Error(`--policy ${name}: there are ${Object.keys(policies).join(', ')}`);
  const work = readWorkload(folder, { list, copies, seed });
  const plant = new OpenbPlant({ type: 'init', nodes: [...work.nodes], history: [...work.history] }, policy);
  const run = runAll(plant, work);
  return {
    params: { list, copies, seed, policy: name, nodes: work.nodes.length, pods: work.pods.length },
    figures: {
      decisionsPerS: Math.round(work.pods.length / (run.tookMs / 1_000)),
      decisionsPerCpuS: Math.round(work.pods.length / (run.cpuMs / 1_000)),
      decisionP50Us: rounded(quantile(run.tookUs, 0.5)),
      decisionP99Us: rounded(quantile(run.tookUs, 0.99)),
      decisionMostMs: rounded(quantile(run.tookUs, 1) / 1_000),
      at130: rounded(run.at130),
      fitNowhere: run.fitNowhere,
      shapes: plant.core.state.index.gpu.size,
      rssMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
    },
    peers: { scanPerS: Math.round(scanPerS(work)) },
  };
}

/** Every answer is checked; one that turns away what fits, or takes what is not there, ends the bench. */
function runAll(plant: OpenbPlant, { nodes, pods }: Workload) {
  const ledger = new Ledger(nodes);
  const tookUs: number[] = [];
  const at130: number[] = [];
  let asked = 0;
  let tookMs = 0;
  let fitNowhere = 0;
  let cpuMs = 0;
  for (const pod of pods) {
    const startCpu = process.cpuUsage();
    const startMs = performance.now();
    const answer = plant.decide(pod);
    const spentMs = performance.now() - startMs;
    const cpu = process.cpuUsage(startCpu);
    cpuMs += (cpu.user + cpu.system) / 1_000;
    tookMs += spentMs;
    tookUs.push(spentMs * 1_000);
    asked += pod.gpus * pod.milli;
    if (answer.node >= 0) ledger.take(pod, answer);
    else {
      fitNowhere += 1;
      if (fitNowhere % checkEvery === 0 && ledger.fitsSomewhere(pod))
        throw new Error(`turned away although a node fits: ${JSON.stringify(pod)}`);
    }
    if (Math.round((asked / ledger.total) * 100) === 130) at130.push((ledger.taken / ledger.total) * 100);
  }
  return {
    tookUs,
    tookMs,
    cpuMs,
    fitNowhere,
    at130: at130.reduce((sum, share) => sum + share, 0) / at130.length,
  };
}

function scanPerS({ nodes, pods }: Workload): number {
  const ledger = new Ledger(nodes);
  const first = pods.slice(0, peerPods);
  const startMs = performance.now();
  for (const pod of first) {
    const answer = ledger.bestFit(pod);
    if (answer.node >= 0) ledger.take(pod, answer);
  }
  return (first.length * 1_000) / (performance.now() - startMs);
}
