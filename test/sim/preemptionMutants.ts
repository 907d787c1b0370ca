// Builds that stop attempts for others against the rules.
import type { Mutant } from './mutants.ts';
import { changeBatch, seeSpecAs } from './rewire.ts';

export const preemptionMutants: Readonly<Record<string, Mutant>> = {
  'tasks that never said so are stopped for others': {
    lookFor: 'preempt',
    changeCore: seeSpecAs((spec) => ({ ...spec, isPreemptible: true })),
  },
  'for whom an attempt was stopped is not kept': {
    lookFor: 'preempt',
    changeCore: changeBatch((batch) => ({
      ...batch,
      events: batch.events.filter(({ kind }) => kind !== 'attempt_preempt_requested'),
    })),
  },
};
