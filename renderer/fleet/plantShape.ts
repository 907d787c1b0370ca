// The plant's structure as windows need it: the topology, and which group each node lies in. Made once per epoch.
import type { NodeId } from '../../scheduler/protocol/brands.ts';
import type { GroupRange, Topology } from '../../scheduler/protocol/fleetFrames.ts';

export const levels = ['plant', 'area', 'line', 'cell'] as const;
export type Level = (typeof levels)[number];

/** A group of nodes: a contiguous range of indexes, and its place among the groups of its level. */
export interface Group extends GroupRange {
  readonly level: Level;
  readonly at: number;
}

export interface PlantShape {
  readonly epoch: number;
  readonly count: number;
  readonly nodes: readonly NodeId[];
  readonly isSimulated: Uint8Array;
  readonly plant: Group;
  readonly areas: readonly Group[];
  readonly lines: readonly Group[];
  readonly cells: readonly Group[];
  /** Group of its level that a node lies in, by node index. */
  readonly areaOf: Uint32Array;
  readonly lineOf: Uint32Array;
  readonly cellOf: Uint32Array;
}

/** What travelled may be a view or, over Socket.IO in a browser, a bare buffer. */
export function bytesOf(raw: unknown): Uint8Array {
  if (raw instanceof Uint8Array) return raw;
  if (raw instanceof ArrayBuffer) return new Uint8Array(raw);
  if (ArrayBuffer.isView(raw)) return new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
  return new Uint8Array();
}

export function shapeOf(topology: Topology): PlantShape {
  const count = topology.nodes.length;
  const named = (level: Level, ranges: readonly GroupRange[]): readonly Group[] =>
    ranges.map((range, at) => ({ ...range, level, at }));
  const areas = named('area', topology.areas);
  const lines = named('line', topology.lines);
  const cells = named('cell', topology.cells);
  return {
    epoch: topology.topologyEpoch,
    count,
    nodes: topology.nodes,
    isSimulated: bytesOf(topology.simulated),
    plant: { level: 'plant', at: 0, name: topology.plant, first: 0, count },
    areas,
    lines,
    cells,
    areaOf: membership(areas, count),
    lineOf: membership(lines, count),
    cellOf: membership(cells, count),
  };
}

function membership(groups: readonly Group[], count: number): Uint32Array {
  const of = new Uint32Array(count);
  for (const { first, count: size, at } of groups) of.fill(at, first, first + size);
  return of;
}

export function groupsAt(shape: PlantShape, level: Level): readonly Group[] {
  if (level === 'plant') return [shape.plant];
  return { area: shape.areas, line: shape.lines, cell: shape.cells }[level];
}

/** The group of a level that a node lies in. */
export function groupOf(shape: PlantShape, index: number, level: Level): Group | undefined {
  if (level === 'plant') return shape.plant;
  const of = { area: shape.areaOf, line: shape.lineOf, cell: shape.cellOf }[level];
  return groupsAt(shape, level)[of[index] ?? -1];
}

/** The groups inside a group, one level down; none inside a cell. */
export function childrenOf(shape: PlantShape, group: Group): readonly Group[] {
  const below = levels[levels.indexOf(group.level) + 1];
  if (below === undefined || group.count === 0) return [];
  const all = groupsAt(shape, below);
  const first = groupOf(shape, group.first, below)?.at ?? 0;
  const last = groupOf(shape, group.first + group.count - 1, below)?.at ?? -1;
  return all.slice(first, last + 1);
}

export function parentOf(shape: PlantShape, group: Group): Group | undefined {
  const above = levels[levels.indexOf(group.level) - 1];
  return above === undefined ? undefined : groupOf(shape, group.first, above);
}

/** From the area down to the group itself: `BOD / L08 / C03`. The plant's own name where it is the plant. */
export function pathOf(shape: PlantShape, group: Group): string {
  if (group.level === 'plant') return group.name;
  const parts = levels
    .slice(1, levels.indexOf(group.level) + 1)
    .map((level) => groupOf(shape, group.first, level)?.name ?? '');
  return parts.join(' / ');
}

/** Place and name of a node: `BOD / L08 / C03 / BOD-L08-C03-N07`. */
export function nodePath(shape: PlantShape, index: number): string {
  const cell = groupOf(shape, index, 'cell');
  return `${cell ? pathOf(shape, cell) : ''} / ${shape.nodes[index] ?? ''}`;
}

/** As `getTrace` names a line: with its area where another area has a line of that name. */
export function lineTraceName(shape: PlantShape, line: Group): string {
  const isUnique = shape.lines.every((other) => other.at === line.at || other.name !== line.name);
  return isUnique ? line.name : `${groupOf(shape, line.first, 'area')?.name ?? ''}/${line.name}`;
}
