// Broken builds around who is blamed for a failure, and around copies of stragglers.
import { overtaken } from '../../scheduler/core/decide/attemptReport.ts';
import type { Mutant } from './mutants.ts';
import { changeBatch, hangAs, seeSpecAs, without, wrap } from './rewire.ts';

export const blameMutants: Readonly<Record<string, Mutant>> = {
  'a node that was set aside takes work': {
    lookFor: 'cordon',
    policy: without('NODE_SET_ASIDE'),
    changeCore: ({ state }) => {
      hangAs(state, 'cordoned', 0);
    },
  },
  'any number of nodes is set aside': {
    lookFor: 'set-aside',
    changeCore: ({ state: { nodes } }) => {
      Object.defineProperty(nodes.setAside, 'size', { get: () => 0 });
    },
  },
  'a node is set aside at its first failure': {
    lookFor: 'set-aside',
    changeCore: ({ state: { blame } }) => {
      wrap(blame, 'verdict', () => () => 1);
    },
  },
  'a task is blamed for an outage': {
    lookFor: 'poison',
    changeCore: ({ state: { leavings } }) => {
      wrap(leavings, 'wasAlone', () => () => true);
    },
  },
  'a task that takes nodes down is tried again': {
    lookFor: 'poison',
    changeCore: ({ state: { tasks } }) => {
      wrap(tasks, 'suspect', () => () => undefined);
    },
  },
  'a rule of a task is not looked at': {
    lookFor: 'attempts',
    changeCore: seeSpecAs((spec) => ({ ...spec, retry: { ...spec.retry, rules: [] } })),
  },
  'tasks are copied that are not safe to repeat': {
    lookFor: 'copy',
    changeCore: seeSpecAs((spec) => ({ ...spec, isRepeatable: true, expectedMs: 1 })),
  },
  'the attempt that was overtaken runs on': {
    lookFor: 'copy',
    changeCore: (core) => {
      wrap(core, 'turn', (turn) => (wallMs, commands) => {
        const result = turn(wallMs, commands);
        return { ...result, effects: result.effects.filter(({ kind }) => kind !== 'stop') };
      });
    },
  },
  'the end of the attempt that was overtaken is not journalled': {
    lookFor: 'one-lease',
    changeCore: changeBatch((batch) => ({
      ...batch,
      events: batch.events.filter(
        (event) => event.kind !== 'attempt_ended' || event.end.message !== overtaken,
      ),
    })),
  },
  'a copy is placed beside the first': {
    lookFor: 'copy',
    changeCore: ({ state: { placer } }) => {
      wrap(
        placer,
        'place',
        (place) => (ask, options) => place(ask, options?.isStrict === true ? {} : options),
      );
    },
  },
};
