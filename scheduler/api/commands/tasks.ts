// millrace get, why, cancel, retry: tasks as tables and in words.
import type { InferOutput } from 'valibot';
import { submitBatchMax } from '../../protocol/limits.ts';
import { workLine } from '../../protocol/work.ts';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, onlyWord, readTaskId, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { chunksOf, readTaskIds } from './taskIds.ts';
import { clean, shown, table, timeOf, type Tools } from './tools.ts';
import { whyInWords } from './whyWords.ts';

type TaskRecord = InferOutput<typeof answerSchemas.TaskRecord>;

export const get: Command = {
  form: 'ID',
  about: 'Shows one task with its attempts.',
  options: {},
  run: async (given, tools) => {
    const path = `/tasks/${readTaskId(onlyWord(given, 'task id'))}`;
    const detail = await tools.client.ask(answerSchemas.TaskDetail, { method: 'GET', path });
    tools.out(tools.isJson ? `${JSON.stringify(detail)}\n` : inWords(detail.record));
    return exitCodes.ok;
  },
};

function inWords(record: TaskRecord): string {
  const { taskId, spec, state, submitter, submittedAtMs, endedAtMs, reason, attempts } = record;
  const { work } = spec;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['task', shown(taskId)],
    ['name', spec.name],
    ['state', state],
    ['reason', reason],
    ['queue', `${spec.queue}, priority ${spec.priority}`],
    ['tenant', spec.tenant],
    ['work', work.kind === 'simulated' ? `simulated for ${work.runMs} ms` : workLine(work)],
    ['submitted', `${timeOf(submittedAtMs)} by ${submitter}`],
    ['ended', endedAtMs === undefined ? undefined : timeOf(endedAtMs)],
  ];
  const told = facts.flatMap(([name, fact]) =>
    fact === undefined || fact === '' ? [] : [`${name.padEnd(10)} ${clean(fact)}\n`],
  );
  if (attempts.length === 0) return told.join('');
  const result = attempts.at(-1)?.end?.result;
  const rows = attempts.map(({ attempt, nodeId, placedAtMs, end }) => [
    attempt,
    nodeId,
    timeOf(placedAtMs),
    end === undefined ? 'not ended' : `${end.reason} ${end.exitCode ?? end.signal ?? ''}`.trimEnd(),
    end?.runMs === undefined ? '-' : `${end.runMs} ms`,
    end?.message ?? '',
  ]);
  const shownResult = result === undefined ? '' : `\nresult\n${clean(result)}\n`;
  return `${told.join('')}\n${table(['ATTEMPT', 'NODE', 'PLACED', 'END', 'RAN', 'MESSAGE'], rows)}${shownResult}`;
}

export const why: Command = {
  form: 'ID',
  about: 'Tells why a task is not running.',
  options: {},
  run: async (given, tools) => {
    const path = `/tasks/${readTaskId(onlyWord(given, 'task id'))}/why`;
    const answer = await tools.client.ask(answerSchemas.WhyAnswer, { method: 'GET', path });
    tools.out(tools.isJson ? `${JSON.stringify(answer)}\n` : whyInWords(answer));
    return exitCodes.ok;
  },
};

export const cancel: Command = {
  form: 'ID... | -',
  about: 'Cancels tasks; what runs is ended.',
  options: { reason: { type: 'string', value: 'TEXT', about: 'written beside the task' } },
  run: (given, tools) => forTasks(given, tools, { path: '/tasks/cancel', done: 'cancelled' }),
};

export const retry: Command = {
  form: 'ID... | -',
  about: 'Puts tasks that have ended back into their queues.',
  options: {},
  run: (given, tools) => forTasks(given, tools, { path: '/tasks/retry', done: 'back in its queue' }),
};

async function forTasks(
  given: Given,
  tools: Tools,
  { path, done }: { readonly path: string; readonly done: string },
): Promise<number> {
  const { client, out, say, isJson } = tools;
  const reason = given.text('reason');
  const ids = await readTaskIds(given, tools);
  let failures = 0;
  let lastCode = '';
  for (const taskIds of chunksOf(ids, submitBatchMax)) {
    const body = JSON.stringify({ taskIds, ...(reason !== undefined && { reason }) });
    const { answers } = await client.ask(answerSchemas.TaskAnswers, { method: 'POST', path, body });
    for (const [at, taskId] of taskIds.entries()) {
      const answer = answers[at];
      if (answer === undefined) throw wrongUsage(`the hub did not answer for ${shown(taskId)}`);
      if (isJson) out(`${JSON.stringify({ taskId, ...answer })}\n`);
      else if (answer.ok) out(`${shown(taskId)} ${done}\n`);
      else say(`${answer.refusal.message} (${answer.refusal.code})\n`);
      if (answer.ok) continue;
      failures += 1;
      lastCode = answer.refusal.code;
    }
  }
  if (ids.length === 1 && lastCode !== '')
    return lastCode === 'unknown_task' ? exitCodes.notFound : exitCodes.refused;
  return failures > 0 ? exitCodes.failed : exitCodes.ok;
}
