// Which attempts to stop so that a task fits: the cheapest set over a bounded number of nodes. A task that finds none
// among those is shown the others later: each node comes in its turn.
import type { NodeIndex } from '../../protocol/brands.ts';
import { Claim } from '../preempt/claim.ts';
import type { LookFrom } from '../preempt/preemptibles.ts';
import { cheapestSet, type Effort, type VictimSet, type Wanted } from '../preempt/victimSet.ts';
import { isInPlace } from '../place/ruleFilters.ts';
import { nodesOfPlaces } from '../place/ruledSearch.ts';
import type { Lane } from '../queue/lane.ts';
import { changesFor } from '../state/askRules.ts';
import { nodeState } from '../state/nodeTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import { avoidedBy } from './blame.ts';
import type { Turn } from './turn.ts';

/** Nodes on which sets are sought for one task, those that are looked at for that, and those that are passed. */
const nodesTriedMax = 64;
const nodesLookedAtMax = 1_024;
const nodesPassedMax = 4_096;
/** Sets of attempts that are looked at for one task: bounds a turn where nodes hold many small attempts. */
const setsTriedMax = 16_384;

export interface Victims {
  readonly node: NodeIndex;
  readonly tasks: readonly Task[];
  /** The ones among them that hold what is guaranteed to others. */
  readonly takenBack: ReadonlySet<Task>;
}
interface Offer {
  readonly node: NodeIndex;
  readonly set: VictimSet;
  /** The task would rather not go there. */
  readonly isAvoided: boolean;
}
/** `unseen`: nothing yet, and there are nodes left to look at. */
type Found = Victims | 'nothing' | 'unseen';

/** The cheapest set over the nodes of this look. */
export const victimsFor = (turn: Turn, task: Task, lane: Lane): Found =>
  turn.state.reservations.lookingFor(task, () => cheapest(turn, task, lane));

function cheapest({ state, nowMs }: Turn, task: Task, lane: Lane): Found {
  const claim = new Claim(state, task);
  const { nodes, isEnd } = nodesFor(state, { task, claim, lane });
  const seen = rulesThatSawAll(state);
  const best = bestOf(state, nodes, { task, claim, nowMs });
  for (const rules of seen) rules.seenChanges = changesFor(rules, state.nodes.version);
  if (best || isEnd) lane.look = undefined;
  if (!best) return isEnd ? 'nothing' : 'unseen';
  const { node, set } = best;
  const takenBack = new Set(set.tasks.filter((victim) => claim.takesBack(victim)));
  return { node, tasks: set.tasks, takenBack };
}

function bestOf(state: SchedulerState, nodes: Iterable<NodeIndex>, wanted: Wanted): Offer | undefined {
  const avoid = avoidedBy(state, wanted.task);
  const effort: Effort = { left: setsTriedMax };
  let best: Offer | undefined;
  for (const node of nodes) {
    const isAvoided = avoid?.has(node) === true;
    if (isAvoided && best?.isAvoided === false) continue;
    const below = best?.isAvoided === isAvoided ? best.set : undefined;
    const set = cheapestSet(state, node, { wanted, effort, below });
    if (set) best = { node, set, isAvoided };
  }
  return best;
}

/** Rules of asks that were set aside with all changes seen. What is taken away and given back is no news to them. */
function rulesThatSawAll({ classes, nodes }: SchedulerState) {
  if (classes.ruled === 0) return [];
  return classes.askClasses.flatMap((ask) => {
    const rules = ask?.isBlocked === true ? ask.rules : undefined;
    return rules && rules.seenChanges === changesFor(rules, nodes.version) ? [rules] : [];
  });
}

/** What a task looks for among the nodes, and where it stands in line. */
interface Seeker {
  readonly task: Task;
  readonly claim: Claim;
  readonly lane: Lane;
}

/** Open nodes of classes that the task may use, with something to stop, and with enough room if all of it went. */
function nodesFor(
  state: SchedulerState,
  { task, claim, lane }: Seeker,
): { readonly nodes: ReadonlySet<NodeIndex>; readonly isEnd: boolean } {
  const { preemption } = state;
  const round = roundFor(state, task, claim);
  const look = lookOf(state, lane, round.size);
  const isUsable = usableFor(state, task);
  const found = new Set<NodeIndex>();
  let looked = 0;
  let passed = 0;
  for (const node of round.from(look)) {
    if (passed >= nodesPassedMax || looked >= nodesLookedAtMax) break;
    if (found.size >= nodesTriedMax || look.skip >= look.endsAt) break;
    passed += 1;
    look.skip += 1;
    if (found.has(node) || !isUsable(node)) continue;
    looked += 1;
    if (hasEnough(state, node, { task, claim })) found.add(node);
  }
  preemption.turnedBy += passed;
  const isEnd = look.skip >= look.endsAt || passed >= round.size;
  return { nodes: found, isEnd };
}

interface Round {
  readonly size: number;
  readonly from: (look: LookFrom) => Iterable<NodeIndex>;
}
/** Where the task names places, their nodes; else all that have something to stop, the least urgent first. */
function roundFor({ nodes, preemption }: SchedulerState, { askClass }: Task, { priorityMost }: Claim): Round {
  const named = nodesOfPlaces(askClass, nodes);
  const { preemptibles } = preemption;
  if (named) return { size: named.length, from: ({ skip }) => ringFrom(named, skip) };
  return {
    size: preemptibles.roundTo(priorityMost),
    from: (look) => preemptibles.round(priorityMost, look),
  };
}
function* ringFrom(nodes: readonly NodeIndex[], skip: number): Iterable<NodeIndex> {
  const from = nodes.length > 0 ? skip % nodes.length : 0;
  yield* nodes.slice(from);
  yield* nodes.slice(0, from);
}

/** The one that is under way, or a new one. It goes on for a whole round from the last news on. */
function lookOf({ preemption }: SchedulerState, lane: Lane, nodes: number) {
  lane.look ??= { turnedBy: preemption.turnedBy, skip: 0, endsAt: nodes, newsCount: preemption.newsCount };
  if (lane.look.newsCount !== preemption.newsCount) {
    lane.look.newsCount = preemption.newsCount;
    lane.look.endsAt = lane.look.skip + nodes;
  }
  return lane.look;
}

function usableFor({ nodes, classes }: SchedulerState, { askClass }: Task): (node: NodeIndex) => boolean {
  const usable = classes.usableFlags(askClass);
  return (node) => {
    if (usable[nodes.nodeClass[node] ?? -1] !== 1) return false;
    const isOpen = nodes.state[node] === nodeState.online && nodes.cordoned[node] === 0;
    if (!isOpen || nodes.kept.has(node) || nodes.overheld.has(node)) return false;
    return isInPlace(node, askClass, nodes);
  };
}

/** Of CPU and memory, were everything gone that may be stopped? O(attempts of the node). */
function hasEnough(
  { nodes, tasks }: SchedulerState,
  node: NodeIndex,
  { task, claim }: Pick<Seeker, 'task' | 'claim'>,
): boolean {
  const { ask } = task.spec;
  let cpu = nodes.cpuFree[node] ?? 0;
  let memory = nodes.memoryFree[node] ?? 0;
  for (const token of nodes.attemptsOn(node)) {
    const other = tasks.byToken(token);
    if (!other || !claim.mayStop(other)) continue;
    cpu += other.spec.ask.cpu;
    memory += other.spec.ask.memory;
    if (cpu >= ask.cpu && memory >= ask.memory) return true;
  }
  return cpu >= ask.cpu && memory >= ask.memory;
}
