// The plant as rows of a tree: the groups on the way to the zoomed one are open, the others closed.
import type { GroupStats, PlantStats } from '../fleet/groupStats.ts';
import { childrenOf, type Group, levels, type PlantShape } from '../fleet/plantShape.ts';

export interface TreeRow {
  readonly group: Group;
  readonly depth: number;
  readonly isOpen: boolean;
  readonly stats: GroupStats;
}

export const hasProblem = ({ crit, offline, alarm }: GroupStats): boolean =>
  crit > 0 || offline > 0 || alarm > 0;

export function treeRows(
  shape: PlantShape,
  trail: readonly Group[],
  stats: PlantStats,
  onlyProblems: boolean,
): readonly TreeRow[] {
  const isOnTrail = (group: Group) =>
    trail.some((other) => other.level === group.level && other.at === group.at);
  const rows: TreeRow[] = [];
  const add = (group: Group): void => {
    const of = stats.of(group);
    const isOpen = isOnTrail(group);
    if (onlyProblems && !isOpen && !hasProblem(of)) return;
    rows.push({ group, depth: levels.indexOf(group.level), isOpen, stats: of });
    if (isOpen) for (const child of childrenOf(shape, group)) add(child);
  };
  add(shape.plant);
  return rows;
}

/** The next group of a level after a place, all around, in which something is beyond its limit, offline or alarmed. */
export function nextException(groups: readonly Group[], after: number, stats: PlantStats): Group | undefined {
  const start = groups.findIndex((group) => group.first > after);
  const from = start < 0 ? 0 : start;
  const around = [...groups.slice(from), ...groups.slice(0, from)];
  return around.find((group) => stats.of(group).alarm > 0 || stats.of(group).crit > 0);
}
