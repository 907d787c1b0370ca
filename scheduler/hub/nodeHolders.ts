// Which process holds each node's connection. The newest wins: the older one is told to let go, and the host hears of
// the old line's end before it hears of the new one's join.
import type { Dispatch } from '../protocol/agentWire.ts';
import type { NodeId, Token } from '../protocol/brands.ts';
import type { Hub } from './ports.ts';

/** An edge, or the host's own hub. */
export interface NodeHolder {
  readonly dispatch: (nodeId: NodeId, dispatch: Dispatch) => boolean;
  readonly stop: (nodeId: NodeId, tokens: readonly Token[]) => void;
  readonly closeNode: (nodeId: NodeId, reason: string) => void;
  readonly held: (nodeId: NodeId) => void;
  readonly released: (nodeId: NodeId) => void;
}

/** The host's own hub, once it is open. */
export const holderOf = (front: () => Hub | undefined): NodeHolder => ({
  dispatch: (nodeId, dispatch) => front()?.dispatch(nodeId, dispatch) ?? false,
  stop: (nodeId, tokens) => front()?.stop(nodeId, tokens),
  closeNode: (nodeId, reason) => front()?.closeNode(nodeId, reason),
  held: () => undefined,
  released: () => undefined,
});

export class NodeHolders {
  readonly #byNode = new Map<NodeId, NodeHolder>();
  readonly #disconnected: (nodeId: NodeId) => void;

  constructor(disconnected: (nodeId: NodeId) => void) {
    this.#disconnected = disconnected;
  }

  of(nodeId: NodeId): NodeHolder | undefined {
    return this.#byNode.get(nodeId);
  }
  isHeldBy(nodeId: NodeId, holder: NodeHolder): boolean {
    return this.#byNode.get(nodeId) === holder;
  }

  claim(nodeId: NodeId, holder: NodeHolder): void {
    const before = this.#byNode.get(nodeId);
    if (before !== undefined) {
      this.release(nodeId, before);
      if (before !== holder)
        before.closeNode(nodeId, 'a newer connection of the same node took its place elsewhere');
    }
    this.#byNode.set(nodeId, holder);
    holder.held(nodeId);
  }

  /** Does nothing where another one holds the node by now. */
  release(nodeId: NodeId, holder: NodeHolder): void {
    if (this.#byNode.get(nodeId) !== holder) return;
    this.#byNode.delete(nodeId);
    holder.released(nodeId);
    this.#disconnected(nodeId);
  }
}
