// What the nodes that are online have in all, kept as they come and go, so that a share of it costs nothing.
import type { NodeIndex } from '../../protocol/brands.ts';
import { gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import type { Amounts } from '../../protocol/view.ts';
import { type NodeTable, nodeState } from './nodeTable.ts';

/** CPU in millicores, memory in MiB, GPU in thousandths of a device. */
export class Plant implements Amounts {
  cpu = 0;
  memory = 0;
  gpu = 0;
  /** Grows with each change. */
  version = 1;
  readonly #nodes: NodeTable;
  readonly #counted = new Map<NodeIndex, Amounts>();

  constructor(nodes: NodeTable) {
    this.#nodes = nodes;
  }

  /** To be called when a node's state or resources have changed. O(1). */
  update(node: NodeIndex): void {
    const before = this.#counted.get(node);
    const isCounted = this.#nodes.state[node] === nodeState.online;
    if (!before && !isCounted) return;
    const after = isCounted ? this.#amountsOf(node) : nothing;
    this.cpu += after.cpu - (before?.cpu ?? 0);
    this.memory += after.memory - (before?.memory ?? 0);
    this.gpu += after.gpu - (before?.gpu ?? 0);
    this.version += 1;
    if (isCounted) this.#counted.set(node, after);
    else this.#counted.delete(node);
  }

  #amountsOf(node: NodeIndex): Amounts {
    const { cpuTotal, memoryTotal, gpuDevices } = this.#nodes;
    return {
      cpu: cpuTotal[node] ?? 0,
      memory: memoryTotal[node] ?? 0,
      gpu: (gpuDevices[node] ?? 0) * gpuThousandthsPerDevice,
    };
  }
}

const nothing: Amounts = { cpu: 0, memory: 0, gpu: 0 };
