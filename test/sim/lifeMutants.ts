// Builds that break what queues promise over time: modes, rates, guarantees, deadlines, kept room, shares.
import type { SchedulerState } from '../../scheduler/core/state/schedulerState.ts';
import type { QueueSettings } from '../../scheduler/protocol/queue.ts';
import type { Mutant } from './mutants.ts';
import { wrap } from './rewire.ts';

/** Queues are set to something else than was journalled. */
const setTo =
  (change: (settings: QueueSettings) => QueueSettings) =>
  ({ state }: { readonly state: SchedulerState }): void => {
    wrap(state.ready, 'put', (put) => (name, settings) => {
      put(name, change(settings));
    });
  };
/** Beyond all real ones: a deadline that says nothing. */
const farMs = 9e15;

export const lifeMutants: Readonly<Record<string, Mutant>> = {
  'a paused queue starts tasks': {
    lookFor: 'paused',
    needs: ['queuePaused'],
    load: 'crowd',
    changeCore: setTo((settings) => (settings.mode === 'paused' ? { ...settings, mode: 'open' } : settings)),
  },
  'a draining queue takes tasks': {
    lookFor: 'drain',
    needs: ['queueDraining'],
    changeCore: setTo((settings) =>
      settings.mode === 'draining' ? { ...settings, mode: 'open' } : settings,
    ),
  },
  'starts are not counted against a rate': {
    lookFor: 'rate',
    changeCore: ({ state }) => {
      wrap(state.ready, 'mustGet', (mustGet) => (name) => {
        const queue = mustGet(name);
        wrap(queue.rate, 'take', () => () => undefined);
        return queue;
      });
    },
  },
  'what is guaranteed to a queue is not looked at': {
    lookFor: 'guaranteed',
    load: 'crowd',
    changeCore: setTo((settings) => ({ ...settings, guaranteed: {} })),
  },
  'deadlines do not count in the order': {
    lookFor: 'deadline-order',
    changeCore: ({ state }) => {
      wrap(state.ready, 'push', (push) => (task) => {
        const { spec } = task;
        if (spec.deadlineMs !== undefined) Reflect.set(task, 'spec', { ...spec, deadlineMs: farMs });
        push(task);
        Reflect.set(task, 'spec', spec);
      });
    },
  },
  'a deadline that is missed is told of again and again': {
    lookFor: 'deadline-missed',
    changeCore: ({ state: { deadlines } }) => {
      wrap(deadlines, 'remove', () => () => undefined);
    },
  },
  'others pass whatever is kept': {
    lookFor: 'promise',
    load: 'wide',
    isCalm: true,
    changeCore: ({ state: { reservations } }) => {
      wrap(reservations, 'refuses', () => () => false);
    },
  },
  'no room is kept for what is wide': {
    lookFor: 'starved',
    load: 'wide',
    isCalm: true,
    changeCore: ({ state: { reservations } }) => {
      wrap(reservations, 'keep', (keep) => (task, node) => {
        const kept = keep(task, node);
        reservations.drop((other) => other === kept);
        return kept;
      });
    },
  },
  'room that was kept and is given up is told to nobody': {
    lookFor: 'left-waiting',
    changeCore: ({ state: { reservations } }) => {
      wrap(reservations, 'placed', (placed) => (task, live) => {
        placed(task, live);
        return [];
      });
    },
  },
  'weights of queues do not count': {
    lookFor: 'fair',
    load: 'crowd',
    isCalm: true,
    changeCore: setTo((settings) => ({ ...settings, weight: 1 })),
  },
};
