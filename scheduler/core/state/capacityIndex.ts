// Free-capacity buckets per node class: a grid by free CPU and free memory, half an octave per step, so that nodes with
// room are found without looking at those without. Only nodes that can take work hang in it.
import { type NodeIndex, nodeIndex } from '../../protocol/brands.ts';
import { cpuMillicoresMax, memoryMiBMax } from '../../protocol/limits.ts';
import { GpuShapes } from './gpuShapes.ts';
import { type NodeTable, nodeState } from './nodeTable.ts';

/** Half-octave bucket of an amount: 0 for 0, then two per power of two. Monotonic; O(1). */
export function bucketOf(amount: number): number {
  if (amount < 2) return amount;
  const exponent = 31 - Math.clz32(amount);
  return 2 * exponent + ((amount >> (exponent - 1)) & 1);
}
const cpuBuckets = bucketOf(cpuMillicoresMax) + 1;
const memoryBuckets = bucketOf(memoryMiBMax) + 1;
const none = -1;
const rowsAtStart = 256;
const wordBits = 32;
/** Bits for all buckets of either kind. */
const maskWords = Math.ceil(Math.max(cpuBuckets, memoryBuckets) / wordBits);

interface Grid {
  /** First node of each bucket, `cpuBucket * memoryBuckets + memoryBucket`. */
  readonly heads: Int32Array;
  /** Which buckets of each CPU row have nodes, `maskWords` words to a row. */
  readonly buckets: Uint32Array;
  /** Which CPU rows have nodes. */
  readonly rows: Uint32Array;
  size: number;
}

/** How far one search has come. */
interface Walk {
  readonly out: Int32Array;
  filled: number;
  looksLeft: number;
}

export interface CandidateQuery {
  readonly cpu: number;
  readonly memory: number;
  /** Fullest first packs; emptiest first spreads. */
  readonly order: 'fullest' | 'emptiest';
  /** Does this node take the ask? Buckets only promise CPU and memory, and in the lowest bucket not even that. */
  readonly accepts: (node: NodeIndex) => boolean;
  /** Nodes looked at before giving up; Infinity looks at all. */
  readonly looksMax: number;
}

export class CapacityIndex {
  readonly #grids: (Grid | undefined)[] = [];
  #next = new Int32Array(rowsAtStart).fill(none);
  #previous = new Int32Array(rowsAtStart).fill(none);
  /** Bucket where the node hangs, or `none`. */
  #bucket = new Int32Array(rowsAtStart).fill(none);
  #gridOf = new Int32Array(rowsAtStart).fill(none);
  readonly #nodes: NodeTable;
  /** Nodes with GPUs, which hang here and not in a grid: CPU and memory say too little about them. */
  readonly gpu: GpuShapes;

  constructor(nodes: NodeTable) {
    this.#nodes = nodes;
    this.gpu = new GpuShapes(nodes);
  }

  has(node: NodeIndex): boolean {
    return (this.#bucket[node] ?? none) !== none || this.gpu.shapeOf(node) !== undefined;
  }
  /** Nodes of a class without GPUs that can take work at all. */
  sizeOf(nodeClass: number): number {
    return this.#grids[nodeClass]?.size ?? 0;
  }

  /** Hangs the node where its free capacity says, or takes it out where it can take no work. O(1). */
  update(node: NodeIndex): void {
    this.#fit(node);
    const isOpen = this.#isOpen(node);
    const hasGpu = this.#nodes.gpuDevices[node] !== 0;
    if (isOpen && hasGpu) this.gpu.put(node);
    else this.gpu.remove(node);
    const bucket = isOpen && !hasGpu ? this.#bucketFor(node) : none;
    const grid = this.#nodes.nodeClass[node] ?? none;
    if (this.#bucket[node] === bucket && (bucket === none || this.#gridOf[node] === grid)) return;
    this.#unhang(node);
    if (bucket !== none) this.#hang(node, grid, bucket);
  }
  #isOpen(node: NodeIndex): boolean {
    const { state, cordoned, slotsFree, exclusive, inWindow } = this.#nodes;
    if (state[node] !== nodeState.online || cordoned[node] !== 0 || inWindow[node] !== 0) return false;
    return (slotsFree[node] ?? 0) > 0 && exclusive[node] === 0;
  }
  #bucketFor(node: NodeIndex): number {
    const { cpuFree, memoryFree } = this.#nodes;
    return (
      bucketOf(Math.max(0, cpuFree[node] ?? 0)) * memoryBuckets + bucketOf(Math.max(0, memoryFree[node] ?? 0))
    );
  }

  /** Writes up to `out.length - from` accepted nodes of a class into `out`, and returns the new fill. */
  find(nodeClass: number, query: CandidateQuery, out: Int32Array, from: number): number {
    const grid = this.#grids[nodeClass];
    if (!grid || grid.size === 0) return from;
    const walk: Walk = { out, filled: from, looksLeft: query.looksMax };
    const step = query.order === 'fullest' ? nextSet : lastSet;
    const lowest = bucketOf(query.cpu);
    for (let row = step(grid.rows, 0, lowest); row !== none; row = step(grid.rows, 0, lowest, row))
      if (!this.#findInRow(grid, row, query, walk)) break;
    return walk.filled;
  }

  /** False once the search is over. */
  #findInRow(grid: Grid, row: number, query: CandidateQuery, walk: Walk): boolean {
    const step = query.order === 'fullest' ? nextSet : lastSet;
    const lowest = bucketOf(query.memory);
    const from = row * maskWords;
    for (
      let column = step(grid.buckets, from, lowest);
      column !== none;
      column = step(grid.buckets, from, lowest, column)
    ) {
      let node = grid.heads[row * memoryBuckets + column] ?? none;
      while (node !== none) {
        if (walk.looksLeft <= 0 || walk.filled >= walk.out.length) return false;
        walk.looksLeft -= 1;
        if (query.accepts(nodeIndex(node))) {
          walk.out[walk.filled] = node;
          walk.filled += 1;
        }
        node = this.#next[node] ?? none;
      }
    }
    return true;
  }

  #hang(node: NodeIndex, gridRow: number, bucket: number): void {
    const grid = (this.#grids[gridRow] ??= {
      heads: new Int32Array(cpuBuckets * memoryBuckets).fill(none),
      buckets: new Uint32Array(cpuBuckets * maskWords),
      rows: new Uint32Array(maskWords),
      size: 0,
    });
    const head = grid.heads[bucket] ?? none;
    this.#next[node] = head;
    this.#previous[node] = none;
    if (head !== none) this.#previous[head] = node;
    grid.heads[bucket] = node;
    grid.size += 1;
    mark(grid, bucket);
    this.#bucket[node] = bucket;
    this.#gridOf[node] = gridRow;
  }

  #unhang(node: NodeIndex): void {
    const bucket = this.#bucket[node] ?? none;
    if (bucket === none) return;
    const grid = this.#grids[this.#gridOf[node] ?? none];
    if (!grid) return;
    const before = this.#previous[node] ?? none;
    const after = this.#next[node] ?? none;
    if (before === none) grid.heads[bucket] = after;
    else this.#next[before] = after;
    if (after !== none) this.#previous[after] = before;
    grid.size -= 1;
    if (before === none && after === none) unmark(grid, bucket);
    this.#bucket[node] = none;
  }

  #fit(node: NodeIndex): void {
    if (node < this.#next.length) return;
    const rows = Math.max(node + 1, this.#next.length * 2);
    const grown = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const next = new Int32Array(rows).fill(none);
      next.set(old);
      return next;
    };
    this.#next = grown(this.#next);
    this.#previous = grown(this.#previous);
    this.#bucket = grown(this.#bucket);
    this.#gridOf = grown(this.#gridOf);
  }
}

function mark({ buckets, rows }: Grid, bucket: number): void {
  const row = Math.floor(bucket / memoryBuckets);
  setBit(buckets, row * maskWords, bucket % memoryBuckets);
  setBit(rows, 0, row);
}
/** The bucket has become empty, and its row perhaps. */
function unmark({ buckets, rows }: Grid, bucket: number): void {
  const row = Math.floor(bucket / memoryBuckets);
  clearBit(buckets, row * maskWords, bucket % memoryBuckets);
  if (nextSet(buckets, row * maskWords, 0) === none) clearBit(rows, 0, row);
}
function setBit(words: Uint32Array, from: number, bit: number): void {
  const at = from + (bit >>> 5);
  words[at] = (words[at] ?? 0) | (1 << (bit & 31));
}
function clearBit(words: Uint32Array, from: number, bit: number): void {
  const at = from + (bit >>> 5);
  words[at] = (words[at] ?? 0) & ~(1 << (bit & 31));
}

/** The first bit that is set from `lowest` on, and past `after`; `none` where there is none. */
function nextSet(words: Uint32Array, from: number, lowest: number, after = lowest - 1): number {
  let word = (after + 1) >>> 5;
  if (word >= maskWords) return none;
  let bits = (words[from + word] ?? 0) & (-1 << ((after + 1) & 31));
  while (bits === 0) {
    word += 1;
    if (word >= maskWords) return none;
    bits = words[from + word] ?? 0;
  }
  return word * wordBits + 31 - Math.clz32(bits & -bits);
}
/** The last bit that is set, before `before` and not below `lowest`; `none` where there is none. */
function lastSet(words: Uint32Array, from: number, lowest: number, before = maskWords * wordBits): number {
  if (before <= lowest) return none;
  let word = (before - 1) >>> 5;
  let bits = (words[from + word] ?? 0) & (-1 >>> (31 - ((before - 1) & 31)));
  while (bits === 0) {
    word -= 1;
    if (word < 0) return none;
    bits = words[from + word] ?? 0;
  }
  const bit = word * wordBits + 31 - Math.clz32(bits);
  return bit < lowest ? none : bit;
}
