// A real host and a real agent: a program that keeps a checkpoint is stopped in its grace for an urgent one, which runs
// in its place, and goes on after it from where it was.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  folder = mkdtempSync(join(tmpdir(), 'millrace-preempt-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await gone;
  }
  rmSync(folder, { recursive: true, force: true });
});
function start(file: string, ...args: string[]): () => string {
  const child = spawn(process.execPath, [join(root, file), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return () => said;
}
const said = (): string[] => {
  const path = join(folder, 'said');
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
};

/** Counts on from where the attempt before was, until it may end; asked to stop, it writes how far it is and leaves. */
const counting = `
n=0; [ -f "$MILLRACE_CHECKPOINT" ] && n=$(cat "$MILLRACE_CHECKPOINT")
echo "low from $n" >> said
trap 'echo "$n" > "$MILLRACE_CHECKPOINT_OUT"; echo "low stopped at $n" >> said; exit 1' TERM
while [ ! -e go ]; do n=$((n+1)); sleep 0.05; done
echo "low done" >> said`;
const urgent = 'echo "high runs" >> said; while [ ! -e go ]; do sleep 0.02; done; echo "high done" >> said';

test('stopped in its grace, replaced by the urgent one, and gone on from its checkpoint', async () => {
  const data = join(folder, 'host');
  // The minute after a start in which nothing is stopped for others is nine seconds here.
  const host = start('scheduler/host/entry.ts', '--data', data, '--port', '0', '--time-scale', '0.15');
  const addressOf = (): string | undefined => /agents join at (\S+)/.exec(host())?.[1];
  await until(() => addressOf() !== undefined, 'the host listens', 20_000);
  const hub = addressOf() ?? '';
  const secrets = readSecrets(data);
  const agentArgs = ['--hub', hub, '--node', 'PRESS-07', '--data', join(folder, 'agent'), '--cpu', '4000'];
  const agent = start('agent/main.ts', ...agentArgs, '--token', await enrolmentToken(hub, data, 1));
  const console = await connectConsole(hub, secrets.consoleToken);
  const submit = async (line: string, more: object) => {
    const work = { kind: 'command', argv: [line], shell: true, cwd: folder } as const;
    const spec = { work, ask: { cpu: 3_000, memory: 64 }, graceMs: 10_000, ...more };
    const { answers } = await console.call('submitTasks', { specs: [spec] });
    const [answer] = answers;
    if (answer?.ok !== true) throw new Error(JSON.stringify(answer));
    return answer.taskId;
  };
  const recordOf = async (taskId: Awaited<ReturnType<typeof submit>>) =>
    (await console.call('getTask', { taskId })).record;

  await console.call('putQueue', { queue: 'urgent', change: { canPreempt: true } });
  const low = await submit(counting, { priority: 2, isPreemptible: true, retry: { attemptsMax: 1 } });
  await until(() => said().length === 1, `the first one runs: ${agent()}`, 20_000);
  const high = await submit(urgent, { queue: 'urgent', priority: 8 });
  await until(() => said().includes('high runs'), `the urgent one runs: ${said().join()}`, 30_000);
  const reached = Number(/low stopped at (\d+)/.exec(said().join('\n'))?.[1]);
  expect(said()).toEqual(['low from 0', `low stopped at ${String(reached)}`, 'high runs']);
  expect(reached).toBeGreaterThan(0);
  const waiting = await recordOf(low);
  expect(waiting).toMatchObject({
    state: 'ready',
    attempts: [{ end: { reason: 'preempted', stoppedFor: high } }],
  });

  writeFileSync(join(folder, 'go'), '');
  await until(() => said().includes('low done'), `both end: ${said().join()}`, 30_000);
  expect(said().slice(3)).toEqual(['high done', `low from ${String(reached)}`, 'low done']);
  console.close();
}, 120_000);
