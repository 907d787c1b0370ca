// Which attempts to stop so that a task fits: on a bounded number of nodes the cheapest set, found by really taking
// attempts away and giving them back before anything is said.
import type { NodeIndex } from '../../protocol/brands.ts';
import { changesFor } from '../state/askRules.ts';
import { holdCapacity, releaseCapacity } from '../state/capacity.ts';
import { nodeState } from '../state/nodeTable.ts';
import { mayBeStopped } from '../state/preemptibles.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { holdPlace, releasePlace } from '../state/taskMaking.ts';
import type { Task } from '../state/taskTable.ts';
import { avoidedBy } from './blame.ts';
import type { Turn } from './turn.ts';

/** Nodes on which attempts are taken away for one task, and those that are looked at for that. */
const nodesTriedMax = 64;
const nodesLookedAtMax = 1_024;

export interface Victims {
  readonly node: NodeIndex;
  readonly tasks: readonly Task[];
}
interface Offer extends Victims {
  /** The task would rather not go there. */
  readonly isAvoided: boolean;
  readonly priorities: number;
  readonly lostMs: number;
}

/** The cheapest set over the nodes tried; undefined where none makes enough room. */
export const victimsFor = (turn: Turn, task: Task): Victims | undefined =>
  turn.state.reservations.lookingFor(task, () => cheapest(turn, task));

function cheapest({ state, nowMs }: Turn, task: Task): Victims | undefined {
  const avoid = avoidedBy(state, task);
  const seen = rulesThatSawAll(state);
  let best: Offer | undefined;
  for (const node of nodesFor(state, task)) {
    const tasks = cheapestOn(state, node, { task, nowMs });
    if (tasks.length === 0) continue;
    const offer = {
      node,
      tasks,
      isAvoided: avoid?.has(node) === true,
      priorities: tasks.reduce((sum, { spec }) => sum + spec.priority, 0),
      lostMs: tasks.reduce((sum, victim) => sum + lostMsOf(victim, nowMs), 0),
    };
    if (!best || isCheaper(offer, best)) best = offer;
  }
  for (const rules of seen) rules.seenChanges = changesFor(rules, state.nodes.version);
  return best;
}

function isCheaper(a: Offer, b: Offer): boolean {
  if (a.isAvoided !== b.isAvoided) return b.isAvoided;
  if (a.tasks.length !== b.tasks.length) return a.tasks.length < b.tasks.length;
  return a.priorities === b.priorities ? a.lostMs < b.lostMs : a.priorities < b.priorities;
}

/** Rules of asks that were set aside with all changes seen. What is taken away and given back is no news to them. */
function rulesThatSawAll({ classes, nodes }: SchedulerState) {
  if (classes.ruled === 0) return [];
  return classes.askClasses.flatMap((ask) => {
    const rules = ask?.isBlocked === true ? ask.rules : undefined;
    return rules && rules.seenChanges === changesFor(rules, nodes.version) ? [rules] : [];
  });
}

/** Open nodes of classes that the task may use, with something to stop, and with enough room if all of it went. */
function nodesFor(state: SchedulerState, { askClass, spec }: Task): readonly NodeIndex[] {
  const { nodes, classes, preemption } = state;
  const usable = classes.usableFlags(askClass);
  const found = new Set<NodeIndex>();
  let looked = 0;
  for (const node of preemption.preemptibles.below(spec.priority)) {
    if (found.has(node)) continue;
    if ((looked += 1) > nodesLookedAtMax || found.size >= nodesTriedMax) break;
    const isOpen = nodes.state[node] === nodeState.online && nodes.cordoned[node] === 0;
    if (!isOpen || nodes.kept.has(node) || nodes.overheld.has(node)) continue;
    if (usable[nodes.nodeClass[node] ?? -1] === 1 && hasEnough(state, node, { spec })) found.add(node);
  }
  return [...found];
}

/** Of CPU and memory, were everything gone that may be stopped? O(attempts of the node). */
function hasEnough(
  { nodes, tasks }: SchedulerState,
  node: NodeIndex,
  { spec: { ask, priority } }: Pick<Task, 'spec'>,
): boolean {
  let cpu = nodes.cpuFree[node] ?? 0;
  let memory = nodes.memoryFree[node] ?? 0;
  for (const token of nodes.attemptsOn(node)) {
    const task = tasks.byToken(token);
    if (!task || !mayBeStopped(task, priority)) continue;
    cpu += task.spec.ask.cpu;
    memory += task.spec.ask.memory;
  }
  return cpu >= ask.cpu && memory >= ask.memory;
}

/** Takes the cheapest attempts away until the task fits, puts back what it fits beside, then all of them. */
function cheapestOn(
  state: SchedulerState,
  node: NodeIndex,
  { task, nowMs }: { readonly task: Task; readonly nowMs: number },
): readonly Task[] {
  const { placer, nodes, tasks } = state;
  const candidates = [...nodes.attemptsOn(node)]
    .flatMap((token) => tasks.byToken(token) ?? [])
    .filter((other) => mayBeStopped(other, task.spec.priority))
    .sort((a, b) => byCost(a, b, nowMs));
  const gone: Task[] = [];
  const fits = (): boolean => placer.fits(node, task.askClass);
  for (const candidate of candidates) {
    takeAway(state, candidate);
    gone.push(candidate);
    if (fits()) break;
  }
  if (!fits()) {
    for (const one of gone) giveBack(state, one);
    return [];
  }
  const needed: Task[] = [];
  for (const one of gone.reverse()) {
    giveBack(state, one);
    if (fits()) continue;
    takeAway(state, one);
    needed.push(one);
  }
  for (const one of needed) giveBack(state, one);
  return needed;
}

/** The lowest priority first, then what has run for the shortest time. */
function byCost(a: Task, b: Task, nowMs: number): number {
  const difference = a.spec.priority - b.spec.priority || lostMsOf(a, nowMs) - lostMsOf(b, nowMs);
  return difference || (a.live?.token ?? 0) - (b.live?.token ?? 0);
}
const lostMsOf = ({ live }: Task, nowMs: number): number => nowMs - (live?.startedAtMs ?? nowMs);

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
