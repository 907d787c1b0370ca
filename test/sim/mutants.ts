// Deliberately broken builds: one broken rule each, and the check that has to notice it.
import { ms } from '../../scheduler/protocol/brands.ts';
import { blameMutants } from './blameMutants.ts';
import type { Breakage } from './breakage.ts';
import { formsMutants } from './formsMutants.ts';
import { gangMutants } from './gangMutants.ts';
import { lifeMutants } from './lifeMutants.ts';
import { preemptionMutants } from './preemptionMutants.ts';
import { scheduleMutants } from './scheduleMutants.ts';
import { queueMutants } from './queueMutants.ts';
import { storageMutants } from './storageMutants.ts';
import { applyStale, changeBatch, hangAs, ignoreStalls, seeSpecAs, without, wrap } from './rewire.ts';

export interface Mutant extends Breakage {
  readonly lookFor: string;
}
let runsSoFar = 0;

export const mutants: Readonly<Record<string, Mutant>> = {
  ...scheduleMutants,
  ...storageMutants,
  ...queueMutants,
  ...lifeMutants,
  ...blameMutants,
  ...formsMutants,
  ...gangMutants,
  ...preemptionMutants,
  'capacity is not looked at': {
    lookFor: 'invariant',
    policy: without(/INSUFFICIENT|NO_SLOT/),
  },
  'capacity is not given back': {
    lookFor: 'invariant',
    changeCore: ({ state }) => {
      wrap(state.tasks, 'endAttempt', (endAttempt) => (task) => {
        if (task.live && task.taskId % 7 === 0)
          state.nodes.cpuFree[task.live.node] = (state.nodes.cpuFree[task.live.node] ?? 0) - 100;
        endAttempt(task);
      });
    },
  },
  'a task that left is still counted as waiting': {
    lookFor: 'invariant',
    afterTurn: ({ state }) => {
      for (const queue of state.ready.queues.values()) queue.waiting += 1;
    },
  },
  'dispatches leave before the batch is durable': { lookFor: 'released-early', releasesEarly: true },
  'callers are answered before the batch is durable': { lookFor: 'durable-submit', answersEarly: true },
  'results are acknowledged before they are stored': { lookFor: 'durable-result', acksEarly: true },
  'the disk says durable too early': { lookFor: 'released-early', diskLies: true },
  'a stale result is applied': { lookFor: 'invented-end', changeCommand: applyStale },
  'a rejoin forgets what the agent holds': { lookFor: 'invented-end', forgetsHeld: true },
  'a lease never ends': {
    lookFor: 'not-ended',
    changeCore: ({ state }) => {
      wrap(state, 'attemptLeaseFrom', () => () => Number.MAX_SAFE_INTEGER);
    },
  },
  'an attempt lease ends too early': {
    lookFor: 'false-death',
    changeCore: ({ state }) => {
      wrap(state, 'attemptLeaseFrom', () => (nowMs) => nowMs + 9_000);
    },
  },
  'a node lease ends too early': {
    lookFor: 'false-death',
    changeCore: ({ state }) => {
      wrap(state, 'nodeLeaseFrom', () => (nowMs) => nowMs + 9_000);
    },
  },
  'a stall of the host counts as silence of the agents': { lookFor: 'false-death', changeCore: ignoreStalls },
  'a retry is lost': {
    lookFor: 'not-ended',
    changeCore: ({ state: { timers } }) => {
      wrap(timers, 'add', (add) => (timer) => {
        if (timer.kind !== 'backoff') add(timer);
      });
    },
  },
  'a blocked ask is never woken': {
    lookFor: 'left-waiting',
    changeCore: ({ state }) => {
      wrap(state.ready, 'wake', () => () => undefined);
    },
  },
  'at most once is retried': {
    lookFor: 'at-most-once',
    changeCore: seeSpecAs((spec) => ({ ...spec, delivery: 'at_least_once' })),
  },
  'attempts are not counted': {
    lookFor: 'attempts',
    changeCore: seeSpecAs((spec) => ({ ...spec, retry: { ...spec.retry, attemptsMax: 20 } })),
  },
  'a retry does not wait': {
    lookFor: 'backoff',
    changeCore: seeSpecAs((spec) => ({ ...spec, retry: { ...spec.retry, backoffMs: 0 } })),
  },
  'a key is not remembered': {
    lookFor: 'key',
    changeCore: ({ state }) => {
      wrap(state.tasks, 'byKey', () => () => undefined);
    },
  },
  'placements are not charged to their queue': {
    lookFor: 'replay-digest',
    changeCore: ({ state }) => {
      wrap(state.ready, 'charge', () => () => undefined);
    },
  },
  // These two the simulation found in the first core; kept here, so that they stay found.
  'a clock set back stands still until it is reached again': {
    lookFor: 'not-ended',
    changeCore: (core) => {
      wrap(
        core,
        'turn',
        (turn) => (wallMs, commands) => turn(Math.max(wallMs, core.state.lastBatchAtMs), commands),
      );
    },
  },
  'a requeued task keeps its failures': {
    lookFor: 'backoff',
    changeCore: ({ state }) => {
      wrap(state.tasks, 'add', (add) => (task) => {
        task.forgiven = 0;
        add(task);
      });
    },
  },
  'a cordoned node takes work': {
    lookFor: 'cordon',
    policy: without('NODE_CORDONED'),
    changeCore: ({ state }) => {
      hangAs(state, 'cordoned', 0);
    },
  },
  'a node that is gone takes work': {
    lookFor: 'offline',
    policy: without('NODE_NOT_ONLINE'),
    changeCore: ({ state }) => {
      hangAs(state, 'state', 1);
    },
  },
  'a cancelled task is tried again': {
    lookFor: 'cancel',
    afterTurn: ({ state }) => {
      for (const task of state.tasks.all()) if (task.state === 'cancelling') task.state = 'running';
    },
  },
  'tasks come to where others are that they keep apart from': {
    lookFor: 'apart',
    policy: without('NOT_APART'),
  },
  'a node for one task is taken while others are there': {
    lookFor: 'exclusive',
    policy: without('NODE_NOT_EMPTY'),
  },
  'a node for one task is given to others too': {
    lookFor: 'exclusive',
    changeCore: ({ state }) => {
      wrap(state.nodes, 'setExclusive', () => () => undefined);
    },
  },
  'placed tasks are not counted for a spread': {
    lookFor: 'spread',
    changeCore: ({ state }) => {
      wrap(state.neighbours, 'placed', () => () => undefined);
      wrap(state.neighbours, 'ended', () => () => undefined);
    },
  },
  'tasks are started that last into a maintenance window': {
    lookFor: 'window',
    policy: without('MAINTENANCE'),
  },
  'licences are not looked at': {
    lookFor: 'licence',
    changeCore: ({ state }) => {
      wrap(state.licences, 'shortOf', () => () => undefined);
    },
  },
  'an agent runs a token twice': { lookFor: 'ran-twice', runsTwice: true },
  'tokens are given twice': {
    lookFor: 'ids',
    afterTurn: ({ state }) => {
      if (state.nextToken % 9 === 0) state.nextToken -= 1;
    },
  },
  'replay skips an event': {
    lookFor: 'replay-digest',
    changeReplay: (batch) => ({
      ...batch,
      events: batch.events.filter(({ kind }) => kind !== 'attempt_started'),
    }),
  },
  'recovery tells history twice': {
    lookFor: 'ended-once',
    changeCore: (core) => {
      wrap(core, 'replay', (replay) => (batch) => {
        const ended = replay(batch);
        return [...ended, ...ended];
      });
    },
  },
  'an end is journalled twice': {
    lookFor: 'stale',
    changeCore: changeBatch((batch) => {
      const ended = batch.events.filter(({ kind }) => kind === 'attempt_ended').slice(0, 1);
      return { ...batch, events: [...batch.events, ...ended] };
    }),
  },
  'the journal has the wall clock as it jumps': {
    lookFor: 'time',
    changeCore: changeBatch((batch, wallMs) => ({ ...batch, atMs: ms(Math.floor(wallMs)) })),
  },
  'randomness is not from the seed': {
    lookFor: 'same-run',
    changeSeed: (seed) => {
      runsSoFar += 1;
      return seed + runsSoFar;
    },
  },
};
