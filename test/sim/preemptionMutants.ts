// Builds that stop attempts for others against the rules.
import type { Mutant } from './mutants.ts';
import { changeBatch, seeSpecAs, wrap } from './rewire.ts';

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
  'what gates keep back is tried again at once': {
    lookFor: 'spins',
    changeCore: ({ state: { preemption, ready } }) => {
      wrap(preemption.keptBack, 'add', () => (ask) => {
        ready.comers.add(ask);
        return preemption.keptBack;
      });
    },
  },
};
