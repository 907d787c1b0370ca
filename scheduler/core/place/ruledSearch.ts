// Where to look first for an ask with placement rules, so that what they leave is found without a look at all nodes.
import type { NodeIndex } from '../../protocol/brands.ts';
import type { NeighbourRule, Preference, SpreadRule } from '../state/askRules.ts';
import type { AskClass, ClassTable, NodeClass } from '../state/classTable.ts';
import type { NodeTable } from '../state/nodeTable.ts';
import { isInPlace, spreadSource } from './ruleFilters.ts';

/** Nodes beside tasks that the ask wants to be with. */
export function* nodesTogether({ within, watched }: NeighbourRule, fleet: NodeTable): Iterable<NodeIndex> {
  for (const row of watched.countsIn(within).keys()) yield* fleet.places.members(within, row);
}

/** Places whose share is not full, those with fewest first. Each is given as its nodes. */
export function* nodesBySpread(
  ask: AskClass,
  rule: SpreadRule,
  fleet: NodeTable,
): Iterable<Iterable<NodeIndex>> {
  const source = spreadSource(ask, rule, fleet);
  const fewest = rule.least.of(source);
  const most = fewest + rule.skewMax - (rule.isSelf ? 1 : 0);
  if (fewest > most) return;
  for (const row of rule.least.fewest(source)) yield fleet.places.members(rule.within, row);
  const others = rule.least
    .rows(source)
    .map((row) => ({ row, count: source.counts.get(row) ?? 0 }))
    .filter(({ count }) => count > fewest && count <= most)
    .sort((a, b) => a.count - b.count);
  for (const { row } of others) yield fleet.places.members(rule.within, row);
}

interface Parts {
  readonly fleet: NodeTable;
  readonly classes: ClassTable;
}
/** Has the node all the labels of a preference? */
export const meets = (node: NodeIndex, wanted: Preference, { fleet, classes }: Parts): boolean =>
  hasLabels(classes.nodeClasses[fleet.nodeClass[node] ?? -1], wanted) && isInPlace(node, wanted, fleet);

/** Sum of the weights of the preferences that a node meets. */
export function weightOf(node: NodeIndex, prefer: readonly Preference[], parts: Parts): number {
  let sum = 0;
  for (const wanted of prefer) if (meets(node, wanted, parts)) sum += wanted.weight;
  return sum;
}

function hasLabels(nodeClass: NodeClass | undefined, { labels }: Preference): boolean {
  if (!nodeClass) return false;
  for (const [label, values] of labels) {
    const has = nodeClass.labels[label];
    if (has === undefined || !values.includes(has)) return false;
  }
  return true;
}

export function* nodesNamed(names: readonly string[], fleet: NodeTable): Iterable<NodeIndex> {
  for (const name of names) {
    const node = fleet.indexOf(name as Parameters<NodeTable['indexOf']>[0]);
    if (node !== undefined) yield node;
  }
}

/** Those of the narrowest place that is named; undefined where none is: they may be anywhere. */
export function nodesOfPlaces(
  { places }: Pick<AskClass, 'places'>,
  fleet: NodeTable,
): readonly NodeIndex[] | undefined {
  for (const label of ['node', 'cell', 'line', 'area'] as const) {
    const names = places.find(([named]) => named === label)?.[1];
    if (!names) continue;
    if (label === 'node') return [...nodesNamed(names, fleet)];
    return names.flatMap((name) => [...fleet.places.named(label, name)]);
  }
  return undefined;
}

/**
 * Is a node more likely found where most is free? For a task that wants a node for itself; and for one that keeps apart
 * from others which, with a policy that packs, are on all that is full.
 */
export const isAmongEmpty = ({ rules }: AskClass, isWide: boolean): boolean =>
  rules !== undefined && (rules.isExclusive || (rules.apart !== undefined && isWide));
