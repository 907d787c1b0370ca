// Filters of the placement rules that tasks bring along, and of what other tasks' rules take away. None of them refuses
// anything for an ask without rules on a fleet where no node is kept for one task or closed for maintenance.
import { formatTaskId, type NodeIndex, taskId } from '../../protocol/brands.ts';
import type { PlaceScope } from '../../protocol/taskRules.ts';
import type { PlaceLabel, SplitLabels, SpreadRule } from '../state/askRules.ts';
import type { AskClass } from '../state/classTable.ts';
import type { LeastSource } from '../state/least.ts';
import { type NodeTable, nodeState } from '../state/nodeTable.ts';
import type { Filter } from './filter.ts';

export const ruleFilters: readonly Filter[] = [
  {
    reason: 'NODE_AVOIDED',
    isRule: true,
    refuses: (node, { rules }, fleet) =>
      rules !== undefined && rules.avoid.places.length > 0 && isAvoided(node, rules.avoid, fleet),
    compare: (node, { rules }, fleet) => ({
      has: placesIn(rules?.avoid, node, fleet),
      needs: `none of: ${valuesOf(rules?.avoid)}`,
    }),
  },
  {
    reason: 'MAINTENANCE',
    isRule: true,
    refuses: (node, { boundMs }, fleet) => isClosing(node, boundMs, fleet),
    compare: (node, { boundMs }, fleet) => {
      const openMs = (fleet.closesAtMs[node] ?? 0) - fleet.nowMs;
      return {
        has: openMs <= 0 ? 'in a maintenance window' : `a maintenance window in ${seconds(openMs)}`,
        needs: `up to ${seconds(boundMs)}`,
      };
    },
  },
  {
    reason: 'NODE_EXCLUSIVE',
    isRule: true,
    refuses: (node, _ask, fleet) => fleet.exclusive[node] !== 0,
    compare: () => ({ has: 'kept for one task', needs: 'open to others' }),
  },
  {
    reason: 'RESERVED',
    isRule: true,
    refuses: (node, _ask, fleet) => fleet.kept.has(node),
    compare: (node, _ask, fleet) => ({
      has: `kept for ${formatTaskId(fleet.kept.get(node) ?? taskId(0))}, which had attempts stopped there`,
      needs: 'open to others',
    }),
  },
  {
    reason: 'NODE_NOT_EMPTY',
    isRule: true,
    refuses: (node, { rules }, fleet) => rules?.isExclusive === true && fleet.attemptsOn(node).size > 0,
    compare: (node, _ask, fleet) => ({ has: attempts(fleet.attemptsOn(node).size), needs: 'no attempt' }),
  },
  {
    reason: 'NOT_TOGETHER',
    isRule: true,
    refuses: (node, { rules }, fleet) => {
      const rule = rules?.together;
      if (!rule || (rule.isSelf && rule.watched.total === 0)) return false;
      return countAt(node, rule, fleet) === 0;
    },
    compare: (_node, { rules }) => ({
      has: `none in its ${rules?.together?.within ?? ''}`,
      needs: labelsOf(rules?.together?.watched.labels),
    }),
  },
  {
    reason: 'NOT_APART',
    isRule: true,
    refuses: (node, { rules }, fleet) => rules?.apart !== undefined && countAt(node, rules.apart, fleet) > 0,
    compare: (node, { rules }, fleet) => ({
      has: `${String(rules?.apart ? countAt(node, rules.apart, fleet) : 0)} in its ${rules?.apart?.within ?? ''}`,
      needs: `none with ${labelsOf(rules?.apart?.watched.labels)}`,
    }),
  },
  {
    reason: 'SPREAD_SKEW',
    isRule: true,
    refuses: (node, ask, fleet) =>
      ask.rules?.spread !== undefined && skewAt(node, ask, fleet) > ask.rules.spread.skewMax,
    compare: (node, ask, fleet) => ({
      has: `${String(skewAt(node, ask, fleet))} above the ${ask.rules?.spread?.within ?? ''} with fewest`,
      needs: `at most ${String(ask.rules?.spread?.skewMax ?? 0)}`,
    }),
  },
];

/** Does a maintenance window begin before an attempt that starts now is bound to have ended? */
const isClosing = (node: NodeIndex, boundMs: number, { closesAtMs, nowMs }: NodeTable): boolean =>
  (closesAtMs[node] ?? Number.POSITIVE_INFINITY) < nowMs + boundMs;

/** Place of a node as its selectors name it. */
export function placeOf(node: NodeIndex, label: PlaceLabel, fleet: NodeTable): string {
  return label === 'node' ? fleet.idOf(node) : fleet.specOf(node).place[label];
}
export function isInPlace(
  node: NodeIndex,
  { places }: Pick<SplitLabels, 'places'>,
  fleet: NodeTable,
): boolean {
  for (const [label, values] of places) if (!values.includes(placeOf(node, label, fleet))) return false;
  return true;
}
/** By its place; labels are answered by the node's class. */
export function isAvoided(node: NodeIndex, { places }: SplitLabels, fleet: NodeTable): boolean {
  for (const [label, values] of places) if (values.includes(placeOf(node, label, fleet))) return true;
  return false;
}

interface Counted {
  readonly within: PlaceScope;
  readonly watched: { readonly countsIn: (scope: PlaceScope) => ReadonlyMap<number, number> };
}
const countAt = (node: NodeIndex, { within, watched }: Counted, fleet: NodeTable): number =>
  watched.countsIn(within).get(fleet.places.rowOf(within, node)) ?? 0;

/** How far the node's place would be above the one with fewest, once the task is there. */
function skewAt(node: NodeIndex, ask: AskClass, fleet: NodeTable): number {
  const rule = ask.rules?.spread;
  if (!rule) return 0;
  return countAt(node, rule, fleet) + (rule.isSelf ? 1 : 0) - rule.least.of(spreadSource(ask, rule, fleet));
}

/** Where the least of a spread rule is looked for: places with a node that could take the ask, full or not. */
export function spreadSource(ask: AskClass, rule: SpreadRule, fleet: NodeTable): LeastSource {
  const { within, watched } = rule;
  return {
    version: fleet.version,
    counts: watched.countsIn(within),
    ends: watched.ends,
    rows: () => {
      const rows: number[] = [];
      for (const row of within === 'node' ? fleet.occupied() : fleet.places.rows(within))
        if (hasTaker(fleet.places.members(within, row), ask, fleet)) rows.push(row);
      return rows;
    },
  };
}

function hasTaker(members: Iterable<NodeIndex>, ask: AskClass, fleet: NodeTable): boolean {
  for (const node of members) if (couldTake(node, ask, fleet)) return true;
  return false;
}

/** Is it open, allowed, and large enough once empty? */
function couldTake(node: NodeIndex, ask: AskClass, fleet: NodeTable): boolean {
  if (fleet.state[node] !== nodeState.online || fleet.cordoned[node] !== 0) return false;
  if (isClosing(node, ask.boundMs, fleet)) return false;
  if (ask.rules?.usable()[fleet.nodeClass[node] ?? -1] !== 1) return false;
  return (
    isInPlace(node, ask, fleet) && !isAvoided(node, ask.rules.avoid, fleet) && isLargeEnough(node, ask, fleet)
  );
}

/** Has the node as much as the ask needs, were it empty? */
export function isLargeEnough(node: NodeIndex, { ask }: AskClass, fleet: NodeTable): boolean {
  const { resources } = fleet.specOf(node);
  if (resources.cpu < ask.cpu || resources.memory < ask.memory || resources.slots < ask.slots) return false;
  if (resources.gpuDevices < (ask.gpu?.devices ?? 0)) return false;
  for (const name in ask.custom) if ((resources.custom[name] ?? 0) < (ask.custom[name] ?? 0)) return false;
  return true;
}

const seconds = (ofMs: number): string => `${String(Math.ceil(ofMs / 1_000))} s`;
const attempts = (count: number): string => `${String(count)} attempt${count === 1 ? '' : 's'}`;
const labelsOf = (labels: readonly (readonly [string, string])[] = []): string =>
  labels.map(([label, value]) => `${label}=${value}`).join(', ');
const valuesOf = (split: SplitLabels | undefined): string =>
  [...(split?.labels ?? []), ...(split?.places ?? [])]
    .map(([label, values]) => `${label}=${values.join('|')}`)
    .join(', ');
const placesIn = (split: SplitLabels | undefined, node: NodeIndex, fleet: NodeTable): string =>
  (split?.places ?? []).map(([label]) => `${label}=${placeOf(node, label, fleet)}`).join(', ');
