// The plant in order: which node has which index, which row of the engine it is, and where each group lies.
import type { NodeId } from '../protocol/brands.ts';
import { type FleetColumns, rowState } from '../protocol/fleetColumns.ts';
import type { GroupRange, Topology } from '../protocol/fleetFrames.ts';
import { isSimulatedNode, type NodeSpec } from '../protocol/node.ts';
import type { SchedulerView } from '../protocol/view.ts';

/** Sorting 50,000 names takes tens of milliseconds: in a storm of joins, once a second at most. */
const rebuildEveryMs = 1_000;
/** And never more than this share of the time, where it takes longer. */
const rebuildShareMax = 0.02;
/** Rebuilds of one life of the host that its epoch leaves room for. */
const versionsPerEpoch = 10_000_000;
const plantName = 'plant';

/** Rows by index, as of one topology. */
export interface PlantOrder {
  readonly topology: Topology;
  readonly rows: Int32Array;
}
type PlantView = Pick<SchedulerView, 'epoch' | 'fleetColumns'>;
type Cells = Map<string, number[]>;
type Plant = Map<string, Map<string, Cells>>;

export class PlantIndex {
  readonly #view: PlantView;
  readonly #clock: () => number;
  #order: PlantOrder | undefined;
  #specs: (NodeSpec | undefined)[] = [];
  #indexes: Map<NodeId, number> | undefined;
  #isDirty = true;
  #checkAgainMs = 0;
  #version = 0;

  constructor(view: PlantView, clock: () => number) {
    this.#view = view;
    this.#clock = clock;
  }

  /** A node joined or was forgotten: the order may be another one. */
  changed(): void {
    this.#isDirty = true;
  }

  current(): PlantOrder {
    const nowMs = this.#clock();
    if (this.#order && (!this.#isDirty || nowMs < this.#checkAgainMs)) return this.#order;
    const beganMs = performance.now();
    this.#isDirty = false;
    const columns = this.#view.fleetColumns();
    if (!this.#order || this.#hasMoved(columns, this.#order)) {
      this.#version += 1;
      // A window that outlived the host must not take the new host's topology for the one it has.
      this.#order = orderOf(columns, this.#view.epoch() * versionsPerEpoch + this.#version);
      this.#indexes = undefined;
    }
    this.#specs = columns.specs.slice();
    const tookMs = performance.now() - beganMs;
    this.#checkAgainMs = nowMs + Math.max(rebuildEveryMs, tookMs / rebuildShareMax);
    return this.#order;
  }

  /** Undefined where the node is not in the present order. */
  indexOf(nodeId: NodeId): number | undefined {
    this.#indexes ??= new Map(this.current().topology.nodes.map((id, index) => [id, index]));
    return this.#indexes.get(nodeId);
  }

  /** Agents that only come back change nothing. O(rows). */
  #hasMoved({ rows, ids, specs }: FleetColumns, order: PlantOrder): boolean {
    const { nodes } = order.topology;
    let members = 0;
    for (let row = 0; row < rows; row += 1) if (ids[row] !== undefined) members += 1;
    if (members !== nodes.length) return true;
    for (let index = 0; index < nodes.length; index += 1) {
      const row = order.rows[index] ?? -1;
      if (ids[row] !== nodes[index] || !isSameSeat(specs[row], this.#specs[row])) return true;
    }
    return false;
  }
}

function isSameSeat(now: NodeSpec | undefined, before: NodeSpec | undefined): boolean {
  if (now === before) return true;
  if (!now || !before) return false;
  const { place } = now;
  return (
    place.area === before.place.area &&
    place.line === before.place.line &&
    place.cell === before.place.cell &&
    isSimulatedNode(now) === isSimulatedNode(before)
  );
}

function orderOf(columns: FleetColumns, topologyEpoch: number): PlantOrder {
  const plant = plantOf(columns);
  const areas: GroupRange[] = [];
  const lines: GroupRange[] = [];
  const cells: GroupRange[] = [];
  const rows: number[] = [];
  const close = (into: GroupRange[], name: string, first: number): void => {
    into.push({ name, first, count: rows.length - first });
  };
  for (const [area, linesOfArea] of sorted(plant)) {
    const areaFirst = rows.length;
    for (const [line, cellsOfLine] of sorted(linesOfArea)) {
      const lineFirst = rows.length;
      for (const [cell, members] of sorted(cellsOfLine)) {
        const cellFirst = rows.length;
        addAll(rows, byName(members, columns.ids));
        close(cells, cell, cellFirst);
      }
      close(lines, line, lineFirst);
    }
    close(areas, area, areaFirst);
  }
  const nodes: NodeId[] = [];
  const simulated = new Uint8Array(rows.length);
  for (const row of rows) {
    const id = columns.ids[row];
    const spec = columns.specs[row];
    if (id === undefined || spec === undefined) continue;
    if (isSimulatedNode(spec)) simulated[nodes.length] = 1;
    nodes.push(id);
  }
  const topology = { topologyEpoch, plant: plantName, nodes, areas, lines, cells, simulated };
  return { topology, rows: Int32Array.from(rows) };
}

/** Rows by area, line and cell. */
function plantOf({ rows, specs, ids, state }: FleetColumns): Plant {
  const plant: Plant = new Map();
  for (let row = 0; row < rows; row += 1) {
    const spec = specs[row];
    if (spec === undefined || ids[row] === undefined || state[row] === rowState.free) continue;
    const { area, line, cell } = spec.place;
    const cells = within(within(plant, area, newMap<Cells>), line, newMap<number[]>);
    within(cells, cell, () => []).push(row);
  }
  return plant;
}

/** Not by spreading: an unplaced plant is one cell of 50,000. */
function addAll(rows: number[], more: readonly number[]): void {
  for (const row of more) rows.push(row);
}

/** Most cells are in order already: their nodes were enrolled so. */
function byName(members: number[], ids: FleetColumns['ids']): number[] {
  const nameOf = (row: number): string => ids[row] ?? '';
  const isSorted = members.every((row, at) => at === 0 || nameOf(members[at - 1] ?? row) < nameOf(row));
  return isSorted ? members : members.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

const newMap = <Value>(): Map<string, Value> => new Map();
function within<Value>(map: Map<string, Value>, name: string, make: () => Value): Value {
  const found = map.get(name) ?? make();
  map.set(name, found);
  return found;
}
const sorted = <Value>(map: Map<string, Value>): [string, Value][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1));
