// Nodes as typed-array columns: a node is a row number, each property one array. Strings stay at the edge of the table.
import { type NodeId, type NodeIndex, nodeIndex, type TaskId, type Token } from '../../protocol/brands.ts';
import {
  customResourcesMax,
  gpuDevicesMax,
  gpuThousandthsPerDevice,
  nodesMax,
} from '../../protocol/limits.ts';
import type { NodeSpec } from '../../protocol/node.ts';
import { PlaceTable } from './placeTable.ts';

/** Values of the `state` column. `free` rows belong to no node. */
export const nodeState = { free: 0, online: 1, disconnected: 2, lost: 3 } as const;
/** Who closed a node to new work: bits of the `cordoned` column. */
export const closedBy = { operator: 1, blame: 2 } as const;
const rowsAtStart = 256;

export class NodeTable {
  state = new Uint8Array(rowsAtStart);
  /** 0: open. Bits of `closedBy` otherwise. */
  cordoned = new Uint8Array(rowsAtStart);
  /** Row in the class table. */
  nodeClass = new Int32Array(rowsAtStart);
  cpuTotal = new Int32Array(rowsAtStart);
  cpuFree = new Int32Array(rowsAtStart);
  memoryTotal = new Int32Array(rowsAtStart);
  memoryFree = new Int32Array(rowsAtStart);
  slotsTotal = new Int32Array(rowsAtStart);
  slotsFree = new Int32Array(rowsAtStart);
  gpuDevices = new Uint8Array(rowsAtStart);
  /** Free thousandths of device d of node n at `n * gpuDevicesMax + d`. */
  gpuFree = new Int16Array(rowsAtStart * gpuDevicesMax);
  customTotal: Int32Array[] = [];
  customFree: Int32Array[] = [];
  /** As measured by agents; -1 until the first heartbeat. Soft state. */
  cpuUsed = new Int32Array(rowsAtStart).fill(-1);
  memoryUsed = new Int32Array(rowsAtStart).fill(-1);
  /** Soft state. */
  lastSeenMs = new Float64Array(rowsAtStart);
  /** The node counts as lost from this time on. Soft state. */
  leaseUntilMs = new Float64Array(rowsAtStart);

  readonly ids: (NodeId | undefined)[] = [];
  readonly specs: (NodeSpec | undefined)[] = [];
  readonly attempts: Set<Token>[] = [];
  readonly places = new PlaceTable();
  /** Grows where other nodes may take work than before: a join, a loss, a cordon; not with what they hold. */
  version = 0;
  /** 1: one attempt has the node for itself. */
  exclusive = new Uint8Array(rowsAtStart);
  /** How many nodes are held so. */
  exclusives = 0;
  /** When the earliest maintenance window of the node begins, or has begun; Infinity without one. */
  closesAtMs = new Float64Array(rowsAtStart).fill(Number.POSITIVE_INFINITY);
  /** 1: in a maintenance window. Soft state. */
  inWindow = new Uint8Array(rowsAtStart);
  /** Maintenance windows that are not over. */
  windows = 0;
  /** Time of the last turn. Soft state. */
  nowMs = 0;
  /** Nodes that came back smaller than what they hold: free amounts below 0 until enough of it has ended. */
  readonly overheld = new Set<NodeIndex>();
  /** Why nodes were set aside. */
  readonly setAside = new Map<NodeIndex, string>();
  /** Nodes whose room is kept for a task that waits for attempts to be stopped there. Soft state. */
  readonly kept = new Map<NodeIndex, TaskId>();
  /** Names of custom resources by column. */
  readonly customNames: string[] = [];
  readonly #customByName = new Map<string, number>();
  readonly #byId = new Map<NodeId, NodeIndex>();
  readonly #freeRows: NodeIndex[] = [];

  /** Rows in use or once used: the bound of every scan. */
  get rows(): number {
    return this.ids.length;
  }
  get size(): number {
    return this.#byId.size;
  }
  get isFull(): boolean {
    return this.size >= nodesMax;
  }
  indexOf(id: NodeId): NodeIndex | undefined {
    return this.#byId.get(id);
  }
  idOf(node: NodeIndex): NodeId {
    const id = this.ids[node];
    if (id === undefined) throw new Error(`node row ${String(node)} is free`);
    return id;
  }
  specOf(node: NodeIndex): NodeSpec {
    const spec = this.specs[node];
    if (spec === undefined) throw new Error(`node row ${String(node)} is free`);
    return spec;
  }
  attemptsOn(node: NodeIndex): Set<Token> {
    const attempts = this.attempts[node];
    if (!attempts) throw new Error(`node row ${String(node)} was never used`);
    return attempts;
  }
  *occupied(): IterableIterator<NodeIndex> {
    for (let row = 0; row < this.rows; row += 1) if (this.state[row] !== nodeState.free) yield nodeIndex(row);
  }

  /** A row for a node that is not in the table. Throws where the table is full: `decide` has refused before. */
  add(id: NodeId): NodeIndex {
    if (this.isFull) throw new Error(`node table is full (${String(nodesMax)})`);
    const row = this.#freeRows.pop() ?? nodeIndex(this.ids.length);
    if (row >= this.state.length) this.#grow();
    this.ids[row] = id;
    this.#byId.set(id, row);
    this.attempts[row] = new Set();
    this.cordoned[row] = 0;
    this.exclusive[row] = 0;
    this.closesAtMs[row] = Number.POSITIVE_INFINITY;
    this.inWindow[row] = 0;
    this.cpuUsed[row] = -1;
    this.memoryUsed[row] = -1;
    return row;
  }

  /** Is some node closed to asks without rules by the rules of others? */
  get hasGuards(): boolean {
    return this.exclusives > 0 || this.windows > 0 || this.kept.size > 0;
  }
  /** Time passes. With windows ahead, what fits a node may be less than before. */
  tick(nowMs: number): void {
    if (this.windows > 0 && this.nowMs !== nowMs) this.version += 1;
    this.nowMs = nowMs;
  }
  setExclusive(node: NodeIndex, is: 0 | 1): void {
    this.exclusives += is - (this.exclusive[node] ?? 0);
    this.exclusive[node] = is;
  }

  /** Sets what the node has. Everything is free: the caller takes what live attempts hold. */
  describe(node: NodeIndex, spec: NodeSpec): void {
    const { cpu, memory, slots, gpuDevices, custom } = spec.resources;
    this.#leavePlaces(node);
    this.specs[node] = spec;
    this.places.enter(node, spec.place);
    this.version += 1;
    this.cpuTotal[node] = this.cpuFree[node] = cpu;
    this.memoryTotal[node] = this.memoryFree[node] = memory;
    this.slotsTotal[node] = this.slotsFree[node] = slots;
    this.gpuDevices[node] = gpuDevices;
    const gpuRow = node * gpuDevicesMax;
    for (let device = 0; device < gpuDevicesMax; device += 1)
      this.gpuFree[gpuRow + device] = device < gpuDevices ? gpuThousandthsPerDevice : 0;
    for (const column of this.customTotal) column[node] = 0;
    for (const column of this.customFree) column[node] = 0;
    for (const [name, amount] of Object.entries(custom)) {
      const column = this.customColumn(name);
      if (column === undefined) continue; // refused in `decide`
      const total = this.customTotal[column];
      const free = this.customFree[column];
      if (total) total[node] = amount;
      if (free) free[node] = amount;
    }
  }

  /** Is it in `overheld` as its free amounts say? To be called where they changed by other than a placement. */
  markOverheld(node: NodeIndex): void {
    if (this.#isShort(node)) this.overheld.add(node);
    else this.overheld.delete(node);
  }
  #isShort(node: NodeIndex): boolean {
    const columns = [this.cpuFree, this.memoryFree, this.slotsFree, ...this.customFree];
    const gpuRow = node * gpuDevicesMax;
    return (
      columns.some((column) => (column[node] ?? 0) < 0) ||
      this.gpuFree.subarray(gpuRow, gpuRow + gpuDevicesMax).some((free) => free < 0)
    );
  }

  remove(node: NodeIndex): void {
    this.#leavePlaces(node);
    this.#byId.delete(this.idOf(node));
    this.state[node] = nodeState.free;
    this.ids[node] = undefined;
    this.specs[node] = undefined;
    this.attempts[node] = new Set();
    this.overheld.delete(node);
    this.setAside.delete(node);
    this.kept.delete(node);
    this.version += 1;
    this.#freeRows.push(node);
  }
  #leavePlaces(node: NodeIndex): void {
    const spec = this.specs[node];
    if (spec) this.places.leave(node, spec.place);
  }

  /** The column of a named resource, made at its first use; undefined past `customResourcesMax`. */
  customColumn(name: string): number | undefined {
    const known = this.#customByName.get(name);
    if (known !== undefined) return known;
    if (this.customNames.length >= customResourcesMax) return undefined;
    const column = this.customNames.push(name) - 1;
    this.#customByName.set(name, column);
    this.customTotal.push(new Int32Array(this.state.length));
    this.customFree.push(new Int32Array(this.state.length));
    return column;
  }
  knownCustomColumn(name: string): number | undefined {
    return this.#customByName.get(name);
  }

  #grow(): void {
    const rows = this.state.length * 2;
    const grown = <Column extends Uint8Array | Int16Array | Int32Array | Float64Array>(
      old: Column,
    ): Column => {
      const perRow = old.length / this.state.length;
      const next = new (old.constructor as new (length: number) => Column)(rows * perRow);
      next.set(old);
      return next;
    };
    this.cordoned = grown(this.cordoned);
    this.exclusive = grown(this.exclusive);
    this.closesAtMs = grown(this.closesAtMs);
    this.inWindow = grown(this.inWindow);
    this.nodeClass = grown(this.nodeClass);
    this.cpuTotal = grown(this.cpuTotal);
    this.cpuFree = grown(this.cpuFree);
    this.memoryTotal = grown(this.memoryTotal);
    this.memoryFree = grown(this.memoryFree);
    this.slotsTotal = grown(this.slotsTotal);
    this.slotsFree = grown(this.slotsFree);
    this.gpuDevices = grown(this.gpuDevices);
    this.gpuFree = grown(this.gpuFree);
    this.customTotal = this.customTotal.map(grown);
    this.customFree = this.customFree.map(grown);
    this.cpuUsed = grown(this.cpuUsed);
    this.memoryUsed = grown(this.memoryUsed);
    this.lastSeenMs = grown(this.lastSeenMs);
    this.leaseUntilMs = grown(this.leaseUntilMs);
    this.state = grown(this.state); // last: the others read its length
  }
}
