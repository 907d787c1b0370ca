// Every node asked by the very rules of placement: what takes how many away, who lacks least, and what single change
// would let how many take the task.
import { formatTaskId, nodeIndex, type NodeIndex } from '../../protocol/brands.ts';
import { gpuDevicesMax, whyNearMissesMax } from '../../protocol/limits.ts';
import type { PendingReason } from '../../protocol/reasons.ts';
import type { FunnelStep, NearMiss } from '../../protocol/why.ts';
import { emptyFits, emptySeats } from '../place/everFits.ts';
import type { Filter } from '../place/filter.ts';
import { classFilters, filters } from '../place/filters.ts';
import { type AskClass, classRefusal } from '../state/classTable.ts';
import { nodeState } from '../state/nodeTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';

/** The order in which the funnel narrows: what is there at all, what may be used, what is free. */
const funnelOrder: readonly PendingReason[] = [
  'KIND_NOT_OFFERED',
  'LABEL_MISMATCH',
  'TAINT_NOT_TOLERATED',
  'NODE_AVOIDED',
  'NODE_NOT_ONLINE',
  'NODE_CORDONED',
  'NODE_SET_ASIDE',
  'MAINTENANCE',
  'NODE_EXCLUSIVE',
  'NODE_NOT_EMPTY',
  'NOT_TOGETHER',
  'NOT_APART',
  'SPREAD_SKEW',
  'INSUFFICIENT_CPU',
  'INSUFFICIENT_MEMORY',
  'INSUFFICIENT_GPU',
  'INSUFFICIENT_CUSTOM',
  'NO_SLOT',
  'RESERVED',
];
const place = new Map(funnelOrder.map((reason, at) => [reason, at]));
const placeOf = (reason: PendingReason): number => place.get(reason) ?? funnelOrder.length;

/** What an attempt that ends gives back. */
const roomReasons: ReadonlySet<PendingReason> = new Set([
  'INSUFFICIENT_CPU',
  'INSUFFICIENT_MEMORY',
  'INSUFFICIENT_GPU',
  'INSUFFICIENT_CUSTOM',
  'NO_SLOT',
  'NODE_NOT_EMPTY',
  'NODE_EXCLUSIVE',
]);
/** Nodes that lack only room and are looked at for when they will have it. */
const roomNodesMax = 512;

/** Nodes for which one rule alone says no. */
export interface SoleLack {
  readonly rule: Filter;
  nodes: number;
  /** The one that is nearest to fitting. */
  node: NodeIndex;
  shortBy: number;
}
export interface NodeScan {
  readonly fitsNow: boolean;
  readonly fitsEver: boolean;
  readonly removed: ReadonlyMap<PendingReason, number>;
  readonly near: readonly { readonly node: NodeIndex; readonly lacks: readonly Filter[] }[];
  readonly sole: ReadonlyMap<PendingReason, SoleLack>;
  /** Members of a gang that an empty plant has room for, counted no further than its size; 0 for a plain task. */
  readonly seatsEver: number;
  /** Nodes that would take the task once enough of what they run has ended. */
  readonly wantRoom: readonly NodeIndex[];
}

/** O(nodes x rules): about 10 ms at 50,000 nodes. */
export function scanNodes(state: SchedulerState, ask: AskClass): NodeScan {
  const scan = new Scanner(state, ask);
  const { rows, state: states } = state.nodes;
  for (let row = 0; row < rows; row += 1) if (states[row] !== nodeState.free) scan.look(nodeIndex(row));
  return scan;
}

class Scanner implements NodeScan {
  fitsNow = false;
  fitsEver = false;
  seatsEver = 0;
  readonly removed = new Map<PendingReason, number>();
  readonly near: { node: NodeIndex; lacks: readonly Filter[] }[] = [];
  readonly sole = new Map<PendingReason, SoleLack>();
  readonly wantRoom: NodeIndex[] = [];
  readonly #state: SchedulerState;
  readonly #ask: AskClass;
  readonly #rules: readonly Filter[];
  readonly #ofClass: readonly (readonly Filter[])[];
  /** One for all nodes: most of them lack something. */
  readonly #lacks: Filter[] = [];

  constructor(state: SchedulerState, ask: AskClass) {
    this.#state = state;
    this.#ask = ask;
    this.#ofClass = lacksByClass(state, ask);
    this.#rules = [...filters, reservedFilter(state)];
  }

  look(node: NodeIndex): void {
    const lacks = this.#lacksOf(node);
    this.#countFit(node, lacks);
    if (lacks.length === 0) return;
    countFirst(this.removed, lacks);
    keepNearest(this.near, node, lacks);
    if (lacks.length === 1)
      countSole(this.sole, lacks, { node, shortBy: shortage(this.#state, node, this.#ask) });
  }

  #lacksOf(node: NodeIndex): readonly Filter[] {
    const { nodes } = this.#state;
    const lacks = this.#lacks;
    lacks.length = 0;
    for (const rule of this.#ofClass[nodes.nodeClass[node] ?? -1] ?? none) lacks.push(rule);
    for (const rule of this.#rules) if (rule.refuses(node, this.#ask, nodes)) lacks.push(rule);
    return lacks;
  }

  /** Whether the node fits when it is empty is asked only as long as that tells something new. */
  #countFit(node: NodeIndex, lacks: readonly Filter[]): void {
    if (lacks.length === 0) this.fitsNow = true;
    const wantsRoom = this.wantRoom.length < roomNodesMax && lacks.length > 0 && lacks.every(isRoom);
    const wantsSeats = this.seatsEver < this.#ask.gangSize;
    if (this.fitsEver && !wantsRoom && !wantsSeats) return;
    if (!emptyFits(this.#state, node, this.#ask)) return;
    this.fitsEver = true;
    if (wantsSeats) this.seatsEver += emptySeats(this.#state, node, this.#ask);
    if (wantsRoom) this.wantRoom.push(node);
  }
}

/** Kept for a task that waits longer. Of the state, not of the node: it is no filter of a policy. */
function reservedFilter({ ready, reservations }: SchedulerState): Filter {
  return {
    reason: 'RESERVED',
    refuses: (node, ask) => reservations.refuses(node, ask),
    compare: (node, ask) => {
      const kept = reservations.first(node);
      const inS = Math.round(((kept?.fromMs ?? 0) - ready.nowMs) / 1_000);
      return {
        has: kept ? `kept for ${formatTaskId(kept.task.taskId)} in ${String(inS)} s` : '',
        needs: `up to ${String(Math.round(ask.boundMs / 1_000))} s`,
      };
    },
  };
}

const none: readonly Filter[] = [];
const isRoom = ({ reason }: Filter): boolean => roomReasons.has(reason);

/** The first in the order of the funnel takes the node away. */
function countFirst(removed: Map<PendingReason, number>, lacks: readonly Filter[]): void {
  let first: PendingReason | undefined;
  for (const { reason } of lacks) if (first === undefined || placeOf(reason) < placeOf(first)) first = reason;
  if (first !== undefined) removed.set(first, (removed.get(first) ?? 0) + 1);
}

const inOrder = (rules: readonly Filter[]): readonly Filter[] =>
  [...rules].sort((a, b) => placeOf(a.reason) - placeOf(b.reason));

/** The rules of each node class that say no: worked out once, since all its nodes answer alike. */
function lacksByClass(state: SchedulerState, ask: AskClass): readonly (readonly Filter[])[] {
  const rules = new Map(classFilters(state.classes).map((rule) => [rule.reason, rule]));
  return state.classes.nodeClasses.map((nodeClass) => {
    const reason = classRefusal(nodeClass, ask);
    const rule = reason && (rules.get(reason) ?? filters.find((other) => other.reason === reason));
    return rule ? [rule] : [];
  });
}

function countSole(
  sole: Map<PendingReason, SoleLack>,
  [rule]: readonly Filter[],
  { node, shortBy }: Pick<SoleLack, 'node' | 'shortBy'>,
): void {
  if (!rule) return;
  const known = sole.get(rule.reason);
  if (!known) sole.set(rule.reason, { rule, nodes: 1, node, shortBy });
  else {
    known.nodes += 1;
    if (shortBy < known.shortBy) Object.assign(known, { node, shortBy });
  }
}

/** How much is missing, in shares of what is asked, over all resources: to find the node that is nearest. */
function shortage({ nodes }: SchedulerState, node: NodeIndex, { ask }: AskClass): number {
  const gpuFree = ask.gpu ? freeDevices(nodes.gpuFree, node, ask.gpu.thousandths) : 0;
  return (
    missing(nodes.cpuFree[node] ?? 0, ask.cpu) +
    missing(nodes.memoryFree[node] ?? 0, ask.memory) +
    missing(nodes.slotsFree[node] ?? 0, ask.slots) +
    missing(gpuFree, ask.gpu?.devices ?? 0)
  );
}
const missing = (free: number, wanted: number): number =>
  wanted > 0 && wanted > free ? (wanted - free) / wanted : 0;
function freeDevices(free: Int16Array, node: NodeIndex, thousandths: number): number {
  let count = 0;
  for (let device = 0; device < gpuDevicesMax; device += 1)
    if ((free[node * gpuDevicesMax + device] ?? 0) >= thousandths) count += 1;
  return count;
}

export function funnelOf(registered: number, removed: NodeScan['removed']): readonly FunnelStep[] {
  let remaining = registered;
  return funnelOrder.flatMap((reason) => {
    const count = removed.get(reason) ?? 0;
    remaining -= count;
    return count === 0 ? [] : [{ reason, remaining, removed: count }];
  });
}

/** Keeps the nodes that lack least; earlier nodes on a tie. */
function keepNearest(
  near: { node: NodeIndex; lacks: readonly Filter[] }[],
  node: NodeIndex,
  lacks: readonly Filter[],
): void {
  const last = near.at(-1);
  if (near.length >= whyNearMissesMax && last && last.lacks.length <= lacks.length) return;
  const at = near.findIndex((other) => other.lacks.length > lacks.length);
  near.splice(at < 0 ? near.length : at, 0, { node, lacks: [...lacks] });
  if (near.length > whyNearMissesMax) near.pop();
}

export const nearMissesOf = ({ nodes }: SchedulerState, ask: AskClass, { near }: NodeScan): NearMiss[] =>
  near.map(({ node, lacks }) => ({
    nodeId: nodes.idOf(node),
    lacks: inOrder(lacks).map((rule) => ({ reason: rule.reason, ...rule.compare(node, ask, nodes) })),
  }));
