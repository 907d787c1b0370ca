// Broken builds of what keeps and brings back: snapshots, recovery, repair, history, ledgers, and effects outside.
import type { Core } from '../../scheduler/core/cycle.ts';
import { policies } from '../../scheduler/core/place/policy.ts';
import { epoch } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import type { Mutant } from './mutants.ts';
import { wrap } from './rewire.ts';

type Begun = ReturnType<Core['beginSnapshot']>;

/** Breaks each snapshot as it is begun. */
const breakSnapshot =
  (breakOne: (snapshot: Begun, core: Core) => void) =>
  (core: Core): void => {
    wrap(core, 'beginSnapshot', (begin) => (pace) => {
      const snapshot = begin(pace);
      breakOne(snapshot, core);
      return snapshot;
    });
  };
const endsAttempt = (event: Event): boolean =>
  event.kind === 'attempt_ended' || event.kind === 'task_cancelled';

export const storageMutants: Readonly<Record<string, Mutant>> = {
  'a snapshot does not keep what changes': {
    lookFor: 'snapshot',
    changeCore: breakSnapshot((snapshot) => {
      wrap(snapshot, 'keep', () => () => undefined);
    }),
  },
  'a snapshot leaves out what ended meanwhile': {
    lookFor: 'snapshot',
    changeCore: breakSnapshot((snapshot) => {
      wrap(snapshot, 'keep', (keep) => (event) => {
        if (!endsAttempt(event)) keep(event);
      });
    }),
  },
  'a snapshot takes in what came later': {
    lookFor: 'snapshot',
    changeCore: ({ state }) => {
      wrap(state.tasks, 'add', (add) => (task) => {
        task.mark = 0;
        add(task);
      });
    },
  },
  'a snapshot forgets keys': {
    lookFor: 'snapshot',
    changeCore: breakSnapshot((snapshot) => {
      wrap(
        snapshot,
        'parts',
        (parts) =>
          function* () {
            for (const part of parts()) if (part?.startsWith('{"keys"') !== true) yield part;
          },
      );
    }),
  },
  'a start takes a snapshot that was not finished': {
    lookFor: 'replay-digest',
    needs: ['hostCrash'],
    readsUnfinished: true,
  },
  'a snapshot counts before history holds what it covers': {
    lookFor: 'durable-submit',
    needs: ['stuckThenCrash', 'slowDisk'],
    load: 'crowd',
    snapshotsAheadOfHistory: true,
  },
  'a write that failed counts as done': { lookFor: 'released-early', diskErrorsIgnored: true },
  'the engine does not wait for history': { lookFor: 'history-room', ignoresHistoryRoom: true },
  'a repair gives numbers again': {
    lookFor: 'ids',
    needs: ['olderJournal', 'hostCrash'],
    changeRepair: (event) => ({ ...event, nextTaskId: 1, nextToken: 1 }),
  },
  'a repair forgets what has ended': {
    lookFor: 'runs-ended',
    needs: ['olderJournal', 'hostCrash'],
    changeRepair: (event) => ({ ...event, ended: [] }),
  },
  'a repair begins an epoch again': {
    lookFor: 'epoch',
    needs: ['olderJournal', 'hostCrash'],
    changeCore: (core) => {
      wrap(core, 'replay', (replay) => (batch) => {
        const before = core.state.epoch;
        const ended = replay(batch);
        if (batch.events.some(({ kind }) => kind === 'journal_repaired')) core.state.epoch = epoch(before);
        return ended;
      });
    },
  },
  'an agent tells its results by its clock': {
    lookFor: 'order',
    needs: ['agentClockJump', 'agentAway', 'cut'],
    isCalm: true,
    tellsByClock: true,
  },
  'an agent tells each result only once': { lookFor: 'not-told', tellsOnce: true },
  'a guarded resource does not look at tokens': { lookFor: 'effect-once', effectsUnguarded: true },
  'a heartbeat renews what never arrived': {
    lookFor: 'not-ended',
    changeCommand: ({ state: { nodes } }, command) => {
      const node = command.kind === 'Heartbeat' ? nodes.indexOf(command.nodeId) : undefined;
      if (command.kind !== 'Heartbeat' || node === undefined) return command;
      return { ...command, running: [...nodes.attemptsOn(node)] };
    },
  },
  'a node is forgotten while it may run something': {
    lookFor: 'invariant',
    changeCommand: ({ state: { nodes } }, command) => {
      const node = command.kind === 'ForgetNode' ? nodes.indexOf(command.nodeId) : undefined;
      if (node !== undefined) nodes.attemptsOn(node).clear();
      return command;
    },
  },
  'a node too small for what it holds takes work': {
    lookFor: 'oversold',
    policy: {
      ...policies.pack,
      filters: policies.pack.filters.map((filter) => ({
        ...filter,
        refuses: (node, ask, fleet) =>
          filter.refuses(node, ask, fleet) &&
          !(fleet.overheld.has(node) && /INSUFFICIENT|NO_SLOT/.test(filter.reason)),
      })),
    },
  },
};
