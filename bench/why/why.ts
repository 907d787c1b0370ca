// How long "why does it wait?" takes at 50,000 nodes and 500,000 waiting tasks, and how often it is right: 500 random
// plants, in which the core itself tries on a copy what the answer says.
import * as v from 'valibot';
import { Core } from '../../scheduler/core/cycle.ts';
import { nodeId, type TaskId } from '../../scheduler/protocol/brands.ts';
import { submitBatchMax } from '../../scheduler/protocol/limits.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { taskSpecSchema } from '../../scheduler/protocol/task.ts';
import { type Bench, cpuNow, cpuSince, quantile, rounded, wholeOption } from '../bench.ts';
import { judge } from './judge.ts';

const atMs = 1_794_000_000_000;
const joinsPerTurn = 1_000;
/** Kinds of ask among those that wait. */
const kinds = 400;

/** Options: `nodes` (50,000), `waiting` (500,000), `asked` (200), `cases` (500). */
export const why: Bench = (options) => {
  const nodes = wholeOption(options, 'nodes', 50_000);
  const waiting = wholeOption(options, 'waiting', 500_000);
  const asked = wholeOption(options, 'asked', 200);
  const cases = wholeOption(options, 'cases', 500);
  const { correct, helpsTried, helpsRight } = judge(cases);
  const core = fullPlant(nodes, waiting);
  const view = core.view();
  const waits = [...core.state.tasks.all()].filter(({ live }) => !live).map(({ taskId }) => taskId);
  const tookMs: number[] = [];
  const cpuMs: number[] = [];
  for (let at = 0; at < asked; at += 1) {
    const taskId = waits[Math.floor((at * waits.length) / asked)] ?? (0 as TaskId);
    const cpuBefore = cpuNow();
    const beganMs = performance.now();
    if (!view.why(taskId)) throw new Error(`task ${String(taskId)} is not live`);
    tookMs.push(performance.now() - beganMs);
    cpuMs.push(1_000 * cpuSince(cpuBefore));
  }
  return Promise.resolve({
    params: { nodes, waiting: waits.length, asked, kinds },
    figures: {
      p50Ms: rounded(quantile(tookMs, 0.5)),
      p99Ms: rounded(quantile(tookMs, 0.99)),
      // By the time of the thread: what others do on the machine does not count.
      p50CpuMs: rounded(quantile(cpuMs, 0.5)),
      p99CpuMs: rounded(quantile(cpuMs, 0.99)),
      correct,
      cases,
      helpsRight,
      helpsTried,
      rssMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
    },
    peers: {},
  });
};

/** Every node is full, and so many more tasks wait. */
function fullPlant(nodes: number, waiting: number): Core {
  const core = new Core();
  core.turn(atMs, [{ kind: 'StartEpoch', seed: 1 }]);
  const spec = (at: number) =>
    v.parse(nodeSpecSchema, {
      place: { area: `A${String(at % 5)}`, line: `L${String(at % 50)}`, cell: `C${String(at % 500)}` },
      resources: { cpu: 4_000, memory: 8_192, slots: 16 },
      labels: { class: `c${String(at % 7)}` },
      kinds: ['simulated'],
      agentVersion: 'bench',
    });
  for (let from = 0; from < nodes; from += joinsPerTurn)
    core.turn(
      atMs,
      Array.from({ length: Math.min(joinsPerTurn, nodes - from) }, (_, at) => ({
        kind: 'JoinNode' as const,
        nodeId: nodeId(`n${String(from + at)}`),
        spec: spec(from + at),
        held: [],
      })),
    );
  submit(core, nodes, () => ({ cpu: 3_900, memory: 4_096 }));
  while (core.turn(atMs, []).hasMore);
  submit(core, waiting, (at) => ({ cpu: 200 + (at % kinds), memory: 128 }));
  return core;
}

function submit(core: Core, count: number, askOf: (at: number) => object): void {
  const specs = Array.from({ length: kinds }, (_, at) =>
    v.parse(taskSpecSchema, { work: { kind: 'simulated', runMs: 60_000 }, ask: askOf(at) }),
  );
  for (let from = 0; from < count; from += submitBatchMax) {
    const some = Array.from({ length: Math.min(submitBatchMax, count - from) }, (_, at) => at + from);
    const batch = some.flatMap((at) => specs[at % kinds] ?? []);
    core.turn(atMs, [{ kind: 'SubmitTasks', specs: batch, actor: 'bench' }]);
  }
}
