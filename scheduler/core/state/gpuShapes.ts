// Nodes with GPUs by what they have free. Nodes of one class with the same free CPU, memory, devices and named
// resources are one shape: a shape is scored once for all its nodes, and new ones are the tail of a log.
import type { NodeIndex } from '../../protocol/brands.ts';
import { gpuDevicesMax, gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import type { NodeTable } from './nodeTable.ts';

export interface GpuShape {
  readonly key: string;
  /** Larger than that of every shape made before. */
  readonly birth: number;
  readonly nodeClass: number;
  readonly cpu: number;
  readonly memory: number;
  /** Free thousandths of each device, least first. */
  readonly devices: Int16Array;
  /** Free thousandths of the device that has most. */
  readonly largest: number;
  /** Free thousandths over all devices. */
  readonly gpu: number;
  /** Devices that nobody uses. */
  readonly whole: number;
  /** Who has this free. */
  readonly nodes: NodeIndex[];
  /** No node has this free any more. It stays so: the same amounts make a new shape. */
  isGone: boolean;
  /** What `judgedFor` has worked out about the shape, since every ask on it needs the same. Soft. */
  judgedFor: object | undefined;
  usable: number;
  length: number;
}

/** What open nodes with GPUs have in all, taken or free. */
interface Totals {
  cpu: number;
  memory: number;
  devices: number;
}

const logSlack = 1_024; // entries of shapes that are gone, beyond as many as there are shapes

export class GpuShapes {
  readonly totals: Totals = { cpu: 0, memory: 0, devices: 0 };
  readonly #nodes: NodeTable;
  readonly #byKey = new Map<string, GpuShape>();
  readonly #shapeOf: (GpuShape | undefined)[] = [];
  /** Where the node stands in its shape's list. */
  readonly #placeOf: number[] = [];
  /** What a node added to the totals. */
  readonly #counted: (Readonly<Totals> | undefined)[] = [];
  /** Shapes in order of birth, with some that are gone. */
  #log: GpuShape[] = [];
  #births = 0;
  readonly #sorted = new Int16Array(gpuDevicesMax);

  constructor(nodes: NodeTable) {
    this.#nodes = nodes;
  }

  /** Shapes that have nodes. */
  get size(): number {
    return this.#byKey.size;
  }
  get log(): readonly GpuShape[] {
    return this.#log;
  }
  shapeOf(node: NodeIndex): GpuShape | undefined {
    return this.#shapeOf[node];
  }

  /** Index in the log of the first shape born at this time or later. O(log shapes). */
  logIndexOf(birth: number): number {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#log[middle]?.birth ?? 0) < birth) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Files the node under what it has free now. O(devices). */
  put(node: NodeIndex): void {
    this.#count(node);
    const key = this.#keyOf(node);
    const known = this.#shapeOf[node];
    if (known?.key === key) return;
    if (known) this.#leave(node, known);
    const shape = this.#byKey.get(key) ?? this.#make(node, key);
    this.#placeOf[node] = shape.nodes.push(node) - 1;
    this.#shapeOf[node] = shape;
  }

  /** The node can take no work, or has no GPU any more. */
  remove(node: NodeIndex): void {
    const known = this.#shapeOf[node];
    if (!known) return;
    this.#leave(node, known);
    this.#shapeOf[node] = undefined;
    const counted = this.#counted[node];
    if (counted) this.#add(counted, -1);
    this.#counted[node] = undefined;
  }

  #leave(node: NodeIndex, shape: GpuShape): void {
    const last = shape.nodes.pop();
    const place = this.#placeOf[node] ?? 0;
    if (last !== undefined && last !== node) {
      shape.nodes[place] = last;
      this.#placeOf[last] = place;
    }
    if (shape.nodes.length > 0) return;
    shape.isGone = true;
    this.#byKey.delete(shape.key);
  }

  #make(node: NodeIndex, key: string): GpuShape {
    const table = this.#nodes;
    const devices = this.#sorted.slice(0, table.gpuDevices[node]);
    this.#births += 1;
    const shape: GpuShape = {
      key,
      birth: this.#births,
      nodeClass: table.nodeClass[node] ?? 0,
      cpu: table.cpuFree[node] ?? 0,
      memory: table.memoryFree[node] ?? 0,
      devices,
      largest: devices.at(-1) ?? 0,
      gpu: devices.reduce((sum, free) => sum + free, 0),
      whole: devices.reduce((count, free) => count + (free === gpuThousandthsPerDevice ? 1 : 0), 0),
      nodes: [],
      isGone: false,
      judgedFor: undefined,
      usable: 0,
      length: 0,
    };
    this.#byKey.set(key, shape);
    this.#log.push(shape);
    if (this.#log.length > 2 * this.#byKey.size + logSlack)
      this.#log = this.#log.filter(({ isGone }) => !isGone);
    return shape;
  }

  /** The node's free amounts as characters; leaves its devices sorted in `#sorted`. */
  #keyOf(node: NodeIndex): string {
    const table = this.#nodes;
    const count = table.gpuDevices[node] ?? 0;
    this.#sortDevices(node, count);
    const cpu = table.cpuFree[node] ?? 0;
    const memory = table.memoryFree[node] ?? 0;
    const codes = [
      table.nodeClass[node] ?? 0,
      count,
      cpu & 0xffff,
      cpu >>> 16,
      memory & 0xffff,
      memory >>> 16,
    ];
    for (const free of this.#sorted.subarray(0, count)) codes.push(free);
    let key = String.fromCharCode(...codes);
    for (const column of table.customFree) key += `/${String(column[node] ?? 0)}`;
    return key;
  }

  #sortDevices(node: NodeIndex, count: number): void {
    const sorted = this.#sorted;
    for (let device = 0; device < count; device += 1) {
      const free = this.#nodes.gpuFree[node * gpuDevicesMax + device] ?? 0;
      let at = device;
      for (; at > 0 && (sorted[at - 1] ?? 0) > free; at -= 1) sorted[at] = sorted[at - 1] ?? 0;
      sorted[at] = free;
    }
  }

  /** Keeps the totals true, also where a node came back with other amounts than before. */
  #count(node: NodeIndex): void {
    const table = this.#nodes;
    const cpu = table.cpuTotal[node] ?? 0;
    const memory = table.memoryTotal[node] ?? 0;
    const devices = table.gpuDevices[node] ?? 0;
    const known = this.#counted[node];
    if (known?.cpu === cpu && known.memory === memory && known.devices === devices) return;
    if (known) this.#add(known, -1);
    const counted = { cpu, memory, devices };
    this.#counted[node] = counted;
    this.#add(counted, 1);
  }
  #add({ cpu, memory, devices }: Readonly<Totals>, sign: 1 | -1): void {
    this.totals.cpu += sign * cpu;
    this.totals.memory += sign * memory;
    this.totals.devices += sign * devices;
  }
}
