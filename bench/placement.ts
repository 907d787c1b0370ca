// How fast a node is chosen for a task: the core's placer on a full plant, and as a peer a scan over node objects with the
// same rules, in the same run. The plant is two thirds full; a choice is made, the capacity taken, and an older one's given
// back.
import * as v from 'valibot';
import { Core } from '../scheduler/core/cycle.ts';
import { holdCapacity, releaseCapacity } from '../scheduler/core/state/capacity.ts';
import type { AskClass } from '../scheduler/core/state/classTable.ts';
import type { SchedulerState } from '../scheduler/core/state/schedulerState.ts';
import { nodeId, type NodeIndex } from '../scheduler/protocol/brands.ts';
import type { Command } from '../scheduler/protocol/events.ts';
import { type NodeSpec, nodeSpecSchema } from '../scheduler/protocol/node.ts';
import { type TaskSpec, taskSpecSchema } from '../scheduler/protocol/task.ts';
import { type Bench, cpuNow, cpuSince, type Measured, quantile, rounded, wholeOption } from './bench.ts';
import { fromBacklog } from './placement/backlog.ts';
import { NaivePlant, runningMax } from './placement/naive.ts';
import { wakesAtEnds } from './placement/wakes.ts';

/** Of a node's CPU and memory, before the first phase: two thirds in all, as packing leaves a plant. */
const takenShare = (index: number): number => [0.1, 1, 0.9][index % 3] ?? 0;
const joinsPerTurn = 1_000;

/** Options: `nodes` (50,000), `seconds` of each phase (3), `waiting` tasks of the backlog (500,000), `blocked` asks (8,000). */
export const placement: Bench = (options): Promise<Measured> => {
  const nodes = wholeOption(options, 'nodes', 50_000);
  const seconds = wholeOption(options, 'seconds', 3);
  const specs = Array.from({ length: nodes }, (_, index) => nodeSpecOf(index, nodes));
  const state = joined(specs);
  const rssMiB = Math.round(process.memoryUsage.rss() / 1_048_576);
  const load = new Load(state);
  load.fill();
  load.run(plainSpecs(), 0.5); // compiled before anything counts
  const plain = load.run(plainSpecs(), seconds);
  load.run(constrainedSpecs(nodes), 0.5);
  const constrained = load.run(constrainedSpecs(nodes), seconds);
  const { wideSearches } = state.placer;
  const waiting = wholeOption(options, 'waiting', 500_000);
  const backlog = fromBacklog(specs, waiting);

  const wakes = wakesAtEnds(wholeOption(options, 'blocked', 8_000));

  const naive = new NaivePlant(specs);
  naive.fill(takenShare);
  naive.run(plainSpecs(), 0.5);
  const naivePlain = naive.run(plainSpecs(), seconds);
  naive.run(constrainedSpecs(nodes), 0.5);
  const naiveConstrained = naive.run(constrainedSpecs(nodes), seconds);
  return Promise.resolve({
    params: { nodes, seconds, waiting, source: 'core placer, capacity taken and given back' },
    figures: {
      plainPerS: Math.round(plain.perS),
      constrainedPerS: Math.round(constrained.perS),
      plainPerCpuS: Math.round(plain.perCpuS),
      constrainedPerCpuS: Math.round(constrained.perCpuS),
      decisionP50Us: rounded(quantile(plain.tookUs, 0.5)),
      decisionP99Us: rounded(quantile(plain.tookUs, 0.99)),
      constrainedP50Us: rounded(quantile(constrained.tookUs, 0.5)),
      constrainedP99Us: rounded(quantile(constrained.tookUs, 0.99)),
      refused: plain.refused + constrained.refused,
      wideSearches,
      rssMiB,
      backlogPerS: Math.round(backlog.perS),
      backlogPerCpuS: Math.round(backlog.perCpuS),
      backlogPlaced: backlog.placed,
      backlogLanes: backlog.lanes,
      backlogDecisionP50Us: rounded(quantile(backlog.tookUs, 0.5)),
      backlogDecisionP99Us: rounded(quantile(backlog.tookUs, 0.99)),
      backlogRssMiB: backlog.rssMiB,
      blockedAsks: wakes.blocked,
      blockedTurnP50Ms: rounded(quantile(wakes.turnMs, 0.5)),
      blockedTurnP99Ms: rounded(quantile(wakes.turnMs, 0.99)),
    },
    peers: {
      naivePerS: Math.round(naivePlain.perS),
      naiveConstrainedPerS: Math.round(naiveConstrained.perS),
      plainToNaive: rounded(plain.perS / naivePlain.perS),
      constrainedToNaive: rounded(constrained.perS / naiveConstrained.perS),
    },
  });
};

/** Five areas of ten lines; gateways, camera boxes with a GPU, servers; a few with a taint. */
function nodeSpecOf(index: number, nodes: number): NodeSpec {
  const line = lineOf(Math.floor((index * lineCount) / nodes));
  const kind = index % 10 === 0 ? 'edge' : index % 5 === 2 ? 'vision' : 'plc';
  const resources = {
    plc: { cpu: 2_000, memory: 2_048, slots: 8 },
    vision: { cpu: 8_000, memory: 16_384, slots: 16, gpuDevices: 1 },
    edge: { cpu: 16_000, memory: 65_536, slots: 64, custom: { licence: 4 } },
  }[kind];
  return v.parse(nodeSpecSchema, {
    place: { area: line.slice(0, 3), line, cell: `${line}-C${index % 25}` },
    resources,
    labels: { class: kind },
    taints: index % 50 === 7 ? ['maintenance'] : [],
    kinds: ['simulated'],
    agentVersion: 'bench',
  });
}
const lineCount = 50;
const lineOf = (line: number): string => `A${String(Math.floor(line / 10)).padStart(2, '0')}-L${line % 10}`;

const task = (input: object): TaskSpec =>
  v.parse(taskSpecSchema, { work: { kind: 'simulated', runMs: 1 }, ...input });
const plainSpecs = (): TaskSpec[] =>
  [100, 200, 500, 1_000, 1_500].flatMap((cpu) =>
    [64, 256, 1_024].map((memory) => task({ ask: { cpu, memory } })),
  );
/** Label, place, GPU part, named resource, toleration: each rules most nodes out. */
const constrainedSpecs = (nodes: number): TaskSpec[] => [
  task({ ask: { cpu: 500, memory: 512 }, selector: { class: ['vision', 'edge'] } }),
  task({ ask: { cpu: 200, memory: 128 }, selector: { class: ['plc'], line: [lineOf(7), lineOf(31)] } }),
  task({ ask: { cpu: 1_000, memory: 1_024, gpu: { devices: 1, thousandths: 250 } } }),
  task({ ask: { cpu: 500, memory: 512, custom: { licence: 1 } }, selector: { area: ['A03'] } }),
  task({ ask: { cpu: 100, memory: 64 }, tolerations: ['maintenance'], selector: { area: ['A01', 'A02'] } }),
  task({ ask: { cpu: 100, memory: 64 }, selector: { node: [`n${Math.floor(nodes / 60) * 30}`] } }),
];

function joined(specs: readonly NodeSpec[]): SchedulerState {
  const core = new Core();
  let nowMs = 1_000;
  core.turn(nowMs, [{ kind: 'StartEpoch', seed: 1 }]);
  for (let from = 0; from < specs.length; from += joinsPerTurn) {
    const commands = specs
      .slice(from, from + joinsPerTurn)
      .map((spec, at): Command => ({ kind: 'JoinNode', nodeId: nodeId(`n${from + at}`), spec, held: [] }));
    nowMs += 1;
    core.turn(nowMs, commands);
  }
  return core.state;
}

export interface Phase {
  readonly perS: number;
  /** By the time of the thread alone: what others do on the machine does not count. */
  readonly perCpuS: number;
  readonly tookUs: readonly number[];
  readonly refused: number;
}
interface Held {
  readonly node: NodeIndex;
  readonly ask: AskClass;
  readonly gpuMask: number;
}

/** Chooses and takes; gives the oldest back. */
class Load {
  readonly #state: SchedulerState;
  #held: Held[] = [];

  constructor(state: SchedulerState) {
    this.#state = state;
  }

  fill(): void {
    const { nodes } = this.#state;
    for (const node of nodes.occupied()) {
      const share = takenShare(Number(nodes.idOf(node).slice(1)));
      const cpu = Math.floor((nodes.cpuTotal[node] ?? 0) * share);
      const memory = Math.floor((nodes.memoryTotal[node] ?? 0) * share);
      holdCapacity(this.#state, node, task({ ask: { cpu, memory } }).ask, 0);
    }
  }

  run(specs: readonly TaskSpec[], seconds: number): Phase {
    const asks = this.#asksOf(specs);
    const tookUs: number[] = [];
    this.#held = [];
    const beganMs = performance.now();
    const cpuBefore = cpuNow();
    let refused = 0;
    let at = 0;
    for (let nowMs = beganMs; nowMs - beganMs < seconds * 1_000; at += 1) {
      const ask = asks[at % asks.length];
      if (!ask) break;
      const startMs = performance.now();
      if (this.#place(ask)) this.#giveBack();
      else refused += 1;
      nowMs = performance.now();
      tookUs.push((nowMs - startMs) * 1_000);
    }
    const perS = (at * 1_000) / (performance.now() - beganMs);
    return { perS, perCpuS: at / cpuSince(cpuBefore), tookUs, refused };
  }

  #asksOf(specs: readonly TaskSpec[]): AskClass[] {
    return specs.flatMap((spec) => this.#state.classes.useAskClass(spec) ?? []);
  }

  #place(ask: AskClass): boolean {
    const node = this.#state.placer.place(ask);
    if (node === undefined) return false;
    const gpuMask = this.#state.placer.devicesOn(node, ask);
    holdCapacity(this.#state, node, ask.ask, gpuMask);
    this.#held.push({ node, ask, gpuMask });
    return true;
  }

  /** Of the phase's own: what filled the plant stays. */
  #giveBack(): void {
    if (this.#held.length <= runningMax) return;
    const held = this.#held.shift();
    if (held) releaseCapacity(this.#state, held.node, held.ask.ask, held.gpuMask);
  }
}
