// Filters answer one question: may this ask run on this node now? Each carries the reason it refuses with.
import type { NodeIndex } from '../../protocol/brands.ts';
import type { PendingReason } from '../../protocol/reasons.ts';
import type { AskClass } from '../state/classTable.ts';
import type { NodeTable } from '../state/nodeTable.ts';

export interface Filter {
  readonly reason: PendingReason;
  /** Refuses nothing where neither the ask nor a node has rules: not asked then. */
  readonly isRule?: true;
  readonly refuses: (node: NodeIndex, ask: AskClass, fleet: NodeTable) => boolean;
  /** What the node has and what the ask needs, in words, for an explanation. */
  readonly compare: (node: NodeIndex, ask: AskClass, fleet: NodeTable) => { has: string; needs: string };
}
