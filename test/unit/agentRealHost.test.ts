// A real host and a real agent, the agent killed in the middle of its attempts: ended, tried again, effects once.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectConsole, readSecrets } from '../e2e/consoleClient.ts';
import { until } from './support/agentHub.ts';
import { enrolmentToken } from '../enrolmentToken.ts';

const root = new URL('../..', import.meta.url).pathname;
const children: ChildProcess[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-real-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await gone;
  }
  rmSync(folder, { recursive: true, force: true });
});
function start(file: string, ...args: string[]): { child: ChildProcess; said: () => string } {
  const child = spawn(process.execPath, [join(root, file), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return { child, said: () => said };
}
const linesOf = (name: string): string[] => {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
};

test('kill -9 of the agent before and after an effect: its processes end, tasks are tried again, effects are once', async () => {
  const data = join(folder, 'host');
  const host = start('scheduler/host/entry.ts', '--data', data, '--port', '0');
  const addressOf = (): string | undefined => /agents join at (\S+)/.exec(host.said())?.[1];
  await until(() => addressOf() !== undefined, 'the host listens', 20_000);
  const hub = addressOf() ?? '';
  const secrets = readSecrets(data);
  const agentArgs = ['--hub', hub, '--node', 'PRESS-07', '--data', join(folder, 'agent'), '--cpu', '4000'];
  const first = start('agent/main.ts', ...agentArgs, '--token', await enrolmentToken(hub, data, 1));
  const console = await connectConsole(hub, secrets.consoleToken);
  const guarded = '"$MILLRACE_GUARD" append effects done';
  const waits = 'if [ "$MILLRACE_ATTEMPT" = 1 ]; then echo $$ >> pids; sleep 60; fi';
  const specs = [`${waits}; ${guarded}`, `${guarded} && ${waits}`].map((line) => ({
    work: { kind: 'command', argv: [`echo run >> runs; ${line}`], shell: true, cwd: folder } as const,
    ask: { cpu: 100, memory: 64 },
  }));
  const { answers } = await console.call('submitTasks', { specs });
  expect(answers).toHaveLength(2);
  await until(
    () => linesOf('pids').length === 2 && linesOf('effects').length === 1,
    'both are in the middle',
    20_000,
  );
  first.child.kill('SIGKILL');
  await until(() => first.child.signalCode === 'SIGKILL', 'the agent is dead');
  const pids = linesOf('pids').map(Number);
  expect(pids.every((pid) => existsSync(`/proc/${String(pid)}`))).toBe(true);
  const second = start('agent/main.ts', ...agentArgs);
  await until(() => linesOf('runs').length === 4, `both were tried again: ${second.said()}`, 40_000);
  await until(() => pids.every((pid) => !existsSync(`/proc/${String(pid)}`)), 'their processes ended');
  const taskIds = answers.map((answer) => ('taskId' in answer ? answer.taskId : 0)) as never;
  await until(() => linesOf('effects').length === 2, 'both effects');
  for (;;) {
    const { standings } = await console.call('getStates', { taskIds });
    if (standings.every(({ state }) => state === 'succeeded')) break;
    expect(standings.some(({ state }) => state === 'dead_letter')).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(new Set(linesOf('effects').map((line) => line.split(' ')[0])).size).toBe(2);
  expect(linesOf('effects')).toHaveLength(2);
  console.close();
}, 90_000);
