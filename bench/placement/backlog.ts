// How fast the core places from a long backlog: turns of the core itself, with 500,000 tasks waiting in 2,000 lanes of
// four queues and several tenants. Everything counts: whose turn it is, the node, the event, its effects.
import * as v from 'valibot';
import { Core } from '../../scheduler/core/cycle.ts';
import { nodeId, queueName } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import type { NodeSpec } from '../../scheduler/protocol/node.ts';
import { type TaskSpec, taskSpecSchema } from '../../scheduler/protocol/task.ts';
import { cpuNow, cpuSince } from '../bench.ts';

const perTurn = 1_000;
const queues = [1, 2, 5, 10].map((weight) => ({ queue: queueName(`q${weight}`), weight }));
const tenants = ['press', 'paint', 'body', 'lab', 'test'];
/** 10 by priority, 10 by CPU, 20 by queue and tenant: 2,000 lanes. */
const priorities = 10;
const cpuSteps = 10;
const actor = 'bench';

export interface Backlog {
  readonly perS: number;
  /** By the time of the thread alone: what others do on the machine does not count. */
  readonly perCpuS: number;
  /** Of each decision, in microseconds: from one question "who is next?" to the following one. */
  readonly tookUs: readonly number[];
  readonly placed: number;
  readonly lanes: number;
  readonly rssMiB: number;
}

/** Fills a plant from a backlog of `waiting` tasks until a third of them is placed, or no more fit. */
export function fromBacklog(specs: readonly NodeSpec[], waiting: number): Backlog {
  const core = new Core();
  let nowMs = 1_000;
  const turn = (commands: readonly Command[]): boolean => {
    nowMs += 1;
    return core.turn(nowMs, commands).hasMore;
  };
  turn([{ kind: 'StartEpoch', seed: 1 }]);
  const setMode = (mode: 'paused' | 'open'): boolean =>
    turn(queues.map(({ queue, weight }) => ({ kind: 'PutQueue', queue, change: { mode, weight }, actor })));
  setMode('paused');
  for (let from = 0; from < specs.length; from += perTurn)
    turn(
      specs.slice(from, from + perTurn).map((spec, at) => {
        return { kind: 'JoinNode', nodeId: nodeId(`n${from + at}`), spec, held: [] };
      }),
    );
  for (let from = 0; from < waiting; from += perTurn)
    turn([
      { kind: 'SubmitTasks', specs: Array.from({ length: perTurn }, (_, at) => taskOf(from + at)), actor },
    ]);
  const lanes = [...core.state.ready.queues.values()].reduce(
    (sum, queue) => sum + [...queue.lanes()].length,
    0,
  );
  const rssMiB = Math.round(process.memoryUsage.rss() / 1_048_576);
  const tookUs = timed(core);
  const beganMs = performance.now();
  const cpuBefore = cpuNow();
  const first = core.state.nextToken;
  for (
    let hasMore = setMode('open');
    hasMore && core.state.nextToken - first < waiting / 3;
    hasMore = turn([])
  );
  const placed = core.state.nextToken - first;
  const perS = (placed * 1_000) / (performance.now() - beganMs);
  return { perS, perCpuS: placed / cpuSince(cpuBefore), tookUs, placed, lanes, rssMiB };
}

/** Times between questions, of the same turn or the next. */
function timed({ state: { ready } }: Core): readonly number[] {
  const tookUs: number[] = [];
  const next = ready.next.bind(ready);
  let lastMs: number | undefined;
  ready.next = (nowMs) => {
    const atMs = performance.now();
    if (lastMs !== undefined) tookUs.push((atMs - lastMs) * 1_000);
    lastMs = atMs;
    return next(nowMs);
  };
  return tookUs;
}

function taskOf(at: number): TaskSpec {
  const line = at % (queues.length * tenants.length);
  const step = Math.floor(at / (queues.length * tenants.length));
  return v.parse(taskSpecSchema, {
    queue: queues[line % queues.length]?.queue,
    tenant: tenants[Math.floor(line / queues.length)],
    priority: step % priorities,
    ask: { cpu: 50 + 10 * (Math.floor(step / priorities) % cpuSteps), memory: 32 },
    work: { kind: 'simulated', runMs: 1 },
  });
}
