// Tasks by the page and by the number over HTTP.
import { methodSchemas } from '../protocol/consoleWire.ts';
import { refused } from '../protocol/outcome.ts';
import * as examples from './examples.ts';
import { type Answer, type Ask, json, type Operation } from './operation.ts';
import { asParameter, filterQuery, splitQuery } from './taskFilter.ts';

const { listTasks, countTasks } = methodSchemas;

export const listOperations: readonly Operation[] = [
  {
    id: 'listTasks',
    method: 'GET',
    path: '/tasks',
    about:
      'Tasks, newest first. Give `nextBefore` of a page as `before` to get the next; absent, it was the last. ' +
      'A page that has `looked` stopped at its bound with fewer rows, or none: go on with `nextBefore`.',
    query: {
      ...filterQuery,
      before: {
        kind: 'number',
        schema: listTasks.entries.before.wrapped,
        about: 'Only ids below this one: `nextBefore` of the page before',
      },
      limit: { kind: 'number', schema: listTasks.entries.limit, about: 'Rows of a page' },
    },
    answer: { name: 'TaskList', status: 200, example: examples.taskList },
    refuses: [],
    run: (ask) => withFilter('listTasks', ask),
  },
  {
    id: 'countTasks',
    method: 'GET',
    path: '/tasks/count',
    about: 'How many tasks there are, live and ended, by state, queue, tenant, node, kind, hour or day.',
    query: {
      by: { kind: 'text', schema: countTasks.entries.by, about: 'What to split by; it must be given' },
      ...filterQuery,
    },
    answer: { name: 'TaskGroups', status: 200, example: examples.taskGroups },
    refuses: [],
    run: (ask) => withFilter('countTasks', ask),
  },
];

async function withFilter(method: 'listTasks' | 'countTasks', { query, caller }: Ask): Promise<Answer> {
  const split = splitQuery(query);
  if (!split.ok) return split;
  const { filter, others } = split.value;
  const found = await caller.call(method, { filter, ...others });
  return found.ok ? json(found.value) : refused(asParameter(found.reason));
}
