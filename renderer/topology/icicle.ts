// The plant as an icicle: a column per level, each group as tall as its share of nodes. What would be too low to see is
// drawn as one with its neighbours, with the worst of them. Pure sums over contiguous ranges.
import { childrenOf, type Group, type Level, levels, type PlantShape } from '../fleet/plantShape.ts';

/** Least height of a group of its own, in pixels. */
export const heightMin = 6;

export interface IcicleBox {
  /** Absent where several small groups, or nodes, are drawn as one. */
  readonly group: Group | undefined;
  readonly level: Level | 'node';
  /** Range of nodes. */
  readonly first: number;
  readonly count: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
interface Size {
  readonly width: number;
  readonly height: number;
}

/** Columns of a group: itself, the levels below it, and its nodes. The first is narrow. */
export function icicleOf(shape: PlantShape, focus: Group, { width, height }: Size): readonly IcicleBox[] {
  const below = levels.slice(levels.indexOf(focus.level) + 1);
  const columns = below.length + 2;
  const firstWidth = Math.min(150, Math.round(width / columns));
  const rest = (width - firstWidth) / (columns - 1);
  const perNode = height / Math.max(1, focus.count);
  const xOf = (column: number) => (column === 0 ? 0 : Math.round(firstWidth + (column - 1) * rest));
  const place = (column: number) => ({ x: xOf(column), width: xOf(column + 1) - xOf(column) });
  const boxes: IcicleBox[] = [
    { group: focus, level: focus.level, first: focus.first, count: focus.count, y: 0, height, ...place(0) },
  ];
  let groups: readonly Group[] = [focus];
  for (const [at, level] of below.entries()) {
    groups = groups.flatMap((group) => childrenOf(shape, group));
    boxes.push(...pooled(groups, { level, focus, perNode, ...place(at + 1) }));
  }
  boxes.push(...nodeBoxes(focus, { perNode, ...place(columns - 1) }));
  return boxes;
}

interface Column {
  readonly level: Level;
  readonly focus: Group;
  readonly perNode: number;
  readonly x: number;
  readonly width: number;
}
function pooled(groups: readonly Group[], { level, focus, perNode, x, width }: Column): IcicleBox[] {
  const boxes: IcicleBox[] = [];
  let open: { first: number; count: number } | undefined;
  const close = () => {
    if (open) boxes.push({ group: undefined, level, ...open, ...band(open, focus, perNode), x, width });
    open = undefined;
  };
  for (const group of groups) {
    if (group.count * perNode >= heightMin) {
      close();
      boxes.push({
        group,
        level,
        first: group.first,
        count: group.count,
        ...band(group, focus, perNode),
        x,
        width,
      });
      continue;
    }
    open = { first: open?.first ?? group.first, count: (open?.count ?? 0) + group.count };
    if (open.count * perNode >= heightMin) close();
  }
  close();
  return boxes;
}

function nodeBoxes(focus: Group, { perNode, x, width }: Omit<Column, 'level' | 'focus'>): IcicleBox[] {
  const together = Math.max(1, Math.ceil(heightMin / perNode));
  const boxes: IcicleBox[] = [];
  for (let first = focus.first; first < focus.first + focus.count; first += together) {
    const count = Math.min(together, focus.first + focus.count - first);
    const range = { first, count };
    boxes.push({ group: undefined, level: 'node', ...range, ...band(range, focus, perNode), x, width });
  }
  return boxes;
}

function band({ first, count }: { first: number; count: number }, focus: Group, perNode: number) {
  const y = Math.round((first - focus.first) * perNode);
  return { y, height: Math.round((first + count - focus.first) * perNode) - y };
}

export function boxAt(boxes: readonly IcicleBox[], x: number, y: number): IcicleBox | undefined {
  return boxes.find(
    (box) => x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + Math.max(1, box.height),
  );
}
