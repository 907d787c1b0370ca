// Every node asked by the very rules of placement: what takes how many away, who lacks least, and what single change
// would let how many take the task.
import type { NodeIndex } from '../../protocol/brands.ts';
import { gpuDevicesMax, whyNearMissesMax } from '../../protocol/limits.ts';
import type { PendingReason } from '../../protocol/reasons.ts';
import type { FunnelStep, NearMiss } from '../../protocol/why.ts';
import { emptyFits } from '../place/everFits.ts';
import type { Filter } from '../place/filter.ts';
import { classFilters, filters } from '../place/filters.ts';
import { type AskClass, classRefusal } from '../state/classTable.ts';
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
  /** Nodes that would take the task once enough of what they run has ended. */
  readonly wantRoom: readonly NodeIndex[];
}

/** O(nodes x rules): about 10 ms at 50,000 nodes. */
export function scanNodes(state: SchedulerState, ask: AskClass): NodeScan {
  const { nodes } = state;
  const ofNode = inOrder(filters);
  const ofClass = lacksByClass(state, ask);
  const scan = {
    fitsNow: false,
    fitsEver: false,
    removed: new Map<PendingReason, number>(),
    near: [] as { node: NodeIndex; lacks: readonly Filter[] }[],
    sole: new Map<PendingReason, SoleLack>(),
    wantRoom: [] as NodeIndex[],
  };
  for (const node of nodes.occupied()) {
    const classLacks = ofClass[nodes.nodeClass[node] ?? -1] ?? [];
    const lacks = [...classLacks, ...ofNode.filter((rule) => rule.refuses(node, ask, nodes))];
    const couldFit = classLacks.length === 0 && emptyFits(state, node, ask);
    scan.fitsEver ||= couldFit;
    scan.fitsNow ||= lacks.length === 0;
    const first = lacks.length > 1 ? inOrder(lacks)[0] : lacks[0];
    if (!first) continue;
    scan.removed.set(first.reason, (scan.removed.get(first.reason) ?? 0) + 1);
    keepNearest(scan.near, { node, lacks });
    if (lacks.length === 1) countSole(scan.sole, first, { node, shortBy: shortage(state, node, ask) });
    if (couldFit) keepWantingRoom(scan.wantRoom, node, lacks);
  }
  return scan;
}

function keepWantingRoom(found: NodeIndex[], node: NodeIndex, lacks: readonly Filter[]): void {
  if (found.length < roomNodesMax && lacks.every(({ reason }) => roomReasons.has(reason))) found.push(node);
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
  rule: Filter,
  { node, shortBy }: Pick<SoleLack, 'node' | 'shortBy'>,
): void {
  const known = sole.get(rule.reason);
  if (!known) sole.set(rule.reason, { rule, nodes: 1, node, shortBy });
  else {
    known.nodes += 1;
    if (shortBy < known.shortBy) Object.assign(known, { node, shortBy });
  }
}

/** How much is missing, in shares of what is asked, over all resources: to find the node that is nearest. */
function shortage({ nodes }: SchedulerState, node: NodeIndex, { ask }: AskClass): number {
  const missing = (free: number, wanted: number): number =>
    wanted > 0 ? Math.max(0, wanted - free) / wanted : 0;
  const gpuFree = ask.gpu ? freeDevices(nodes.gpuFree, node, ask.gpu.thousandths) : 0;
  return (
    missing(nodes.cpuFree[node] ?? 0, ask.cpu) +
    missing(nodes.memoryFree[node] ?? 0, ask.memory) +
    missing(nodes.slotsFree[node] ?? 0, ask.slots) +
    missing(gpuFree, ask.gpu?.devices ?? 0)
  );
}
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
  found: { node: NodeIndex; lacks: readonly Filter[] },
): void {
  const last = near.at(-1);
  if (near.length >= whyNearMissesMax && last && last.lacks.length <= found.lacks.length) return;
  const at = near.findIndex((other) => other.lacks.length > found.lacks.length);
  near.splice(at < 0 ? near.length : at, 0, found);
  if (near.length > whyNearMissesMax) near.pop();
}

export const nearMissesOf = ({ nodes }: SchedulerState, ask: AskClass, { near }: NodeScan): NearMiss[] =>
  near.map(({ node, lacks }) => ({
    nodeId: nodes.idOf(node),
    lacks: inOrder(lacks).map((rule) => ({ reason: rule.reason, ...rule.compare(node, ask, nodes) })),
  }));
