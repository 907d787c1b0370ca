// What one core remembers from turn to turn about keeping room for tasks that fit nowhere. Soft state.
import type { NodeIndex } from '../../protocol/brands.ts';
import type { AskClass } from '../state/classTable.ts';
import type { Queue } from './queue.ts';

/** A queue whose order changes with time: who is first is found anew whenever something changed. */
export interface Round {
  /** Asks that were blocked before. */
  readonly woken: Set<AskClass>;
  /** Where they may fit since. */
  readonly nodes: Set<NodeIndex>;
  failures: number;
}

export class Keeping {
  /** Nodes that gained room since the last turn. */
  readonly freed = new Set<NodeIndex>();
  /** Nodes where a queue let go of what was kept for it, to look anew: by the end of the turn it may be kept again. */
  readonly letGo = new Set<NodeIndex>();
  readonly rounds = new Map<Queue, Round>();
  /** Order of the last task that got in line. */
  seenOrder = 0;
  scanDueMs = 0;
}
