// The placement rules of an ask class, made ready for being asked of thousands of nodes.
import type { TaskSpec } from '../../protocol/task.ts';
import type { LabelValues, Placement, PlaceScope } from '../../protocol/taskRules.ts';
import { Least } from './least.ts';
import type { Neighbours, Watched } from './neighbours.ts';

/** Selector labels that name a node's place in the plant. They are columns, not part of a class. */
export const placeLabels = ['area', 'line', 'cell', 'node'] as const;
export type PlaceLabel = (typeof placeLabels)[number];
type Values = readonly string[];

/** Label -> values, by who answers: the node's class, or its place. */
export interface SplitLabels {
  readonly labels: readonly (readonly [string, Values])[];
  readonly places: readonly (readonly [PlaceLabel, Values])[];
}
export interface Preference extends SplitLabels {
  readonly weight: number;
}
export interface NeighbourRule {
  readonly within: PlaceScope;
  readonly watched: Watched;
  /** The task has the labels itself. */
  readonly isSelf: boolean;
}
export interface SpreadRule extends NeighbourRule {
  readonly skewMax: number;
  readonly least: Least;
}

export interface AskRules {
  readonly avoid: SplitLabels;
  /** The heaviest first. */
  readonly prefer: readonly Preference[];
  readonly together: NeighbourRule | undefined;
  readonly apart: NeighbourRule | undefined;
  readonly spread: SpreadRule | undefined;
  readonly isExclusive: boolean;
  /** Row in the class table -> may its nodes take the ask? */
  readonly usable: () => Uint8Array;
  /** `changesFor` when the ask was last set aside. Soft state. */
  seenChanges: number;
}

/** What the rules are made with. */
export interface RuleParts {
  readonly neighbours: Neighbours;
  readonly usable: () => Uint8Array;
}

export function splitLabels(values: LabelValues): SplitLabels {
  const entries = Object.entries(values);
  return {
    labels: entries.filter(([label]) => !isPlaceLabel(label)),
    places: entries.flatMap(([label, of]) => (isPlaceLabel(label) ? [[label, of] as const] : [])),
  };
}
const isPlaceLabel = (label: string): label is PlaceLabel =>
  (placeLabels as readonly string[]).includes(label);

export function askRulesOf(spec: TaskSpec, { neighbours, usable }: RuleParts): AskRules | undefined {
  const { placement, labels } = spec;
  if (!placement) return undefined;
  const { together, apart, spread } = placement;
  const rule = (of: { labels: Record<string, string> }, within: PlaceScope): NeighbourRule => {
    const watched = neighbours.watch(of.labels);
    return { within, watched, isSelf: watched.matches(labels) };
  };
  return {
    avoid: splitLabels(placement.avoid ?? {}),
    prefer: (placement.prefer ?? [])
      .map(({ labels: wanted, weight }) => ({ ...splitLabels(wanted), weight }))
      .sort((a, b) => b.weight - a.weight),
    together: together && rule(together, together.within),
    apart: apart && rule(apart, apart.within),
    spread: spread && { ...rule(spread, spread.over), skewMax: spread.skewMax, least: new Least() },
    isExclusive: placement.isExclusive ?? false,
    usable,
    seenChanges: -1,
  };
}

export const watchedBy = ({ together, apart, spread }: AskRules): readonly Watched[] =>
  [together, apart, spread].flatMap((rule) => (rule ? [rule.watched] : []));

/** Sets of labels that a placement watches. */
export const labelSetsOf = ({ together, apart, spread }: Placement): readonly Record<string, string>[] =>
  [together, apart, spread].flatMap((rule) => (rule ? [rule.labels] : []));

/** Another number than before means: nodes that gained no room themselves may take the ask now. */
export function changesFor(rules: AskRules, fleetVersion: number): number {
  const { together, apart, spread } = rules;
  const seen = (together?.watched.changes ?? 0) + (apart?.watched.changes ?? 0);
  return spread ? seen + spread.watched.changes + fleetVersion : seen;
}

/** Equal for rules that allow and prefer the same; undefined without any. */
export function rulesKey({ placement, labels }: TaskSpec): unknown {
  if (!placement) return undefined;
  const { avoid, prefer, together, apart, spread, isExclusive } = placement;
  const has = (wanted: Readonly<Record<string, string>>): boolean =>
    Object.entries(wanted).every(([label, value]) => labels[label] === value);
  return [
    avoid ? sortedValues(avoid) : 0,
    (prefer ?? []).map(({ labels: wanted, weight }) => [sortedValues(wanted), weight]),
    together ? [Object.entries(together.labels).sort(byName), together.within, has(together.labels)] : 0,
    apart ? [Object.entries(apart.labels).sort(byName), apart.within] : 0,
    spread
      ? [Object.entries(spread.labels).sort(byName), spread.over, spread.skewMax, has(spread.labels)]
      : 0,
    isExclusive ?? false,
  ];
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;
export const sortedValues = (values: LabelValues): readonly unknown[] =>
  Object.entries(values)
    .sort(byName)
    .map(([label, of]) => [label, [...of].sort()]);
