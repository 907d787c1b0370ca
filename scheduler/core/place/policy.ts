// A placement policy: in which order nodes are looked at, what rules a node out, what makes one better than another.
import type { Filter } from './filter.ts';
import { filters } from './filters.ts';
import { emptiestFirst, fragmentation, fullestFirst, type GpuScorer, leastWaste } from './gpuScore.ts';
import { binPack, isBusy, quiet, type Scorer, spread } from './scorers.ts';
import type { NodeIndex } from '../../protocol/brands.ts';
import type { PolicyName } from '../../protocol/queue.ts';
import type { NodeTable } from '../state/nodeTable.ts';

export interface Policy {
  readonly name: string;
  readonly order: 'fullest' | 'emptiest';
  readonly filters: readonly Filter[];
  readonly scorers: readonly Scorer[];
  /** Nodes that are taken only where no other is found. */
  readonly shuns?: (node: NodeIndex, fleet: NodeTable) => boolean;
  /** For nodes with GPUs, which are chosen by their shape. */
  readonly gpuScore: GpuScorer;
}

const packing = { order: 'fullest', filters, scorers: [{ weight: 1, score: binPack }] } as const;

export const policies = {
  /**
   * Fills nodes one after the other, and on nodes with GPUs keeps what is left usable for the mix of asks: leaves whole
   * nodes and whole devices free for large tasks. The default.
   */
  pack: { name: 'pack', ...packing, gpuScore: leastWaste },
  /** As `pack`, and on nodes with GPUs looks at nothing but fragmentation, in steps, as FGD does. */
  fgd: { name: 'fgd', ...packing, gpuScore: fragmentation },
  /** As `pack`, and on nodes with GPUs takes the one with least left over, whatever is asked for next. */
  bestFit: { name: 'bestFit', ...packing, gpuScore: fullestFirst },
  /** Evens the load out. */
  spread: {
    name: 'spread',
    order: 'emptiest',
    filters,
    scorers: [{ weight: 1, score: spread }],
    gpuScore: emptiestFirst,
  },
  /**
   * Evens out what agents measure: goes where least is really used, and to a node that is nearly out of CPU or memory
   * only where no other takes the task, however little is reserved there. A node that has not measured yet counts with
   * what is reserved. Nodes with GPUs are chosen as by `pack`, since nobody measures the use of a GPU.
   */
  usage: {
    name: 'usage',
    order: 'emptiest',
    filters,
    scorers: [{ weight: 1, score: quiet }],
    shuns: isBusy,
    gpuScore: leastWaste,
  },
} as const satisfies Record<PolicyName, Policy>;
