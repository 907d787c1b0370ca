// Builds that break what a gang is.
import type { Mutant } from './mutants.ts';
import { wrap } from './rewire.ts';

export const gangMutants: Readonly<Record<string, Mutant>> = {
  'a gang is placed one member at a time': {
    lookFor: 'gang',
    changeCore: ({ state }) => {
      wrap(state.gangs, 'of', (of) => (task) => (task.state === 'ready' ? undefined : of(task)));
    },
  },
  'the end of a member is final while others run': {
    lookFor: 'gang',
    changeCore: ({ state }) => {
      wrap(state.gangs, 'of', (of) => (task) => (task.live || task.past.length === 0 ? of(task) : undefined));
    },
  },
  'a gang that was set aside is forgotten': {
    lookFor: 'gang-wake',
    changeCore: ({ state }) => {
      wrap(state.gangRoom, 'ripe', () => () => []);
    },
  },
  'who broke a gang is not kept': {
    lookFor: 'replay-digest',
    changeReplay: (batch) => ({
      ...batch,
      events: batch.events.filter(({ kind }) => kind !== 'gang_broken'),
    }),
  },
};
