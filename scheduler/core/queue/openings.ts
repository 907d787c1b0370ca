// Where room has become free since the last turn, and until when it is not kept for others: for an order that packs.
// Soft state, made anew in each turn in which room is kept.
import type { NodeIndex } from '../../protocol/brands.ts';
import type { Ask } from '../../protocol/task.ts';
import type { NodeTable } from '../state/nodeTable.ts';

/** Nodes looked at for each task that may go next: more is not worth the time. */
const nodesMax = 64;

export class Openings {
  /** When the first begins of what is kept for tasks that wait; infinite where nothing is kept. */
  keptFromMs = Number.POSITIVE_INFINITY;
  readonly #fleet: NodeTable;
  readonly #nodes = new Set<NodeIndex>();

  constructor(fleet: NodeTable) {
    this.#fleet = fleet;
  }

  clear(): void {
    this.keptFromMs = Number.POSITIVE_INFINITY;
    if (this.#nodes.size > 0) this.#nodes.clear();
  }
  add(nodes: Iterable<NodeIndex>): void {
    for (const node of nodes) {
      if (this.#nodes.size >= nodesMax) return;
      this.#nodes.add(node);
    }
  }

  /** Would this fill one of them to the last core or MiB? O(nodes looked at). */
  areFilledBy({ cpu, memory }: Ask): boolean {
    const { cpuFree, memoryFree } = this.#fleet;
    for (const node of this.#nodes)
      if ((cpu > 0 && cpuFree[node] === cpu) || (memory > 0 && memoryFree[node] === memory)) return true;
    return false;
  }
}
