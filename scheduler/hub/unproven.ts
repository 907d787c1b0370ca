// Connections that have yet to prove which node they are: a few per name, the newest stay.
import type { NodeId } from '../protocol/brands.ts';
import { unprovenPerNodeMax } from '../protocol/limits.ts';

interface Waiting {
  readonly nodeId: NodeId;
  readonly close: (reason: string) => void;
}

export class Unproven<One extends Waiting> {
  readonly #byNode = new Map<NodeId, Set<One>>();

  /** Beyond `unprovenPerNodeMax` the oldest goes: of an agent that tries again, the last try is the live one. */
  add(one: One): void {
    const beside = this.#byNode.get(one.nodeId) ?? new Set();
    this.#byNode.set(one.nodeId, beside.add(one));
    if (beside.size <= unprovenPerNodeMax) return;
    for (const oldest of beside) {
      beside.delete(oldest);
      oldest.close(`more than ${String(unprovenPerNodeMax)} connections by this name have proved nothing`);
      return;
    }
  }

  /** It has, or is gone. */
  remove(one: One): void {
    const beside = this.#byNode.get(one.nodeId);
    if (beside?.delete(one) && beside.size === 0) this.#byNode.delete(one.nodeId);
  }

  clear(): void {
    this.#byNode.clear();
  }
}
