// A placement policy: in which order nodes are looked at, what rules a node out, what makes one better than another.
import { type Filter, filters } from './filters.ts';
import { binPack, type Scorer, spread } from './scorers.ts';

export interface Policy {
  readonly name: string;
  readonly order: 'fullest' | 'emptiest';
  readonly filters: readonly Filter[];
  readonly scorers: readonly Scorer[];
}

export const policies = {
  /** Fills nodes one after the other: leaves whole nodes free for large tasks. The default. */
  pack: { name: 'pack', order: 'fullest', filters, scorers: [{ weight: 1, score: binPack }] },
  /** Evens the load out. */
  spread: { name: 'spread', order: 'emptiest', filters, scorers: [{ weight: 1, score: spread }] },
} as const satisfies Record<string, Policy>;
