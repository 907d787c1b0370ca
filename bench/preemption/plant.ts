// The plant of the preemption bench: a core whose nodes are full of tasks that may be stopped, and whose clock jumps.
import * as v from 'valibot';
import { Core, type TurnResult } from '../../scheduler/core/cycle.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import { nodeId, queueName, type TaskId } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { type NodeSpec, nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { plantTiming } from '../../scheduler/protocol/timing.ts';
import { type TaskSpec, taskSpecSchema } from '../../scheduler/protocol/task.ts';

const perTurn = 1_000;
const lineCount = 50;
const never = 1e12;
/** Nobody beats: no lease ends. Attempts may be stopped from the start on. */
const timing = {
  ...plantTiming,
  nodeLeaseMs: never,
  attemptLeaseMs: never,
  stallMs: never,
  rejoinWindowMs: 1,
  preemptAfterMs: 1,
};
/** Of one filling task; each node holds a whole number of them. */
const cpu = 1_000;
const memory = 512;
const actor = 'bench';

export const taskOf = (input: object): TaskSpec =>
  v.parse(taskSpecSchema, { work: { kind: 'simulated', runMs: 1 }, timeoutMs: 86_400_000, ...input });

/** Seven of ten hold two tasks, two hold four, one holds eight. */
function nodeSpecOf(index: number): NodeSpec {
  const kind = index % 10 === 0 ? 'edge' : index % 5 === 2 ? 'vision' : 'plc';
  const holds = { plc: 2, vision: 4, edge: 8 }[kind];
  const line = `L${String(index % lineCount)}`;
  return v.parse(nodeSpecSchema, {
    place: { area: `A${String((index % lineCount) % 5)}`, line, cell: `${line}-C${String(index % 25)}` },
    resources: { cpu: holds * cpu, memory: holds * memory, slots: holds + 1 },
    labels: { class: kind },
    kinds: ['simulated'],
    agentVersion: 'bench',
  });
}

export class PreemptionPlant {
  readonly core = new Core({ timing });
  nowMs = 1_000;

  constructor(nodes: number) {
    this.turn([{ kind: 'StartEpoch', seed: 1 }]);
    this.turn([{ kind: 'PutQueue', queue: queueName('urgent'), change: { canPreempt: true }, actor }]);
    const joins = Array.from({ length: nodes }, (_, at): Command => ({
      kind: 'JoinNode',
      nodeId: nodeId(`n${String(at)}`),
      spec: nodeSpecOf(at),
      held: [],
    }));
    for (let from = 0; from < joins.length; from += perTurn) this.turn(joins.slice(from, from + perTurn));
    this.#fill();
  }

  get running(): number {
    return this.core.state.tasks.countOf('running');
  }

  /** One turn, a moment later. */
  turn(commands: readonly Command[], laterMs = 1): TurnResult {
    this.nowMs += laterMs;
    return this.core.turn(this.nowMs, commands);
  }
  /** Turns until nothing more is to be done at once. */
  rest(): void {
    while (this.turn([]).hasMore);
  }

  submit(specs: readonly TaskSpec[]): Command {
    return { kind: 'SubmitTasks', specs, actor };
  }
  end({ taskId, live }: Task, isStop: boolean): Command {
    if (!live) throw new Error(`task ${String(taskId)} has no attempt`);
    const end = isStop ? { reason: 'cancelled' as const } : { reason: 'exit' as const, exitCode: 0 };
    return { kind: 'ReportResults', nodeId: live.nodeId, results: [{ token: live.token, taskId, end }] };
  }
  mustGet(taskId: TaskId): Task {
    return this.core.state.tasks.mustGet(taskId);
  }

  /** Of six priorities and many ages, until nothing more fits. */
  #fill(): void {
    const { core } = this;
    let seed = 7;
    while (core.state.tasks.countOf('ready') === 0) {
      const specs = Array.from({ length: perTurn }, () => {
        seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
        return taskOf({ ask: { cpu, memory }, priority: Math.floor(seed / 65_536) % 6, isPreemptible: true });
      });
      this.turn([this.submit(specs)], 50);
      this.rest();
      this.#startAll();
    }
    const left = [...core.state.tasks.all()].filter(({ state }) => state === 'ready');
    for (const { taskId } of left) this.turn([{ kind: 'CancelTask', taskId, actor, reason: '' }]);
  }
  #startAll(): void {
    const fresh = [...this.core.state.tasks.all()].filter(({ state }) => state === 'dispatched');
    this.startAll(fresh);
  }
  startAll(tasks: readonly Task[]): void {
    const reports = tasks.flatMap(({ live }): Command[] =>
      live ? [{ kind: 'ReportStarted', nodeId: live.nodeId, tokens: [live.token] }] : [],
    );
    this.turn(reports, 50);
  }
}
