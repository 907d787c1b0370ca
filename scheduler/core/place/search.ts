// What a search for a node is given.
import type { NodeIndex } from '../../protocol/brands.ts';
import { candidatesMax } from '../../protocol/limits.ts';
import type { AskMix } from '../state/askMix.ts';
import type { CapacityIndex } from '../state/capacityIndex.ts';
import type { ClassTable } from '../state/classTable.ts';
import type { NodeTable } from '../state/nodeTable.ts';
import type { Policy } from './policy.ts';
import type { Reservations } from './reservations.ts';

/** Nodes looked at before a wide search; a fit in CPU and memory is nearly always among the first few. */
export const looksAtFirst = 4 * candidatesMax;

/** Nodes looked at for one that is not busy before a busy one is taken, by a policy that shuns those. */
export const looksForQuiet = 4_096;

export interface PlacerParts {
  readonly fleet: NodeTable;
  readonly classes: ClassTable;
  readonly index: CapacityIndex;
  readonly mix: AskMix;
  readonly reservations: Reservations;
}

export interface PlaceOptions {
  /** Rather not these nodes: taken only where no other fits, or not at all where `isStrict`. */
  readonly avoid?: ReadonlySet<NodeIndex> | undefined;
  readonly isStrict?: boolean;
  /** Absent: the policy of queues that name none. */
  readonly policy?: Policy | undefined;
}

export type Taken = (node: NodeIndex) => boolean;

export interface Search {
  readonly policy: Policy;
  readonly looksMax: number;
  /** Beside what the filters say. */
  readonly isWanted?: Taken;
}
