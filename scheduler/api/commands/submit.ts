// millrace submit: one task from options, or many from a file.
import { createReadStream } from 'node:fs';
import { taskId } from '../../protocol/brands.ts';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { specOf, specOptions } from './specOptions.ts';
import { submitMany } from './submitMany.ts';
import { shown, type Tools } from './tools.ts';
import { waitFor } from './wait.ts';

export const submit: Command = {
  form: '[options] -- PROGRAM [ARG...]   |   submit --file TASKS.ndjson|-',
  about: 'Submits a task, and prints its id. With --file: many, one JSON task a line.',
  options: {
    ...specOptions,
    file: { type: 'string', value: 'PATH', about: 'tasks, one JSON object a line; - is standard input' },
    wait: { type: 'boolean', about: 'until it has ended; the exit code is then the task’s' },
  },
  run: async (given, tools) => {
    const file = given.text('file');
    return file === undefined ? submitOne(given, tools) : submitFile(given, tools, file);
  },
};

async function submitOne(given: Given, tools: Tools): Promise<number> {
  const answer = await tools.client.ask(answerSchemas.TaskGiven, {
    method: 'POST',
    path: '/tasks',
    body: JSON.stringify(specOf(given)),
  });
  if (given.flag('wait')) return waitFor([taskId(answer.taskId)], tools);
  tools.out(tools.isJson ? `${JSON.stringify(answer)}\n` : `${shown(answer.taskId)}\n`);
  return exitCodes.ok;
}

async function submitFile(given: Given, tools: Tools, file: string): Promise<number> {
  const [stray] = given.areSet(Object.keys(specOptions));
  if (stray !== undefined) throw wrongUsage(`--${stray} does not go with --file: write it into the tasks`);
  if (given.words.length > 0) throw wrongUsage('--file takes no program');
  const { taskIds, refused } = await submitMany(tools, file === '-' ? tools.input : await opened(file));
  const code = refused > 0 ? exitCodes.failed : exitCodes.ok;
  if (!given.flag('wait') || taskIds.length === 0) return code;
  return Math.max(code, await waitFor(taskIds.map(taskId), tools));
}

function opened(file: string): Promise<AsyncIterable<Buffer>> {
  const stream = createReadStream(file);
  return new Promise((resolve, reject) => {
    stream.once('error', (error) => {
      reject(wrongUsage(`--file ${file} cannot be read: ${error.message}`));
    });
    stream.once('open', () => {
      resolve(stream);
    });
  });
}
