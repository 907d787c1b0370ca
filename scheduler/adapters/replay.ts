// Plays a log of tasks through a real core, for measurements: the log owns the clock, the ends and the submits; the
// core says who starts where. Nodes are kept alive by a heartbeat in every turn, however far apart turns are.
import * as v from 'valibot';
import { Core } from '../core/cycle.ts';
import type { Policy } from '../core/place/policy.ts';
import { type NodeId, nodeId, queueName, type TaskId, type Token } from '../protocol/brands.ts';
import type { Command, Event } from '../protocol/events.ts';
import { timeoutMaxMs } from '../protocol/limits.ts';
import { nodeSpecSchema } from '../protocol/node.ts';
import type { backfills, queueOrders } from '../protocol/queue.ts';
import { taskSpecSchema } from '../protocol/task.ts';

/** How the queue of the replay is set. The same for every log. */
export interface ReplaySettings {
  readonly policy: Policy;
  readonly order: (typeof queueOrders)[number];
  readonly backfill: (typeof backfills)[number];
}

interface LogNode {
  readonly name: string;
  readonly resources: object;
  readonly labels?: object;
}
interface LogTask {
  readonly id: number;
  /** Tasks with the same name are alike; '': it is alike to none. */
  readonly name?: string;
  readonly ask: object;
  readonly selector?: object;
  readonly placement?: object | undefined;
  readonly members?: number;
  /** What its user asked for. */
  readonly expectedS: number;
}
interface Started {
  readonly id: number;
  readonly nodes: readonly NodeId[];
}
type Placed = Extract<Event, { kind: 'attempt_placed' }>;

const actor = 'replay';
const queue = queueName('default');
/** Logs count seconds from their own beginning. */
const logStartMs = 1_000_000_000_000;
const joinsPerTurn = 1_000;
const success = { reason: 'exit', exitCode: 0 } as const;

export class Replay {
  readonly #core: Core;
  #nowMs = logStartMs;
  /** What has happened since the last decision. */
  #commands: Command[] = [];
  readonly #nodes: NodeId[];
  readonly #ids = new Map<TaskId, number>();
  readonly #running = new Map<number, readonly Placed[]>();
  readonly #tokensOn = new Map<NodeId, Set<Token>>();
  #submitted: number[] = [];
  #placements = 0;

  constructor(nodes: readonly LogNode[], { policy, order, backfill }: ReplaySettings) {
    this.#core = new Core({ policy });
    this.#nodes = nodes.map(({ name }) => nodeId(name));
    this.#core.turn(this.#nowMs, [
      { kind: 'StartEpoch', seed: 1 },
      { kind: 'PutQueue', queue, change: { order, backfill }, actor },
    ]);
    for (let from = 0; from < nodes.length; from += joinsPerTurn)
      this.#join(nodes.slice(from, from + joinsPerTurn));
  }

  /** Placements so far. */
  get placements(): number {
    return this.#placements;
  }

  /** Millicores free on the first node. */
  get cpuFree(): number {
    return this.#core.state.nodes.cpuFree[0] ?? 0;
  }

  submit({ id, name = '', ask, selector = {}, placement, members = 1, expectedS }: LogTask): void {
    const expectedMs = Math.min(timeoutMaxMs, Math.max(1, Math.round(expectedS * 1_000)));
    const spec = v.parse(taskSpecSchema, {
      name,
      work: { kind: 'simulated', runMs: 0 },
      ask,
      selector,
      expectedMs,
      timeoutMs: Math.max(expectedMs, 100),
      ...(placement ? { placement } : {}),
      ...(members > 1 ? { gang: { size: members, placeWithinMs: timeoutMaxMs } } : {}),
    });
    this.#commands.push({ kind: 'SubmitTasks', specs: [spec], actor });
    this.#submitted.push(id);
  }

  end(id: number): void {
    const placed = this.#running.get(id);
    if (!placed) throw new Error(`job ${String(id)} ended, and it was not running`);
    this.#running.delete(id);
    for (const { taskId, token, nodeId: on } of placed) {
      this.#tokensOn.get(on)?.delete(token);
      const results = [{ token, taskId, end: success }];
      this.#commands.push({ kind: 'ReportResults', nodeId: on, results });
    }
  }

  /** Takes all that happened up to this second of the log, and says who starts now. */
  decide(second: number): readonly Started[] {
    const nowMs = logStartMs + Math.round(second * 1_000);
    if (nowMs < this.#nowMs) throw new Error(`time ran backwards at ${String(second)}`);
    this.#nowMs = nowMs;
    const beats = this.#nodes.map((on): Command => this.#beatOf(on));
    const placed: Placed[] = [];
    const commands = [...beats, ...this.#commands];
    this.#commands = [];
    this.#take(commands, placed);
    return this.#startedBy(placed);
  }

  #take(commands: readonly Command[], placed: Placed[]): void {
    const { answers, batch, hasMore } = this.#core.turn(this.#nowMs, commands);
    for (const [at, outcome] of answers.entries()) this.#check(commands[at], outcome);
    for (const event of batch?.events ?? []) {
      if (event.kind === 'attempt_placed') placed.push(event);
      if (event.kind === 'attempt_ended' && event.end.reason !== 'exit')
        throw new Error(`an attempt ended by ${event.end.reason}: the replay lost touch with its nodes`);
    }
    if (hasMore) this.#take([], placed);
  }

  #check(command: Command | undefined, outcome: ReturnType<Core['turn']>['answers'][number]): void {
    if (!outcome.ok) throw new Error(outcome.reason.message);
    if (command?.kind !== 'SubmitTasks') return;
    const id = this.#submitted.shift();
    const answer = outcome.value.answers?.[0];
    if (id === undefined || answer?.ok !== true)
      throw new Error(`job ${String(id)}: ${answer?.ok === false ? answer.refusal.message : 'no answer'}`);
    this.#ids.set(answer.taskId, id);
  }

  #startedBy(placed: readonly Placed[]): Started[] {
    const byId = new Map<number, Placed[]>();
    for (const event of placed) {
      const { group } = this.#core.state.tasks.mustGet(event.taskId);
      const id = this.#ids.get(group?.groupId ?? event.taskId);
      if (id === undefined) throw new Error(`task ${String(event.taskId)} is of no job`);
      this.#tokensOn.get(event.nodeId)?.add(event.token);
      const one = byId.get(id);
      if (one) one.push(event);
      else byId.set(id, [event]);
    }
    this.#placements += placed.length;
    for (const [id, events] of byId) this.#running.set(id, events);
    return [...byId].map(([id, events]) => ({ id, nodes: events.map((event) => event.nodeId) }));
  }

  #beatOf(on: NodeId): Command {
    const running = [...(this.#tokensOn.get(on) ?? [])];
    return { kind: 'Heartbeat', nodeId: on, cpuUsedMillicores: 0, memoryUsedMiB: 0, running };
  }

  #join(nodes: readonly LogNode[]): void {
    const commands = nodes.map(({ name, resources, labels = {} }): Command => {
      const offered = { resources, labels, kinds: ['simulated'], agentVersion: actor };
      this.#tokensOn.set(nodeId(name), new Set());
      return { kind: 'JoinNode', nodeId: nodeId(name), spec: v.parse(nodeSpecSchema, offered), held: [] };
    });
    this.#take(commands, []);
  }
}
