// Tasks over HTTP: submit, get, cancel, retry, why. Each asks the console by the method that windows use.
import * as v from 'valibot';
import { methodSchemas } from '../protocol/consoleWire.ts';
import type { SubmitAnswer, TaskAnswer } from '../protocol/consoleAnswers.ts';
import { submitBatchMax } from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { taskSpecSchema } from '../protocol/task.ts';
import { traced, tracedAll } from './traced.ts';
import { formatTaskId, type TaskId } from '../protocol/brands.ts';
import * as examples from './examples.ts';
import { type Answer, apiPrefix, type Ask, json, jsonOf, type Operation, readTaskId } from './operation.ts';

const { cancelTasks, getStates, requeueTasks } = methodSchemas;
const refusesSubmit = [
  'unknown_queue',
  'wrong_state',
  'queue_full',
  'class_limit',
  'key_conflict',
  'too_large',
] as const;
const idsBody = { isOptional: false, example: { taskIds: [1, 2] } };
const specsSchema = v.strictObject({
  specs: v.pipe(v.array(taskSpecSchema), v.minLength(1), v.maxLength(submitBatchMax)),
});
const reasonSchema = v.strictObject({ reason: cancelTasks.entries.reason });

export const taskOperations: readonly Operation[] = [
  {
    id: 'submitTask',
    method: 'POST',
    path: '/tasks',
    about: 'Submits one task. Sent again with the same Idempotency-Key, it answers with the first task.',
    body: { name: 'TaskSpec', schema: taskSpecSchema, example: examples.taskSpec },
    takesKey: true,
    answer: { name: 'TaskGiven', status: 201, example: { taskId: 42 } },
    refuses: refusesSubmit,
    run: submitOne,
  },
  {
    id: 'submitTasks',
    method: 'POST',
    path: '/tasks/batch',
    about: 'Submits many. One answer per task, in order; a refused task does not refuse the others.',
    body: { name: 'TaskSpecs', schema: specsSchema, example: { specs: [examples.taskSpec] } },
    answer: { name: 'SubmitAnswers', status: 200, example: { answers: [{ ok: true, taskId: 42 }] } },
    refuses: ['too_large'],
    run: async ({ caller, body, traceparent }) =>
      jsonOf(await caller.call('submitTasks', tracedAll(body ?? {}, traceparent))),
  },
  {
    id: 'getTask',
    method: 'GET',
    path: '/tasks/{taskId}',
    about: 'One task with all its attempts.',
    answer: { name: 'TaskDetail', status: 200, example: examples.taskDetail },
    refuses: ['unknown_task'],
    run: (ask) => withTask(ask, async (taskId) => jsonOf(await ask.caller.call('getTask', { taskId }))),
  },
  {
    id: 'getTaskStates',
    method: 'POST',
    path: '/tasks/states',
    about: 'How many tasks stand, in few bytes each, in the order asked: to wait for their ends.',
    body: { name: 'TaskIds', schema: getStates, ...idsBody },
    answer: {
      name: 'TaskStandings',
      status: 200,
      example: { standings: [{ taskId: 1, state: 'succeeded', exitCode: 0 }] },
    },
    refuses: [],
    run: async ({ caller, body }) => jsonOf(await caller.call('getStates', body ?? {})),
  },
  {
    id: 'whyTask',
    method: 'GET',
    path: '/tasks/{taskId}/why',
    about: 'Why a task is not running. Refused where it has ended.',
    answer: { name: 'WhyAnswer', status: 200, example: examples.why },
    refuses: ['unknown_task', 'wrong_state'],
    run: (ask) => withTask(ask, async (taskId) => jsonOf(await ask.caller.call('whyTask', { taskId }))),
  },
  {
    id: 'cancelTask',
    method: 'POST',
    path: '/tasks/{taskId}/cancel',
    about: 'Cancels a task. Where it runs, its process is ended first; its state tells when that is done.',
    body: { name: 'CancelReason', schema: reasonSchema, isOptional: true, example: { reason: 'not needed' } },
    answer: { name: 'TaskGiven', status: 200, example: { taskId: 42 } },
    refuses: ['unknown_task', 'wrong_state'],
    run: (ask) =>
      withTask(ask, async (taskId) => {
        const body = objectOf(ask.body);
        if (body === undefined) return refused(noObject);
        return oneAnswer(await ask.caller.call('cancelTasks', { ...body, taskIds: [taskId] }), taskId);
      }),
  },
  {
    id: 'cancelTasks',
    method: 'POST',
    path: '/tasks/cancel',
    about: 'Cancels many. One answer per task, in order.',
    body: { name: 'CancelTasks', schema: cancelTasks, ...idsBody },
    answer: { name: 'TaskAnswers', status: 200, example: { answers: [{ ok: true }] } },
    refuses: [],
    run: async ({ caller, body }) => jsonOf(await caller.call('cancelTasks', body ?? {})),
  },
  {
    id: 'retryTask',
    method: 'POST',
    path: '/tasks/{taskId}/retry',
    about: 'Puts a task that has ended back into its queue, with its attempts counted anew.',
    answer: { name: 'TaskGiven', status: 200, example: { taskId: 42 } },
    refuses: ['unknown_task', 'wrong_state', 'unknown_queue', 'queue_full', 'class_limit'],
    run: (ask) =>
      withTask(ask, async (taskId) =>
        oneAnswer(await ask.caller.call('requeueTasks', { taskIds: [taskId] }), taskId),
      ),
  },
  {
    id: 'retryTasks',
    method: 'POST',
    path: '/tasks/retry',
    about: 'Puts many tasks that have ended back into their queues. One answer per task, in order.',
    body: { name: 'TaskIds', schema: requeueTasks, ...idsBody },
    answer: { name: 'TaskAnswers', status: 200, example: { answers: [{ ok: true }] } },
    refuses: [],
    run: async ({ caller, body }) => jsonOf(await caller.call('requeueTasks', body ?? {})),
  },
];

async function withTask(ask: Ask, run: (taskId: TaskId) => Promise<Answer>): Promise<Answer> {
  const taskId = readTaskId(ask);
  return taskId.ok ? run(taskId.value) : taskId;
}

async function submitOne({ body, key, caller, traceparent }: Ask): Promise<Answer> {
  const spec = objectOf(body);
  if (spec === undefined || body === undefined) return refused(noObject);
  if (key !== undefined && spec['key'] !== undefined && spec['key'] !== key) {
    const message = 'the header Idempotency-Key and the field key differ; send one of them';
    return refused(refusal('bad_message', message, { field: 'key' }));
  }
  const specs = [traced(key === undefined ? spec : { ...spec, key }, traceparent)];
  const outcome = await caller.call('submitTasks', { specs });
  if (!outcome.ok) return outcome;
  const [answer] = outcome.value.answers;
  if (answer === undefined) throw new Error('a submitted task was not answered');
  if (!answer.ok) return refused(ofOneTask(answer));
  const { taskId } = answer;
  const headers = { location: `${apiPrefix}/tasks/${taskId}` };
  return accepted({ kind: 'json', value: { taskId }, status: 201, headers });
}

/** The caller sent one task and knows nothing of `specs.0`. */
function ofOneTask({ refusal: reason }: Extract<SubmitAnswer, { ok: false }>): Refusal {
  const { field, ...rest } = reason;
  const short = field?.replace(/^specs\.0\.?/, '') ?? '';
  return {
    ...rest,
    message: reason.message.replace(/^specs\.0/, 'the task'),
    ...(short !== '' && { field: short }),
  };
}

function oneAnswer(
  outcome: Outcome<{ readonly answers: readonly TaskAnswer[] }, Refusal>,
  taskId: TaskId,
): Answer {
  if (!outcome.ok) return outcome;
  const [answer] = outcome.value.answers;
  if (answer === undefined) throw new Error(`${formatTaskId(taskId)} was not answered`);
  return answer.ok ? json({ taskId }) : refused(answer.refusal);
}

/** The fields of a body; none where there is no body; undefined where it is no object. */
function objectOf(body: unknown): Readonly<Record<string, unknown>> | undefined {
  if (body === undefined) return {};
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
  return Object.fromEntries(Object.entries(body));
}

const noObject = refusal('bad_message', 'the body is one JSON object');
