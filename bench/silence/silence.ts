// How soon the host knows that a node is gone, and its work runs elsewhere: real host and real agents with the timers of
// a plant, each agent behind a line that can fall silent without closing, or close.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { taskId, type TaskId } from '../../scheduler/protocol/brands.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import { type Bench, type Measured, quantile, rounded, wholeOption } from '../bench.ts';
import { pause, type SilentPlant, startPlant } from './plant.ts';

/** Nodes fall silent at any phase of their heartbeat. */
const phaseMs = 10_000;
const silenceWithinMs = 60_000;
const closedWithinMs = 10_000;
const stallMs = 10_000;
/** Longer than the leases of nodes and attempts: a death that the stall caused would have shown. */
const afterStallMs = 25_000;

/** Options: `pairs` of agents (10), `rounds` (1): each gives two silent samples per pair, and as many closed ones. */
export const silence: Bench = async (options): Promise<Measured> => {
  const pairs = wholeOption(options, 'pairs', 10);
  const rounds = wholeOption(options, 'rounds', 1);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-silence-'));
  const plant = await startPlant(folder, 2 * pairs);
  try {
    const silent: Silent[] = [];
    const closedMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const victimsFirst of [0, 1]) silent.push(...(await silentRound(plant, victimsFirst)));
      closedMs.push(...(await closedRound(plant)));
    }
    const falseDeaths = await stall(plant);
    const known = silent.map(({ knownMs }) => knownMs);
    const released = silent.map(({ releasedMs }) => releasedMs);
    return {
      params: { agents: 2 * pairs, rounds, stallMs, timers: 'unscaled' },
      figures: {
        silentKnownP50Ms: rounded(quantile(known, 0.5)),
        silentKnownP99Ms: rounded(quantile(known, 0.99)),
        silentReleasedP50Ms: rounded(quantile(released, 0.5)),
        silentReleasedP99Ms: rounded(quantile(released, 0.99)),
        closedKnownP50Ms: rounded(quantile(closedMs, 0.5)),
        closedKnownP99Ms: rounded(quantile(closedMs, 0.99)),
        falseDeaths,
        silentSamples: silent.length,
        closedSamples: closedMs.length,
      },
      peers: {},
    };
  } finally {
    await plant.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

interface Silent {
  readonly knownMs: number;
  /** Until the work of the silent node runs on another one. */
  readonly releasedMs: number;
}

/** One agent of each pair works and falls silent; the other one may take over. */
async function silentRound(plant: SilentPlant, first: number): Promise<readonly Silent[]> {
  const { agents, door } = plant;
  await plant.allOnline();
  const pairs = agents.flatMap((agent, at) =>
    at % 2 === first ? [[agent, partnerOf(plant, at)] as const] : [],
  );
  for (const [, backup] of pairs) await door.setCordon(backup.name, true);
  const answers = await door.submit(pairs.map(([victim, backup]) => longTask([victim.name, backup.name])));
  const taskIds = (answers ?? []).map((answer) => (answer.ok ? answer.taskId : taskId(0)));
  await Promise.all(taskIds.map((id) => plant.until(() => isRunning(plant, id), 'a task runs')));
  for (const [, backup] of pairs) await door.setCordon(backup.name, false);
  const samples = await Promise.all(
    pairs.map(async ([victim, backup], at): Promise<Silent> => {
      await pause(Math.random() * phaseMs);
      const startMs = performance.now();
      victim.line.fallSilent('both');
      const [knownMs, releasedMs] = await Promise.all([
        plant.until(
          () => plant.stateOf(victim.name) !== 'online',
          `${victim.name} is known`,
          silenceWithinMs,
        ),
        plant.until(
          () => isRunning(plant, taskIds[at] ?? taskId(0), backup.name),
          `the work of ${victim.name} runs elsewhere`,
          silenceWithinMs,
        ),
      ]);
      return { knownMs: knownMs - startMs, releasedMs: releasedMs - startMs };
    }),
  );
  for (const [victim] of pairs) {
    victim.line.cut();
    victim.line.speak();
  }
  await door.cancel(taskIds);
  return samples;
}

/** Each connection ends with a reset; the agent finds nobody until that is known. */
async function closedRound(plant: SilentPlant): Promise<readonly number[]> {
  await plant.allOnline();
  return Promise.all(
    plant.agents.map(async ({ name, line }) => {
      await pause(Math.random() * phaseMs);
      line.leadTo(undefined);
      const startMs = performance.now();
      line.cut();
      const knownMs = await plant.until(
        () => plant.stateOf(name) !== 'online',
        `${name} is known`,
        closedWithinMs,
      );
      line.leadTo(plant.port);
      return knownMs - startMs;
    }),
  );
}

/** Nodes that were taken for dead, and attempts that were given up, because the host itself stood still. */
async function stall(plant: SilentPlant): Promise<number> {
  const { agents, door } = plant;
  await plant.allOnline();
  const answers = await door.submit(agents.map(({ name }) => longTask([name])));
  const taskIds = (answers ?? []).map((answer) => (answer.ok ? answer.taskId : taskId(0)));
  await Promise.all(taskIds.map((id) => plant.until(() => isRunning(plant, id), 'a task runs')));
  plant.signalHost('SIGSTOP');
  await pause(stallMs);
  plant.signalHost('SIGCONT');
  const dead = new Set<string>();
  const untilMs = performance.now() + afterStallMs;
  while (performance.now() < untilMs) {
    for (const { name } of agents) if (plant.stateOf(name) !== 'online') dead.add(name);
    await pause(50);
  }
  let lostAttempts = 0;
  for (const id of taskIds) {
    const record = await recordOf(plant, id);
    if (record?.attempts.length !== 1 || record.attempts[0]?.end) lostAttempts += 1;
  }
  await door.cancel(taskIds);
  return Math.max(dead.size, lostAttempts);
}

function partnerOf({ agents }: SilentPlant, at: number): SilentPlant['agents'][number] {
  const partner = agents[at % 2 === 0 ? at + 1 : at - 1];
  if (!partner) throw new Error('the plant has no pairs');
  return partner;
}

const longTask = (nodes: readonly string[]) => ({
  work: { kind: 'command' as const, argv: ['sleep', '600'] },
  selector: { node: [...nodes] },
  graceMs: 0,
  retry: { backoffMs: 0 },
});

async function recordOf({ door }: SilentPlant, id: TaskId): Promise<TaskRecord | undefined> {
  return (await door.task(id))?.record;
}

async function isRunning(plant: SilentPlant, id: TaskId, on?: string): Promise<boolean> {
  const record = await recordOf(plant, id);
  return record?.state === 'running' && (on === undefined || record.attempts.at(-1)?.nodeId === on);
}
