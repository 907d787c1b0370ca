// Lost nodes, one alarm each, or one alarm for all of them when many go within a minute.
import type { Ms, NodeId } from '../protocol/brands.ts';

const groupWindowMs = 60_000;
/** More than this many within the window are one event with one cause. */
const singlesMax = 3;

export interface LostNodeAlarms {
  readonly raiseOne: (nodeId: NodeId) => void;
  readonly clearOne: (nodeId: NodeId) => void;
  /** Its node is counted in the group from now on. */
  readonly removeOne: (nodeId: NodeId) => void;
  /** `count` 0: all are back. */
  readonly showGroup: (count: number, isGrowing: boolean) => void;
}

export class LostNodes {
  readonly #alarms: LostNodeAlarms;
  /** Since when. Oldest first. */
  readonly #singles = new Map<NodeId, Ms>();
  readonly #group = new Set<NodeId>();
  #groupGrewAtMs = -Infinity;

  constructor(alarms: LostNodeAlarms) {
    this.#alarms = alarms;
  }

  lost(nodeId: NodeId, atMs: Ms): void {
    if (this.#group.has(nodeId)) return;
    this.#singles.delete(nodeId);
    this.#singles.set(nodeId, atMs);
    const recent = this.#recentSingles(atMs);
    const joinsGroup = this.#group.size > 0 && atMs - this.#groupGrewAtMs < groupWindowMs;
    if (!joinsGroup && recent.length <= singlesMax) {
      this.#alarms.raiseOne(nodeId);
      return;
    }
    for (const member of recent) {
      this.#singles.delete(member);
      this.#alarms.removeOne(member);
      this.#group.add(member);
    }
    this.#groupGrewAtMs = atMs;
    this.#alarms.showGroup(this.#group.size, true);
  }

  back(nodeId: NodeId): void {
    if (this.#singles.delete(nodeId)) this.#alarms.clearOne(nodeId);
    if (this.#group.delete(nodeId)) this.#alarms.showGroup(this.#group.size, false);
  }

  #recentSingles(atMs: Ms): NodeId[] {
    const recent: NodeId[] = [];
    for (const [nodeId, sinceMs] of this.#singles) if (atMs - sinceMs < groupWindowMs) recent.push(nodeId);
    return recent;
  }
}
