// millrace submit-workflow, groups, retry-workflow: arrays and workflows as tables.
import { readFile } from 'node:fs/promises';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, onlyWord, readTaskId, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { printRows, shown, timeOf, type Tools } from './tools.ts';

export const submitWorkflow: Command = {
  form: 'FILE',
  about: 'Submits a workflow from a JSON file, and prints its id and those of its tasks.',
  options: {},
  run: async (given, { client, out, isJson }) => {
    const body = await contents(onlyWord(given, 'file'));
    const answer = await client.ask(answerSchemas.WorkflowAnswer, {
      method: 'POST',
      path: '/workflows',
      body,
    });
    out(isJson ? `${JSON.stringify(answer)}\n` : [answer.groupId, ...answer.taskIds].map(lineOf).join(''));
    return exitCodes.ok;
  },
};
const lineOf = (id: number): string => `${shown(id)}\n`;

async function contents(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw wrongUsage(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export const groups: Command = {
  form: '[ID]',
  about: 'Lists arrays and workflows with how far they are, or shows the tasks of one workflow.',
  options: {},
  run: async (given, tools) => {
    if (given.words.length > 0) await showOne(readTaskId(onlyWord(given, 'group')), tools);
    else await showAll(tools);
    return exitCodes.ok;
  },
};

async function showAll(tools: Tools): Promise<void> {
  const list = await tools.client.ask(answerSchemas.GroupList, { method: 'GET', path: '/groups' });
  const head = ['GROUP', 'KIND', 'SIZE', 'WAIT', 'RUN', 'DONE', 'FAILED', 'CANCELLED', 'SUBMITTED', 'NAME'];
  printRows(tools, list.groups, head, ({ live, ended, ...row }) => [
    shown(row.groupId),
    row.kind,
    row.size,
    row.waiting + live.ready + live.held + live.backoff,
    live.dispatched + live.running + live.cancelling,
    ended.succeeded,
    ended.deadLetter + ended.unknown,
    ended.cancelled,
    timeOf(row.submittedAtMs),
    row.name,
  ]);
}

async function showOne(groupId: number, tools: Tools): Promise<void> {
  const path = `/groups/${String(groupId)}`;
  const { group, members } = await tools.client.ask(answerSchemas.GroupDetail, { method: 'GET', path });
  if (!members) {
    tools.out(`${JSON.stringify(group, undefined, tools.isJson ? 0 : 2)}\n`);
    return;
  }
  printRows(tools, members, ['TASK', 'REF', 'STATE', 'WHEN', 'AFTER'], (row) => [
    shown(row.taskId),
    row.ref,
    row.state,
    row.after.length > 0 ? row.when : '-',
    row.after.join(' '),
  ]);
}

export const retryWorkflow: Command = {
  form: 'ID',
  about: 'Puts back what failed in a workflow, and what was cancelled for it.',
  options: {},
  run: async (given, { client, out, say, isJson }) => {
    const path = `/groups/${String(readTaskId(onlyWord(given, 'workflow')))}/retry`;
    const { answers } = await client.ask(answerSchemas.TaskAnswers, { method: 'POST', path });
    const refusals = answers.flatMap((answer) => (answer.ok ? [] : [answer.refusal.message]));
    for (const message of refusals) say(`${message}\n`);
    const done = answers.length - refusals.length;
    out(isJson ? `${JSON.stringify({ answers })}\n` : `${String(done)} tasks are back in their queues\n`);
    return refusals.length > 0 ? exitCodes.failed : exitCodes.ok;
  },
};
