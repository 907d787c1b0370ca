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
  'quota is taken back however little is left': {
    lookFor: 'preempt',
    changeCore: ({ state: { ready, tenants } }) => {
      const stopping = { cpu: -1e9, memory: -1e9, gpu: -1e9 };
      const seeAllAsSpare = ({ share }: { readonly share: object }): void => {
        Object.defineProperty(share, 'stopping', { get: () => ({ ...stopping }), configurable: true });
      };
      wrap(ready, 'mustGet', (mustGet) => (name) => {
        const queue = mustGet(name);
        seeAllAsSpare(queue);
        return queue;
      });
      wrap(tenants, 'of', (of) => (name) => {
        const tenant = of(name);
        seeAllAsSpare(tenant);
        return tenant;
      });
    },
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
