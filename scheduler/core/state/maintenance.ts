// Maintenance windows, and from when on each node is closed by one. The windows are journalled; what they mean for
// nodes is worked out from them.
import type { NodeIndex } from '../../protocol/brands.ts';
import type { MaintenanceWindow } from '../../protocol/maintenance.ts';
import type { CapacityIndex } from './capacityIndex.ts';
import type { NodeTable } from './nodeTable.ts';

const narrowFirst = ['cell', 'line', 'area'] as const;

export class Maintenance {
  readonly #windows = new Map<string, MaintenanceWindow>();
  readonly #nodes: NodeTable;
  readonly #index: CapacityIndex;

  constructor(nodes: NodeTable, index: CapacityIndex) {
    this.#nodes = nodes;
    this.#index = index;
  }

  get size(): number {
    return this.#windows.size;
  }
  all(): IterableIterator<MaintenanceWindow> {
    return this.#windows.values();
  }
  get(id: string): MaintenanceWindow | undefined {
    return this.#windows.get(id);
  }

  /** In place of one with the same id. O(nodes covered). */
  put(window: MaintenanceWindow): void {
    this.remove(window.id);
    this.#windows.set(window.id, window);
    this.#nodes.windows = this.#windows.size;
    for (const node of this.nodesOf(window)) this.#close(node, window.fromMs);
  }
  /** O(nodes covered x windows) where others cover them too. */
  remove(id: string): void {
    const window = this.#windows.get(id);
    if (!window) return;
    this.#windows.delete(id);
    this.#nodes.windows = this.#windows.size;
    for (const node of this.nodesOf(window)) this.settle(node);
  }
  /** After a node came, or came to another place. O(windows). */
  settle(node: NodeIndex): void {
    let fromMs = Number.POSITIVE_INFINITY;
    for (const window of this.#windows.values())
      if (this.#covers(window, node)) fromMs = Math.min(fromMs, window.fromMs);
    this.#nodes.closesAtMs[node] = fromMs;
    this.#mark(node);
  }
  /** Takes nodes whose window has begun out of the capacity index. O(nodes of windows that have begun). */
  begin(): void {
    for (const window of this.#windows.values())
      if (window.fromMs <= this.#nodes.nowMs) for (const node of this.nodesOf(window)) this.#mark(node);
  }

  *nodesOf(window: MaintenanceWindow): IterableIterator<NodeIndex> {
    for (const node of this.#among(window)) if (this.#covers(window, node)) yield node;
  }

  /** Nodes of the narrowest places that the window names. */
  *#among({ scope }: MaintenanceWindow): IterableIterator<NodeIndex> {
    for (const name of scope.node ?? []) {
      const node = this.#nodes.indexOf(name as Parameters<NodeTable['indexOf']>[0]);
      if (node !== undefined) yield node;
    }
    const narrowest = scope.node ? undefined : narrowFirst.find((label) => scope[label]);
    if (!narrowest) return;
    for (const name of new Set(scope[narrowest])) yield* this.#nodes.places.named(narrowest, name);
  }
  #covers({ scope }: MaintenanceWindow, node: NodeIndex): boolean {
    const { place } = this.#nodes.specOf(node);
    for (const label of narrowFirst) if (scope[label] && !scope[label].includes(place[label])) return false;
    return !scope.node || scope.node.includes(this.#nodes.idOf(node));
  }
  #close(node: NodeIndex, fromMs: number): void {
    const { closesAtMs } = this.#nodes;
    closesAtMs[node] = Math.min(closesAtMs[node] ?? fromMs, fromMs);
    this.#mark(node);
  }
  #mark(node: NodeIndex): void {
    const { closesAtMs, nowMs, inWindow } = this.#nodes;
    const is = (closesAtMs[node] ?? 0) <= nowMs ? 1 : 0;
    if (inWindow[node] === is) return;
    inWindow[node] = is;
    this.#index.update(node);
  }
}
