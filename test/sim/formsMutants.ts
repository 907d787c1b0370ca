// Broken builds of delayed tasks, arrays and workflows.
import { GroupMembers } from '../../scheduler/core/state/groupMembers.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import { ms, taskId } from '../../scheduler/protocol/brands.ts';
import type { Mutant } from './mutants.ts';
import { wrap } from './rewire.ts';

export const formsMutants: Readonly<Record<string, Mutant>> = {
  'a delayed task starts before its time': {
    lookFor: 'delayed',
    changeCore: ({ state: { timers } }) => {
      wrap(timers, 'add', (add) => (timer) => {
        add(timer.kind === 'delayed' ? { ...timer, dueMs: 0 } : timer);
      });
    },
    afterTurn: ({ state }) => {
      for (const task of state.tasks.all())
        if (task.state === 'held' && task.untilMs > 0) task.untilMs = ms(1);
    },
  },
  'the timer of a delayed task is lost': {
    lookFor: 'not-ended',
    changeCore: ({ state: { timers } }) => {
      wrap(timers, 'add', (add) => (timer) => {
        if (timer.kind !== 'delayed') add(timer);
      });
    },
  },
  'an array runs more than it may': {
    lookFor: 'array-running',
    changeCore: ({ state }) => {
      wrap(state.arrays, 'add', (add) => ({ spec, ...origin }) => {
        const count = spec.array?.count ?? 1;
        return add({ ...origin, spec: { ...spec, array: { count } } });
      });
    },
  },
  'an element begins twice': {
    lookFor: 'array',
    afterTurn: ({ state }) => {
      for (const row of state.arrays.all()) if (row.next > 0 && row.next < row.size) row.next -= 1;
    },
  },
  'elements never begin': {
    lookFor: 'not-ended',
    changeCore: ({ state }) => {
      wrap(state.arrays, 'all', () => () => [].values());
    },
  },
  'a task starts whatever became of those before it': {
    lookFor: 'workflow',
    changeCore: ({ state }) => {
      wrap(state.workflows, 'add', (add) => ({ tasks, ...origin }) => {
        return add({ ...origin, tasks: tasks.map((task) => ({ ...task, when: 'all_ended' })) });
      });
    },
  },
  'nobody looks after what comes next': {
    lookFor: 'not-ended',
    changeCore: ({ state }) => {
      wrap(state.workflows, 'touch', () => () => undefined);
    },
  },
  'a workflow is never ended': {
    lookFor: 'workflow',
    changeCore: ({ state }) => {
      wrap(state.workflows, 'isClosed', () => () => true);
    },
  },
  'an array ends before its last element': {
    lookFor: 'array',
    changeCore: ({ state }) => {
      const nobody = new GroupMembers<Task>().of(taskId(0));
      wrap(state.tasks.groups, 'of', (of) => (groupId) => {
        const members = of(groupId);
        return members.tasks.size === 1 ? nobody : members;
      });
    },
  },
};
