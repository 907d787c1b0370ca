// What queues and tenants hold, from the events alone: the books that fairness, limits and quotas are checked against.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import { attemptsOf, type Task } from '../../scheduler/core/state/taskTable.ts';
import type { Token } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import { gpuThousandthsPerDevice } from '../../scheduler/protocol/limits.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import type { Amounts } from '../../scheduler/protocol/view.ts';

export interface Held extends Amounts {
  readonly active: number;
}
export const nothingHeld: Held = { active: 0, cpu: 0, memory: 0, gpu: 0 };

export const queueKey = (spec: Pick<TaskSpec, 'queue'>): string => `queue ${spec.queue}`;
export const tenantKey = (spec: Pick<TaskSpec, 'tenant'>): string => `tenant ${spec.tenant}`;
/** A tenant's part of a queue. */
export const lineKey = (spec: Pick<TaskSpec, 'queue' | 'tenant'>): string =>
  `${spec.queue} of ${spec.tenant}`;

export class ShareBooks {
  readonly #held = new Map<string, Held>();
  readonly #specs = new Map<Token, TaskSpec>();
  #core: Core | undefined;

  heldBy(key: string): Held {
    return this.#held.get(key) ?? nothingHeld;
  }

  /** Takes a turn's events; `onPlaced` is told of each placement before it counts. Of a new core: what it holds. */
  turned(core: Core, { batch }: TurnResult, onPlaced: (task: Task) => void): void {
    if (core !== this.#core) {
      this.#startAnew(core);
      return;
    }
    for (const event of batch?.events ?? []) this.#take(core, event, onPlaced);
  }

  #startAnew(core: Core): void {
    this.#core = core;
    this.#held.clear();
    this.#specs.clear();
    for (const task of core.state.tasks.all())
      for (const { token } of attemptsOf(task)) this.#hold(token, task.spec);
  }

  #take(core: Core, event: Event, onPlaced: (task: Task) => void): void {
    if (event.kind === 'attempt_placed') {
      const task = core.state.tasks.get(event.taskId);
      if (!task) return;
      if (event.isCopy !== true) onPlaced(task); // a copy takes nobody's turn
      this.#hold(event.token, task.spec);
    }
    if (event.kind !== 'attempt_ended') return;
    const spec = this.#specs.get(event.token);
    if (spec) this.#count(spec, -1);
    this.#specs.delete(event.token);
  }

  #hold(token: Token, spec: TaskSpec): void {
    this.#specs.set(token, spec);
    this.#count(spec, 1);
  }

  #count(spec: TaskSpec, sign: 1 | -1): void {
    for (const key of [queueKey(spec), tenantKey(spec), lineKey(spec)]) {
      const { active, cpu, memory, gpu } = this.heldBy(key);
      const ask = amountsOf(spec);
      this.#held.set(key, {
        active: active + sign,
        cpu: cpu + sign * ask.cpu,
        memory: memory + sign * ask.memory,
        gpu: gpu + sign * ask.gpu,
      });
    }
  }
}

export const amountsOf = ({ ask }: Pick<TaskSpec, 'ask'>): Amounts => ({
  cpu: ask.cpu,
  memory: ask.memory,
  gpu: ask.gpu ? ask.gpu.devices * ask.gpu.thousandths : 0,
});

/** What the nodes that are online have in all. */
export function plantOf({ state: { nodes } }: Core): Amounts {
  const total = { cpu: 0, memory: 0, gpu: 0 };
  for (const node of nodes.occupied()) {
    if (nodes.state[node] !== 1) continue;
    total.cpu += nodes.cpuTotal[node] ?? 0;
    total.memory += nodes.memoryTotal[node] ?? 0;
    total.gpu += (nodes.gpuDevices[node] ?? 0) * gpuThousandthsPerDevice;
  }
  return total;
}
