// millrace wait: until tasks have ended. The exit code of one task is passed on.
import type { TaskId } from '../../protocol/brands.ts';
import { submitBatchMax } from '../../protocol/limits.ts';
import { isEnded } from '../../protocol/task.ts';
import type { InferOutput } from 'valibot';
import { answerSchemas } from '../answerSchemas.ts';
import type { Command } from './command.ts';
import { CommandFailed, exitCodes } from './exitCodes.ts';
import { chunksOf, readTaskIds } from './taskIds.ts';
import { shown, type Tools } from './tools.ts';

const firstPauseMs = 50;
const longestPauseMs = 1_000;
type Standing = InferOutput<typeof answerSchemas.TaskStanding>;

export const wait: Command = {
  form: 'ID... | -',
  about:
    'Waits until the tasks have ended. Of one task: ends with its exit code. Of several: 0 if all succeeded.',
  options: { timeout: { type: 'string', value: 'TIME', about: 'give up after this; exit code 124' } },
  run: async (given, tools) => waitFor(await readTaskIds(given, tools), tools, given.durationMs('timeout')),
};

/** Resolves to the exit code. Fails with `timeout` where `timeoutMs` passes first. */
export async function waitFor(taskIds: readonly TaskId[], tools: Tools, timeoutMs?: number): Promise<number> {
  const untilMs = timeoutMs === undefined ? Infinity : Date.now() + timeoutMs;
  const ended: Standing[] = [];
  let waiting = taskIds;
  let pauseMs = firstPauseMs;
  for (;;) {
    const standings = await standingsOf(waiting, tools);
    const now = standings.filter(({ state }) => state === 'unknown' || isEnded(state));
    for (const one of now) print(one, tools);
    ended.push(...now);
    const gone = new Set(now.map((one) => one.taskId));
    waiting = waiting.filter((taskId) => !gone.has(taskId));
    if (waiting.length === 0) return codeOf(ended);
    if (Date.now() >= untilMs)
      throw new CommandFailed(exitCodes.timeout, `${waiting.length} tasks have not ended in time`);
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, untilMs - Date.now())));
    pauseMs = now.length > 0 ? firstPauseMs : Math.min(pauseMs * 1.5, longestPauseMs);
  }
}

async function standingsOf(taskIds: readonly TaskId[], { client }: Tools): Promise<readonly Standing[]> {
  const found: Standing[] = [];
  for (const chunk of chunksOf(taskIds, submitBatchMax)) {
    const body = JSON.stringify({ taskIds: chunk });
    const call = { method: 'POST', path: '/tasks/states', body } as const;
    found.push(...(await client.ask(answerSchemas.TaskStandings, call)).standings);
  }
  return found;
}

function print(one: Standing, { out, isJson }: Tools): void {
  const exit = one.exitCode === undefined ? '' : ` exit ${one.exitCode}`;
  out(isJson ? `${JSON.stringify(one)}\n` : `${shown(one.taskId)} ${one.state}${exit}\n`);
}

function codeOf(ended: readonly Standing[]): number {
  const [first] = ended;
  if (ended.length === 1 && first) return codeOfOne(first);
  return ended.every(({ state }) => state === 'succeeded') ? exitCodes.ok : exitCodes.failed;
}

/** A process can only end with 0 to 255; Windows programs end with larger codes. */
function codeOfOne({ state, exitCode }: Standing): number {
  if (state === 'succeeded') return exitCodes.ok;
  if (state === 'unknown') return exitCodes.notFound;
  return exitCode !== undefined && exitCode > 0 && exitCode <= 255 ? exitCode : exitCodes.failed;
}
