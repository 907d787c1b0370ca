// Gathers, after the faults of a trial, what everybody says of it: host, journal, agents' ledgers, and the tasks' lines.
import { readLedger } from '../../agent/ledger.ts';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import { isEnded, type TaskRecord } from '../../scheduler/protocol/task.ts';
import type { Evidence } from './checker.ts';
import { type EffectFiles, readLines } from './effect.ts';
import { pause } from './hostUnderTest.ts';
import { readJournal } from './journalEvidence.ts';
import type { Load } from './load.ts';
import type { Plan } from './plan.ts';
import type { Plant } from './plant.ts';

const askEveryMs = 100;
const stateTries = 50;

/** True once every acknowledged task has ended and every agent's results are acknowledged. */
export async function hasSettled({ door, agents }: Plant, load: Load, plan: Plan): Promise<boolean> {
  if (!load.isDone) return false;
  const taskIds = [...load.acknowledged.values()];
  const standings = taskIds.length === 0 ? [] : await door.states(taskIds);
  if (!standings?.every(({ state }) => state !== 'unknown' && isEnded(state))) return false;
  return agents.every(({ ledgerFile }, at) => isForgetful(plan, at) || !hasUntold(ledgerFile));
}

function hasUntold(ledgerFile: string): boolean {
  const untold = new Set<number>();
  for (const entry of readLedger(ledgerFile).entries) {
    if (entry.kind === 'start' || entry.kind === 'result') untold.add(entry.token);
    if (entry.kind === 'ack' || entry.kind === 'revoked')
      for (const token of entry.tokens) untold.delete(token);
  }
  return untold.size > 0;
}

/** Asks the host, then stops it and the agents, and reads what they leave. */
export async function gather(
  plant: Plant,
  { plan, load, files }: { readonly plan: Plan; readonly load: Load; readonly files: EffectFiles },
): Promise<Evidence> {
  const { host, agents } = plant;
  const { records, why } = await askAll(plant, [...load.acknowledged.values()]);
  await Promise.all(agents.map((agent) => agent.stop()));
  await host.stop();
  return {
    acknowledged: load.acknowledged,
    deliveries: new Map(plan.tasks.map(({ key, delivery }) => [key, delivery])),
    contradictions: load.contradictions,
    refusedForGood: load.waitingKeys,
    records,
    why,
    begun: readLines(files.begun),
    effects: readLines(files.effects),
    forgetful: new Set(agents.filter((_, at) => isForgetful(plan, at)).map(({ name }) => name)),
    ledgers: new Map(agents.map(({ name, ledgerFile }) => [name, readLedger(ledgerFile).entries])),
    journal: await readJournal(host.dataFolder),
  };
}

const isForgetful = ({ faults }: Plan, at: number): boolean =>
  faults.some((fault) => fault.kind === 'agent_disk_full' && fault.agent === at);

async function askAll({ door }: Plant, taskIds: readonly TaskId[]) {
  const records = new Map<TaskId, TaskRecord>();
  const why = new Map<TaskId, string>();
  const standings = new Map((await known(door, taskIds)).map(({ taskId, state }) => [taskId, state]));
  for (const taskId of taskIds) {
    if (standings.get(taskId) === 'unknown') continue;
    const record = await askOne(door, taskId);
    if (!record) continue;
    records.set(taskId, record);
    if (!isEnded(record.state)) why.set(taskId, JSON.stringify(await door.why(taskId)));
  }
  return { records, why };
}

async function known(door: Plant['door'], taskIds: readonly TaskId[]) {
  if (taskIds.length === 0) return [];
  for (let tries = 0; tries < stateTries; tries += 1) {
    const standings = await door.states(taskIds);
    if (standings) return standings;
    await pause(askEveryMs);
  }
  return [];
}

async function askOne(door: Plant['door'], taskId: TaskId): Promise<TaskRecord | undefined> {
  for (let tries = 0; tries < stateTries; tries += 1) {
    const detail = await door.task(taskId);
    if (detail) return detail.record;
    await pause(askEveryMs);
  }
  return undefined;
}
