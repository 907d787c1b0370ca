// What preemption may do, said in the plainest way: every set of attempts of every node, held against the rules.
import type { Core } from '../../scheduler/core/cycle.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import type { NodeIndex, TaskId, Token } from '../../scheduler/protocol/brands.ts';
import { preemptionsPerTaskMax } from '../../scheduler/protocol/limits.ts';
import type { Quota } from '../../scheduler/protocol/queue.ts';

/** What is settled when a decision is made: nodes that others wait for, and attempts that are being stopped. */
export interface Settled {
  readonly kept: ReadonlySet<NodeIndex>;
  readonly stopping: ReadonlySet<Token>;
  /** Tasks that are about to start where room is made. */
  readonly coming: ReadonlySet<TaskId>;
}
export type Cost = readonly [count: number, priorities: number, lostMs: number];

type Level = (task: Task) => string;
const levels: readonly Level[] = [({ spec }) => `queue ${spec.queue}`, ({ spec }) => `tenant ${spec.tenant}`];
const resources = ['cpu', 'memory'] as const;

export class PreemptionModel {
  readonly #core: Core;
  readonly #nowMs: number;
  readonly #settled: Settled;

  constructor(core: Core, nowMs: number, settled: Settled) {
    this.#core = core;
    this.#nowMs = nowMs;
    this.#settled = settled;
  }

  costOf(victims: readonly Task[]): Cost {
    const sum = (of: (task: Task) => number): number => victims.reduce((all, task) => all + of(task), 0);
    const lostMs = ({ live }: Task): number => this.#nowMs - (live?.startedAtMs ?? this.#nowMs);
    return [victims.length, sum(({ spec }) => spec.priority), sum(lostMs)];
  }

  /** The least that room for the task costs on any node; undefined where none can be made. */
  cheapest(task: Task): Cost | undefined {
    let best: Cost | undefined;
    for (const node of this.#core.state.nodes.occupied())
      for (const set of this.#setsOn(node, task)) {
        const cost = this.costOf(set);
        if (!best || isLess(cost, best)) best = cost;
      }
    return best;
  }

  /** Why these may not be stopped for the task; undefined where they may, and make enough room. */
  whyNot(task: Task, node: NodeIndex, victims: readonly Task[]): string | undefined {
    if (!victims.every((victim) => victim.live?.node === node)) return 'they are on several nodes';
    if (!this.#mayUse(task, node)) return 'the task may not go there';
    if (!this.#isRoom(task, node, victims)) return 'they make too little room';
    if (!victims.every((victim) => this.#mayStop(victim, task))) return 'one of them may not be stopped';
    return this.#isSound(victims, task) ? undefined : 'somebody is left with less than its own';
  }

  *#setsOn(node: NodeIndex, task: Task): Iterable<readonly Task[]> {
    if (!this.#mayUse(task, node)) return;
    const { nodes, tasks } = this.#core.state;
    const all = [...nodes.attemptsOn(node)]
      .flatMap((token) => tasks.byToken(token) ?? [])
      .filter((other) => this.#mayStop(other, task));
    for (let bits = 1; bits < 2 ** all.length; bits += 1) {
      const set = all.filter((_, at) => ((bits >> at) & 1) === 1);
      if (this.#isRoom(task, node, set) && this.#isSound(set, task)) yield set;
    }
  }

  #mayUse({ spec }: Task, node: NodeIndex): boolean {
    const { nodes } = this.#core.state;
    const named = spec.selector['node'];
    const isOpen = nodes.state[node] === 1 && nodes.cordoned[node] === 0 && !this.#settled.kept.has(node);
    return isOpen && (named === undefined || named.includes(nodes.idOf(node)));
  }

  #isRoom({ spec }: Task, node: NodeIndex, gone: readonly Task[]): boolean {
    const { nodes } = this.#core.state;
    const given = (of: 'cpu' | 'memory' | 'slots'): number =>
      gone.reduce((all, other) => all + other.spec.ask[of], 0);
    return (
      (nodes.cpuFree[node] ?? 0) + given('cpu') >= spec.ask.cpu &&
      (nodes.memoryFree[node] ?? 0) + given('memory') >= spec.ask.memory &&
      (nodes.slotsFree[node] ?? 0) + given('slots') >= spec.ask.slots
    );
  }

  #mayStop(victim: Task, task: Task): boolean {
    const { spec, live, past } = victim;
    const times = past.filter(({ end }) => end?.reason === 'preempted').length;
    if (spec.isPreemptible !== true || spec.delivery === 'at_most_once' || !live) return false;
    if (victim.state === 'cancelling' || times >= preemptionsPerTaskMax) return false;
    if (this.#settled.stopping.has(live.token)) return false;
    if (spec.priority < task.spec.priority) return true;
    const wasStoppedForIt = task.past.some(({ end }) => end?.stoppedFor === victim.taskId);
    const isOthers = levels.some((level) => level(victim) !== level(task) && this.#isOwn(task, level));
    return spec.priority === task.spec.priority && isOthers && !wasStoppedForIt;
  }

  #isOwn(task: Task, level: Level): boolean {
    const own = this.#guaranteed(task, level);
    if (!own) return false;
    const named = resources.filter((name) => own[name] !== undefined && task.spec.ask[name] > 0);
    const held = this.#held(task, level, ({ live, taskId }) =>
      live ? true : this.#settled.coming.has(taskId),
    );
    return named.length > 0 && named.every((name) => held[name] + task.spec.ask[name] <= (own[name] ?? 0));
  }

  #isSound(victims: readonly Task[], task: Task): boolean {
    return victims
      .filter(({ spec }) => spec.priority === task.spec.priority)
      .every((victim) =>
        levels
          .filter((level) => level(victim) !== level(task))
          .every((level) => this.#isSpare(victim, level, victims)),
      );
  }

  #isSpare(victim: Task, level: Level, gone: readonly Task[]): boolean {
    const own = this.#guaranteed(victim, level);
    const named = resources.filter((name) => own?.[name] !== undefined && victim.spec.ask[name] > 0);
    if (!own || named.length === 0) return true;
    const stays = ({ live }: Task): boolean => live !== undefined && !this.#settled.stopping.has(live.token);
    const had = this.#held(victim, level, stays);
    const left = this.#held(victim, level, (other) => stays(other) && !gone.includes(other));
    const isFull = (has: typeof had, name: 'cpu' | 'memory'): boolean => has[name] >= (own[name] ?? 0);
    return (
      named.some((name) => isFull(left, name)) &&
      named.every((name) => isFull(left, name) || !isFull(had, name))
    );
  }

  #guaranteed({ spec }: Task, level: Level): Quota | undefined {
    const { ready, tenants } = this.#core.state;
    return level === levels[0]
      ? ready.mustGet(spec.queue).settings.guaranteed
      : tenants.get(spec.tenant)?.settings?.guaranteed;
  }

  #held(
    of: Task,
    level: Level,
    counts: (task: Task) => boolean,
  ): { readonly cpu: number; readonly memory: number } {
    const held = { cpu: 0, memory: 0 };
    for (const other of this.#core.state.tasks.all())
      if (level(other) === level(of) && counts(other))
        for (const name of resources) held[name] += other.spec.ask[name];
    return held;
  }
}

function isLess(a: Cost, b: Cost): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}
