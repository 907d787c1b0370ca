// What a turn costs where much ends and much is blocked: thousands of asks fit nowhere, and in each turn a thousand
// attempts end on as many nodes, none of which has room for any of those asks.
import * as v from 'valibot';
import { Core } from '../../scheduler/core/cycle.ts';
import type { Effect } from '../../scheduler/core/effects.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { type TaskSpec, taskSpecSchema } from '../../scheduler/protocol/task.ts';
import { cpuNow, cpuSince } from '../bench.ts';

const nodes = 2_000;
const perTurn = 1_000;
const turns = 30;
type Dispatch = Extract<Effect, { readonly kind: 'dispatch' }>;

export interface Wakes {
  /** Of each turn's commands and what follows from them, by the time of the thread. */
  readonly turnMs: readonly number[];
  readonly blocked: number;
}

/** `asks`: how many different ones are blocked. */
export function wakesAtEnds(asks: number): Wakes {
  const plant = new FullPlant();
  plant.fill();
  for (let from = 0; from < asks; from += perTurn)
    plant.turn([submit(Array.from({ length: Math.min(perTurn, asks - from) }, (_, at) => large(from + at)))]);
  const { blocked } = plant.core.state.ready;
  const blockedAtFirst = blocked.size;
  const turnMs = Array.from({ length: turns }, () => plant.endAndRefill());
  if (blocked.size !== blockedAtFirst) throw new Error(`${blockedAtFirst - blocked.size} asks found room`);
  return { turnMs, blocked: blockedAtFirst };
}

/** More than half of each node is taken for good, and the rest by a task that comes and goes. */
class FullPlant {
  readonly core = new Core();
  #nowMs = 1_000;
  #running: Dispatch[] = [];

  fill(): void {
    this.turn([{ kind: 'StartEpoch', seed: 1 }]);
    this.turn(times(nodes, (at) => ({ kind: 'JoinNode', nodeId: nodeId(`n${at}`), spec: node, held: [] })));
    this.turn([submit(times(nodes, () => task(1_100, 512)))]);
    this.#running = [];
    this.turn([submit(times(nodes, () => small))]);
  }

  turn(commands: readonly Command[]): void {
    this.#nowMs += 1;
    for (let given = commands, hasMore = true; hasMore; given = []) {
      const result = this.core.turn(this.#nowMs, given);
      for (const effect of result.effects) if (effect.kind === 'dispatch') this.#running.push(effect);
      hasMore = result.hasMore;
    }
  }

  /** Ends the oldest of the small ones, and as many come for their room. Milliseconds of the thread. */
  endAndRefill(): number {
    const ends = this.#running.splice(0, perTurn).map((effect): Command => {
      const { token, taskId } = effect.dispatch;
      const end = { reason: 'exit', exitCode: 0 } as const;
      return { kind: 'ReportResults', nodeId: effect.nodeId, results: [{ token, taskId, end }] };
    });
    const before = cpuNow();
    this.turn([...ends, submit(ends.map(() => small))]);
    return 1_000 * cpuSince(before);
  }
}

const times = <Item>(count: number, make: (at: number) => Item): Item[] =>
  Array.from({ length: count }, (_, at) => make(at));
const submit = (specs: readonly TaskSpec[]): Command => ({ kind: 'SubmitTasks', specs, actor: 'bench' });
const task = (cpu: number, memory: number, priority = 0): TaskSpec =>
  v.parse(taskSpecSchema, { priority, ask: { cpu, memory }, work: { kind: 'simulated', runMs: 1 } });
/** An end leaves 900 millicores free: these want more. */
const large = (at: number): TaskSpec => task(901 + (at % 900), 16 + Math.floor(at / 900));
const small = task(900, 512, 9);
const node = v.parse(nodeSpecSchema, {
  place: { area: 'body', line: 'L1', cell: 'L1-C1' },
  resources: { cpu: 2_000, memory: 2_048, slots: 8 },
  kinds: ['simulated'],
  agentVersion: 'bench',
});
