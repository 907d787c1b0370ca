// What a task of a trial does: notes that it began, runs a while, fails or does its effect. All of it can be read
// afterwards from two files, one line each time.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTaskId, type TaskId, type Token, token } from '../../scheduler/protocol/brands.ts';
import type { TaskSpecInput } from '../../scheduler/protocol/task.ts';
import type { PlannedTask } from './plan.ts';

export interface Line {
  readonly taskId: TaskId;
  readonly token: Token;
}
export interface EffectFiles {
  /** Written by every attempt that begins, unguarded: shows how often something ran. */
  readonly begun: string;
  /** Written by the guarded effect. */
  readonly effects: string;
  readonly isGuarded: boolean;
}

export function effectFilesIn(folder: string, isGuarded: boolean): EffectFiles {
  const files = { begun: join(folder, 'begun'), effects: join(folder, 'effects') };
  for (const file of Object.values(files)) closeSync(openSync(file, 'a'));
  return { ...files, isGuarded };
}

/** Attempts for a task whose attempts fail on purpose: enough for what a trial does to them besides. */
const attemptsMax = 12;

export function specOf(task: PlannedTask, folder: string, files: EffectFiles): TaskSpecInput {
  const script = [
    `printf '%s %s\\n' "$MILLRACE_TASK" "$MILLRACE_TOKEN" >> ${files.begun}`,
    `sleep ${(task.runMs / 1_000).toFixed(3)}`,
    // Counted over all attempts of the task, also those that the platform lost.
    `[ "$MILLRACE_ATTEMPT" -gt ${task.failures} ] || exit 3`,
    effectCommand(files.effects, files.isGuarded),
  ];
  return {
    key: task.key,
    name: task.key,
    queue: task.queue,
    priority: task.priority,
    delivery: task.delivery,
    work: { kind: 'command', argv: [script.join('\n')], shell: true, env: { MILLRACE_TRIAL: folder } },
    ask: { cpu: 100, memory: 64 },
    timeoutMs: 60_000,
    graceMs: 200,
    retry: { attemptsMax, backoffMs: 50, backoffCapMs: 400 },
  };
}

/** One line, once per task. Unguarded: once per attempt that comes so far, to see what the guard prevents. */
function effectCommand(file: string, isGuarded: boolean): string {
  if (!isGuarded) return `printf '%s %s\\n' "$MILLRACE_TASK" "$MILLRACE_TOKEN" >> ${file}`;
  return `"$MILLRACE_GUARD" append ${file} done`;
}

export function readLines(file: string): readonly Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => {
      const [task = '', number = ''] = text.split(' ');
      const taskId = parseTaskId(task);
      if (taskId === undefined) throw new Error(`${file} has a line that no task wrote: ${text}`);
      return { taskId, token: token(Number(number)) };
    });
}
