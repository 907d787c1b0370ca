// How many tasks fail for no fault of their own: many real-wire tasks on virtual nodes that are killed at random, some
// without a sign, several a second. Beside it what a queue without leases would have lost: what ran on those nodes.
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import { isEnded } from '../../scheduler/protocol/task.ts';
import { Door } from '../../test/torture/door.ts';
import { type Bench, type Measured, rounded, wholeOption } from '../bench.ts';
import { startHost } from './host.ts';
import type { NodeCounts, NodesAsk } from './nodes.ts';
import { enrolmentToken } from '../../test/enrolmentToken.ts';

/** Live tasks: enough to keep every node busy, few enough that memory stays flat. */
const liveMax = 10_000;
const batch = 1_000;
const runMsMost = 1_500;
const pollMs = 50;
/** Beyond it what has not ended counts as stuck: far longer than eleven losses of one task. */
const settleMs = 300_000;
const joinWithinMs = 120_000;
const perHundredThousand = 100_000;

/** Ledgers of a thousand nodes at once are no one machine's: their flushes go where they cost nothing, if there is such. */
const memoryFolder = '/dev/shm';

/** Options: `tasks` (1,000,000), `nodes` (1,000), `kills` per second (5), `folder` for the journal. */
export const failures: Bench = async (options): Promise<Measured> => {
  const tasks = wholeOption(options, 'tasks', 1_000_000);
  const nodes = wholeOption(options, 'nodes', 1_000);
  const killsPerS = wholeOption(options, 'kills', 5);
  const folder = mkdtempSync(join(options['folder'] ?? tmpdir(), 'millrace-failures-'));
  const ledgers = mkdtempSync(join(existsSync(memoryFolder) ? memoryFolder : tmpdir(), 'millrace-ledgers-'));
  const host = await startHost(folder);
  const door = new Door();
  door.leadTo(host.address, folder);
  const token = await enrolmentToken(host.address, folder);
  const fleet = startNodes({ hub: host.address, token, nodes, tasks, killsPerS, ledgers });
  try {
    await untilJoined(fleet, nodes);
    fleet.send('kill');
    const startMs = performance.now();
    const taskIds = await submitAll(door, tasks);
    const hasEnded = await untilEnded(door);
    const tookS = (performance.now() - startMs) / 1_000;
    fleet.send('spare');
    const failed = await countFailed(door, taskIds);
    const counts = await ask(fleet);
    return {
      params: { tasks, nodes, killsPerS, runMsMost, hasEnded },
      figures: {
        tasks,
        platformFailuresPer100k: rounded((failed * perHundredThousand) / tasks),
        tasksPerS: rounded(tasks / tookS),
        nodeKills: counts.kills,
        silentKills: counts.silentKills,
        attemptsLost: counts.begun - tasks,
        duplicateRuns: counts.duplicateRuns,
      },
      peers: {
        peerLostTasks: counts.cutOff,
        peerLostPer100k: rounded((counts.cutOff * perHundredThousand) / tasks),
      },
    };
  } finally {
    fleet.kill('SIGKILL');
    host.child.kill('SIGKILL');
    for (const used of [folder, ledgers]) rmSync(used, { recursive: true, force: true, maxRetries: 3 });
  }
};

function startNodes(asked: NodesAsk): ChildProcess {
  const child = fork(join(import.meta.dirname, 'nodes.ts'), [JSON.stringify(asked)]);
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

const ask = (fleet: ChildProcess): Promise<NodeCounts> =>
  new Promise((resolve, reject) => {
    const ended = (code: number | null): void => {
      reject(new Error(`the nodes ended with ${String(code)}`));
    };
    fleet.once('exit', ended);
    fleet.once('message', (counts: NodeCounts) => {
      fleet.off('exit', ended);
      resolve(counts);
    });
    fleet.send('count');
  });

async function untilJoined(fleet: ChildProcess, nodes: number): Promise<void> {
  const untilMs = performance.now() + joinWithinMs;
  while ((await ask(fleet)).joined < nodes) {
    if (performance.now() > untilMs) throw new Error(`${nodes} nodes did not join in time`);
    await pause(pollMs);
  }
}

/** Submits no faster than tasks end, so that neither side's memory grows with the number of tasks. */
async function submitAll(door: Door, tasks: number): Promise<Uint32Array> {
  const taskIds = new Uint32Array(tasks);
  let sent = 0;
  while (sent < tasks) {
    const live = await door.liveTasks();
    const room = Math.min(tasks - sent, batch, live === undefined ? 0 : liveMax - live);
    if (room < Math.min(batch, tasks - sent)) {
      await pause(pollMs);
      continue;
    }
    const from = sent;
    const answers = await door.submit(Array.from({ length: room }, (_, at) => taskOf(from + at)));
    // The same keys again where no answer came.
    for (const [at, answer] of (answers ?? []).entries()) if (answer.ok) taskIds[from + at] = answer.taskId;
    if (answers?.every(({ ok }) => ok) === true) sent += room;
    else await pause(pollMs);
  }
  return taskIds;
}

const taskOf = (at: number) => ({
  key: `failures-${at}`,
  work: { kind: 'simulated' as const, runMs: Math.floor(Math.random() * runMsMost) },
  ask: { cpu: 10, memory: 8 },
  retry: { attemptsMax: 1, backoffMs: 100 },
});

async function untilEnded(door: Door): Promise<boolean> {
  const untilMs = performance.now() + settleMs;
  while (performance.now() < untilMs) {
    if ((await door.liveTasks()) === 0) return true;
    await pause(pollMs);
  }
  return false;
}

/** Every task would succeed by itself: whatever else became of one is the platform's doing. */
async function countFailed(door: Door, taskIds: Uint32Array): Promise<number> {
  let failed = 0;
  for (let from = 0; from < taskIds.length; from += batch) {
    const some = [...taskIds.subarray(from, from + batch)] as TaskId[];
    const standings = await door.states(some);
    if (!standings) throw new Error(`the host did not say how tasks ${String(some[0])} and on stand`);
    failed += standings.filter(({ state }) => state !== 'succeeded').length;
    for (const { taskId, state } of standings)
      if (state !== 'succeeded')
        console.error(
          `failures: task ${taskId} is ${state}${state !== 'unknown' && isEnded(state) ? '' : ', not ended'}`,
        );
  }
  return failed;
}

const pause = (forMs: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, forMs);
  });
