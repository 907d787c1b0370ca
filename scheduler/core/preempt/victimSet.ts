// The cheapest attempts of one node to stop so that a task fits there: fewest, then lowest priority, then least run
// time lost. Sets are tried by number and cost; that the task fits is found by really taking attempts away and giving
// them back before anything is said.
import type { NodeIndex } from '../../protocol/brands.ts';
import { holdCapacity, releaseCapacity } from '../state/capacity.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { holdPlace, releasePlace } from '../state/taskMaking.ts';
import type { Task } from '../state/taskTable.ts';
import type { Claim } from './claim.ts';

/** What a set costs, first things first. */
interface Cost {
  readonly count: number;
  readonly priorities: number;
  readonly lostMs: number;
}
export interface VictimSet extends Cost {
  readonly tasks: readonly Task[];
}

/** Sets looked at for one decision, over all nodes; then what is found by taking the cheapest ones has to do. */
export interface Effort {
  left: number;
}
/** To take attempts away and back costs as much as looking at so many sets. */
const trialCost = 16;

function isCheaper(a: Cost, b: Cost): boolean {
  if (a.count !== b.count) return a.count < b.count;
  return a.priorities === b.priorities ? a.lostMs < b.lostMs : a.priorities < b.priorities;
}

interface Candidate {
  readonly task: Task;
  readonly priority: number;
  readonly lostMs: number;
}
export interface Wanted {
  readonly task: Task;
  readonly claim: Claim;
  readonly nowMs: number;
}
const resources = ['cpu', 'memory', 'slots'] as const;

/** Undefined where nothing makes enough room, or nothing that is cheaper than `below`. */
export function cheapestSet(
  state: SchedulerState,
  node: NodeIndex,
  { wanted, effort, below }: { wanted: Wanted; effort: Effort; below?: Cost | undefined },
): VictimSet | undefined {
  return new SetSearch(state, node, wanted).best(effort, below);
}

class SetSearch {
  readonly #state: SchedulerState;
  readonly #node: NodeIndex;
  readonly #task: Task;
  readonly #claim: Claim;
  /** The cheapest first. */
  readonly #candidates: readonly Candidate[];
  /** By resource: what the task lacks; and the most that one candidate from each place on gives back. */
  readonly #lacks: readonly number[];
  readonly #mostFrom: readonly (readonly number[])[];
  #best: VictimSet | undefined;
  #below: Cost | undefined;
  #effort: Effort = { left: 0 };

  constructor(state: SchedulerState, node: NodeIndex, { task, claim, nowMs }: Wanted) {
    this.#state = state;
    this.#node = node;
    this.#task = task;
    this.#claim = claim;
    const { nodes, tasks } = state;
    this.#candidates = [...nodes.attemptsOn(node)]
      .flatMap((token) => tasks.byToken(token) ?? [])
      .filter((other) => claim.mayStop(other))
      .map((other) => ({ task: other, priority: other.spec.priority, lostMs: lostMsOf(other, nowMs) }))
      .sort((a, b) => a.priority - b.priority || a.lostMs - b.lostMs || tokenOf(a.task) - tokenOf(b.task));
    const free = [nodes.cpuFree[node] ?? 0, nodes.memoryFree[node] ?? 0, nodes.slotsFree[node] ?? 0];
    this.#lacks = resources.map((name, at) => task.spec.ask[name] - (free[at] ?? 0));
    this.#mostFrom = resources.map((name) => {
      const most = this.#candidates.map(({ task: { spec } }) => spec.ask[name]);
      for (let at = most.length - 2; at >= 0; at -= 1) most[at] = Math.max(most[at] ?? 0, most[at + 1] ?? 0);
      return most;
    });
  }

  best(effort: Effort, below: Cost | undefined): VictimSet | undefined {
    this.#effort = effort;
    this.#below = below;
    const least = this.#leastCount();
    const most = Math.min(this.#candidates.length, below?.count ?? Number.POSITIVE_INFINITY);
    for (let count = least; count <= most && !this.#best && effort.left > 0; count += 1)
      this.#extend([], { count, from: 0, lacks: this.#lacks, priorities: 0, lostMs: 0 });
    if (!this.#best && effort.left <= 0 && least <= most) this.#takeCheapest();
    return this.#best;
  }

  /** Fewer cannot give back enough. Infinite where all together do not. */
  #leastCount(): number {
    let least = 1;
    for (const [at, name] of resources.entries()) {
      let lacks = this.#lacks[at] ?? 0;
      const amounts = this.#candidates.map(({ task }) => task.spec.ask[name]).sort((a, b) => b - a);
      let count = 0;
      for (; lacks > 0 && count < amounts.length; count += 1) lacks -= amounts[count] ?? 0;
      least = Math.max(least, lacks > 0 ? Number.POSITIVE_INFINITY : count);
    }
    return least;
  }

  /** Tries all sets of `count` that begin with these and go on with candidates from a place on, but for dearer ones. */
  #extend(picked: readonly Candidate[], so: Far): void {
    const missing = so.count - picked.length;
    if (missing === 0) {
      this.#tryOut(picked, so);
      return;
    }
    for (let at = so.from; at <= this.#candidates.length - missing && this.#effort.left > 0; at += 1) {
      const next = this.#candidates[at];
      if (!next) return;
      if (!this.#mayBeCheaper(leastOf(so, missing, next)) || !this.#mayBeEnough(so, missing, at)) return;
      this.#effort.left -= 1;
      const lacks = so.lacks.map((lack, of) => lack - next.task.spec.ask[resources[of] ?? 'cpu']);
      if (missing === 1 && lacks.some((lack) => lack > 0)) continue;
      const set = [...picked, next];
      if (!this.#claim.isSound(set.map(({ task }) => task))) continue;
      const priorities = so.priorities + next.priority;
      const lostMs = so.lostMs + next.lostMs;
      this.#extend(set, { count: so.count, from: at + 1, lacks, priorities, lostMs });
    }
  }

  /** Could so many candidates from this place on give back what is still lacking? */
  #mayBeEnough({ lacks }: Far, missing: number, at: number): boolean {
    return lacks.every((lack, of) => lack <= 0 || lack <= missing * (this.#mostFrom[of]?.[at] ?? 0));
  }
  #mayBeCheaper(cost: Cost): boolean {
    if (this.#best && !isCheaper(cost, this.#best)) return false;
    return !this.#below || isCheaper(cost, this.#below);
  }

  #tryOut(picked: readonly Candidate[], cost: Cost): void {
    if (!this.#mayBeCheaper(cost)) return;
    this.#effort.left -= trialCost;
    const tasks = picked.map(({ task }) => task);
    for (const one of tasks) takeAway(this.#state, one);
    const fits = this.#fits();
    for (const one of tasks) giveBack(this.#state, one);
    if (!fits) return;
    const { count, priorities, lostMs } = cost;
    this.#best = { tasks, count, priorities, lostMs };
  }

  /** Takes the cheapest away until the task fits, then puts back what it fits beside. */
  #takeCheapest(): void {
    const gone: Candidate[] = [];
    for (const candidate of this.#candidates) {
      if (!this.#claim.isSound([...gone, candidate].map(({ task }) => task))) continue;
      takeAway(this.#state, candidate.task);
      gone.push(candidate);
      if (this.#fits()) break;
    }
    const needed: Candidate[] = [];
    const isEnough = this.#fits();
    for (const one of gone.reverse()) {
      giveBack(this.#state, one.task);
      if (!isEnough || this.#fits()) continue;
      takeAway(this.#state, one.task);
      needed.push(one);
    }
    for (const { task } of needed) giveBack(this.#state, task);
    const set = {
      tasks: needed.map(({ task }) => task),
      count: needed.length,
      priorities: needed.reduce((sum, { priority }) => sum + priority, 0),
      lostMs: needed.reduce((sum, { lostMs }) => sum + lostMs, 0),
    };
    if (set.count > 0 && this.#mayBeCheaper(set)) this.#best = set;
  }

  #fits(): boolean {
    return this.#state.placer.fits(this.#node, this.#task.askClass);
  }
}

/** How far a set has been put together. */
interface Far extends Cost {
  /** Candidates from here on may join it. */
  readonly from: number;
  readonly lacks: readonly number[];
}

/** Candidates behind this one have no lower priority, and where they have the same, have lost no less. */
const leastOf = ({ count, priorities, lostMs }: Far, missing: number, next: Candidate): Cost => ({
  count,
  priorities: priorities + missing * next.priority,
  lostMs: lostMs + missing * next.lostMs,
});

const lostMsOf = ({ live }: Task, nowMs: number): number => nowMs - (live?.startedAtMs ?? nowMs);
const tokenOf = ({ live }: Task): number => live?.token ?? 0;

function takeAway(state: SchedulerState, task: Task): void {
  if (!task.live) return;
  releasePlace(state, task);
  releaseCapacity(state, task.live.node, task.spec.ask, task.live.gpuMask);
  state.reservations.changed(task.live.node);
}
function giveBack(state: SchedulerState, task: Task): void {
  if (!task.live) return;
  holdPlace(state, task);
  holdCapacity(state, task.live.node, task.spec.ask, task.live.gpuMask);
  state.reservations.changed(task.live.node);
}
