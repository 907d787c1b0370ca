// When nodes left of late: tells a node that went alone from an outage that took many. Soft state: a restart gives
// every node its rejoin window, in which nothing is blamed on anybody.
import type { NodeIndex } from '../../protocol/brands.ts';
import { outageNodesMin } from '../../protocol/limits.ts';

/** Nodes that go within this time of each other go for one reason: agents take up to 15 s to be missed. */
const togetherMs = 60_000;
/** A node that left before within this time is not well by itself. */
const unwellMs = 600_000;
const keptMax = 1_024;

export class Leavings {
  /** Oldest first; read from the end. */
  #left: { readonly node: NodeIndex; readonly atMs: number; isExplained: boolean }[] = [];

  /** Nodes of which somebody said that they are gone: no task took them down. */
  readonly excused = new Set<NodeIndex>();

  /** The node disconnected, fell silent, or its agent began anew. */
  note(node: NodeIndex, atMs: number): void {
    this.excused.delete(node);
    this.#left.push({ node, atMs, isExplained: false });
    if (this.#left.length > 2 * keptMax) this.#left.splice(0, keptMax);
  }

  /** A task is suspected of its last leaving: that does not speak against the node itself. */
  explain(node: NodeIndex): void {
    const last = this.#left.findLast((left) => left.node === node);
    if (last) last.isExplained = true;
  }

  /** Its row may become another node's. */
  forget(node: NodeIndex): void {
    this.excused.delete(node);
    this.#left = this.#left.filter((left) => left.node !== node);
  }

  /** Was the node well but for its last leaving, and were all others? O(leavings within 10 min), at most 2,048. */
  wasAlone(node: NodeIndex, nowMs: number): boolean {
    const others = new Set<NodeIndex>();
    let own = 0;
    for (let at = this.#left.length - 1; at >= 0; at -= 1) {
      const left = this.#left[at];
      if (!left || nowMs - left.atMs > unwellMs) break;
      if (left.node === node) own += left.isExplained ? 0 : 1;
      else if (nowMs - left.atMs <= togetherMs) others.add(left.node);
      if (own > 1 || others.size >= outageNodesMin) return false;
    }
    return true;
  }
}
