// Builds in which queues and tenants have more than is theirs.
import type { Mutant } from './mutants.ts';
import { wrap } from './rewire.ts';

export const queueMutants: Readonly<Record<string, Mutant>> = {
  'limits and quotas of tenants are not looked at': {
    lookFor: 'quota',
    changeCore: ({ state }) => {
      wrap(state.tenants, 'of', (of) => (name) => {
        const tenant = of(name);
        Object.defineProperty(tenant.share, 'cpu', {
          get: () => 0,
          set: () => undefined,
          configurable: true,
        });
        return tenant;
      });
    },
  },
  'attempts of a queue are not counted': {
    lookFor: 'running-max',
    changeCore: ({ state }) => {
      wrap(state.ready, 'mustGet', (mustGet) => (name) => {
        const queue = mustGet(name);
        Object.defineProperty(queue.share, 'active', {
          get: () => 0,
          set: () => undefined,
          configurable: true,
        });
        return queue;
      });
    },
  },
  'shares of the plant are not looked at': {
    lookFor: 'share',
    changeCore: ({ state }) => {
      wrap(state.plant, 'update', () => () => undefined);
    },
  },
};
