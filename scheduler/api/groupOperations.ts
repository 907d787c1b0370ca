// Arrays and workflows over HTTP. Each asks the console by the method that windows use.
import { accepted, type Outcome, type Refusal, refused } from '../protocol/outcome.ts';
import { workflowSchema } from '../protocol/workflow.ts';
import { taskSpec } from './examples.ts';
import { type Answer, apiPrefix, type Ask, jsonOf, type Operation, readTaskId } from './operation.ts';

const workflow = {
  name: 'nightly',
  tasks: [
    { ref: 'measure', spec: taskSpec },
    { ref: 'report', spec: taskSpec, after: ['measure'], when: 'all_success' },
  ],
};
const row = {
  groupId: 42,
  kind: 'workflow',
  name: 'nightly',
  submitter: 'program@127.0.0.1',
  submittedAtMs: 1_794_000_000_000,
  size: 2,
  waiting: 0,
  live: { ready: 0, held: 1, backoff: 0, dispatched: 0, running: 1, cancelling: 0 },
  ended: { succeeded: 0, deadLetter: 0, cancelled: 0, unknown: 0 },
};
const members = [
  { taskId: 43, ref: 'measure', after: [], when: 'all_success', state: 'running' },
  { taskId: 44, ref: 'report', after: ['measure'], when: 'all_success', state: 'held' },
];

export const groupOperations: readonly Operation[] = [
  {
    id: 'submitWorkflow',
    method: 'POST',
    path: '/workflows',
    about:
      'Submits tasks that come after one another, all or none. One without `after` starts at once; the others wait ' +
      'until their rule is met, or are cancelled once it cannot be.',
    body: { name: 'Workflow', schema: workflowSchema, example: workflow },
    answer: { name: 'WorkflowAnswer', status: 201, example: { groupId: 42, taskIds: [43, 44] } },
    refuses: ['unknown_queue', 'queue_full', 'class_limit', 'key_conflict', 'too_large', 'too_many'],
    run: async ({ caller, body }) => given(await caller.call('submitWorkflow', { workflow: body })),
  },
  {
    id: 'listGroups',
    method: 'GET',
    path: '/groups',
    about: 'Arrays that have not ended, and workflows until a while after their end, with how far each is.',
    answer: { name: 'GroupList', status: 200, example: { groups: [row] } },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('listGroups', {})),
  },
  {
    id: 'getGroup',
    method: 'GET',
    path: '/groups/{taskId}',
    about:
      'One array or workflow; of a workflow its tasks too, with what they come after and how they stand.',
    answer: { name: 'GroupDetail', status: 200, example: { group: row, members } },
    refuses: ['unknown_task'],
    run: (ask) => withGroup(ask, 'getGroup'),
  },
  {
    id: 'retryWorkflow',
    method: 'POST',
    path: '/groups/{taskId}/retry',
    about:
      'Puts back the tasks of a workflow that failed and those that were cancelled, each after what it waits for. ' +
      'One answer per task that was put back.',
    answer: { name: 'TaskAnswers', status: 200, example: { answers: [{ ok: true }] } },
    refuses: ['unknown_task', 'wrong_state'],
    run: (ask) => withGroup(ask, 'retryWorkflow'),
  },
];

async function withGroup(ask: Ask, method: 'getGroup' | 'retryWorkflow'): Promise<Answer> {
  const groupId = readTaskId(ask);
  return groupId.ok ? jsonOf(await ask.caller.call(method, { groupId: groupId.value })) : groupId;
}

function given(outcome: Outcome<{ readonly groupId: number }, Refusal>): Answer {
  if (!outcome.ok) return refused(outcome.reason);
  const headers = { location: `${apiPrefix}/groups/${outcome.value.groupId}` };
  return accepted({ kind: 'json', value: outcome.value, status: 201, headers });
}
