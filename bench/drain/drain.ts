// A hub that was away while a plant worked on: how long until every result that agents kept is stored, and whether one was
// lost or ran again. The results of an hour are one a minute and agent; they end while the hub is gone.
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import { enrolmentToken } from '../../test/enrolmentToken.ts';
import { Door } from '../../test/torture/door.ts';
import { type Bench, type Measured, rounded, wholeOption } from '../bench.ts';
import { HostUnderLoad } from '../fleet/hostUnderLoad.ts';
import type { AgentCounts, AgentsAsk } from './agents.ts';
import { freePort, oneByOneS } from './oneByOne.ts';

const resultsPerHour = 60;
const batch = 1_000;
const pollMs = 50;
const stepWithinMs = 300_000;
/** Ledgers of a thousand nodes at once are no one machine's: their flushes go where they cost nothing. */
const memoryFolder = '/dev/shm';

/** Options: `agents` (1,000), `hours` of results (1), `runS` of each attempt (60): more than it takes to begin all. */
export const drain: Bench = async (options): Promise<Measured> => {
  const agents = wholeOption(options, 'agents', 1_000);
  const each = resultsPerHour * wholeOption(options, 'hours', 1);
  const runS = wholeOption(options, 'runS', 60);
  const tasks = agents * each;
  const folder = mkdtempSync(join(options['folder'] ?? tmpdir(), 'millrace-drain-'));
  const ledgers = mkdtempSync(join(existsSync(memoryFolder) ? memoryFolder : tmpdir(), 'millrace-ledgers-'));
  const children: ChildProcess[] = [];
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL');
  });
  try {
    const args = ['--port', String(await freePort()), '--nodes-expected', String(agents)];
    const first = await HostUnderLoad.start(folder, args, children);
    const token = await enrolmentToken(first.url, folder);
    const plant = startAgents({ hub: first.url, token, agents, slots: each + 4, ledgers }, children);
    await until('all agents joined', async () => (await count(plant)).joined === agents);
    const door = new Door();
    door.leadTo(first.url, folder);
    const taskIds = await submitAll(door, tasks, runS * 1_000);
    await until('all attempts began', async () => (await count(plant)).begun >= tasks);
    await first.kill();
    const endedBefore = tasks - (await count(plant)).running;
    await until('all attempts ended', async () => (await count(plant)).running === 0);

    await count(plant, 'forget joins');
    const startMs = Date.now();
    const second = await HostUnderLoad.start(folder, args, children);
    const listeningMs = Date.now();
    door.leadTo(second.url, folder);
    await until('all results are stored', async () => (await door.liveTasks()) === 0);
    const drainedMs = Date.now();
    const counts = await count(plant);
    const lost = await notSucceeded(door, taskIds);
    await second.stop();
    return {
      params: { agents, resultsEach: each, runS },
      figures: {
        drainS: rounded((drainedMs - counts.firstJoinAtMs) / 1_000),
        fromListeningS: rounded((drainedMs - listeningMs) / 1_000),
        listeningS: rounded((listeningMs - startMs) / 1_000),
        joinsS: rounded((counts.lastJoinAtMs - counts.firstJoinAtMs) / 1_000),
        resultsPerS: rounded(((tasks - endedBefore) * 1_000) / (drainedMs - counts.firstJoinAtMs)),
        results: tasks - endedBefore,
        lost,
        restarts: counts.begun - tasks,
      },
      peers: { oneByOneS: rounded(await oneByOneS(agents, each)) },
    };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    for (const used of [folder, ledgers]) rmSync(used, { recursive: true, force: true, maxRetries: 3 });
  }
};

function startAgents(asked: AgentsAsk, children: ChildProcess[]): ChildProcess {
  const child = fork(join(import.meta.dirname, 'agents.ts'), [JSON.stringify(asked)]);
  children.push(child);
  child.on('message', (counts: AgentCounts) => waiting.shift()?.(counts));
  return child;
}

const waiting: ((counts: AgentCounts) => void)[] = [];
const count = (plant: ChildProcess, how: 'count' | 'forget joins' = 'count'): Promise<AgentCounts> =>
  new Promise((resolve) => {
    waiting.push(resolve);
    plant.send(how);
  });

async function submitAll(door: Door, tasks: number, runMs: number): Promise<TaskId[]> {
  const taskIds: TaskId[] = [];
  while (taskIds.length < tasks) {
    const specs = Array.from({ length: Math.min(batch, tasks - taskIds.length) }, (_, at) => ({
      key: `drain-${String(taskIds.length + at)}`,
      work: { kind: 'simulated' as const, runMs },
      ask: { cpu: 10, memory: 8 },
    }));
    const answers = await door.submit(specs);
    if (answers?.every(({ ok }) => ok) === true)
      taskIds.push(...answers.flatMap((answer) => (answer.ok ? [answer.taskId] : [])));
    else await pause(pollMs);
  }
  return taskIds;
}

async function notSucceeded(door: Door, taskIds: readonly TaskId[]): Promise<number> {
  let missing = 0;
  for (let from = 0; from < taskIds.length; from += batch) {
    const standings = await door.states(taskIds.slice(from, from + batch));
    if (!standings) throw new Error(`the host did not say how task ${String(taskIds[from])} and on stand`);
    missing += standings.filter(({ state }) => state !== 'succeeded').length;
  }
  return missing;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + stepWithinMs;
  while (!(await isSo())) {
    if (performance.now() > untilMs) throw new Error(`waited too long until ${what}`);
    await pause(pollMs);
  }
}

const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));
