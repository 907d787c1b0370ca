// One trial: a plant of real processes in a fresh folder, the faults of its plan, and the check of what is left.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Evidence, type Violation, violationsOf } from './checker.ts';
import { type EffectFiles, effectFilesIn, specOf } from './effect.ts';
import { gather, hasSettled } from './evidence.ts';
import { FaultRunner } from './faultRunner.ts';
import { pause, type Recovery } from './hostUnderTest.ts';
import { Load } from './load.ts';
import type { Losses } from './powerCut.ts';
import { type FaultKind, type Plan, type PlannedTask } from './plan.ts';
import { closePlant, openPlant, type Plant } from './plant.ts';

export interface TrialResult {
  readonly seed: number;
  readonly acknowledged: number;
  readonly violations: readonly Violation[];
  readonly recoveries: readonly Recovery[];
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** How the acknowledged tasks ended. */
  readonly ends: ReadonlyMap<string, number>;
  readonly losses: Losses;
  readonly tookMs: number;
  /** Kept because something was wrong. */
  readonly folder?: string;
  readonly evidence: Evidence;
}
export interface TrialOptions {
  /** For rigs that must fail: what each power cut does to an agent's ledger, and effects without the guard. */
  readonly spoilLedger?: (ledgerFile: string) => void;
  readonly isUnguarded?: boolean;
}

/** After the last fault: what the longest chain of retries takes, many times over. */
const settleMs = 45_000;
const settleScaledMs = 150_000;
const askEveryMs = 300;
/** Fills a page of the disk each: 4 values of 12 KiB. */
const largeValueBytes = 12 * 1024;

export async function runTrial(plan: Plan, options: TrialOptions = {}): Promise<TrialResult> {
  const beganMs = performance.now();
  const { seed } = plan;
  const folder = mkdtempSync(join(tmpdir(), `millrace-torture-${seed}-`));
  const violations: Violation[] = [];
  const onViolation = (what: string): void => {
    violations.push({ rule: 'process', what });
  };
  const plant = await openPlant(plan, folder, onViolation);
  try {
    const tried = await tryOn(plant, plan, { folder, ...options });
    violations.push(...violationsOf(tried.evidence));
    const isBad = violations.length > 0;
    return {
      seed,
      acknowledged: tried.evidence.acknowledged.size,
      violations,
      recoveries: plant.host.recoveries,
      losses: plant.losses,
      faults: tried.faults,
      ends: endsOf(tried.evidence),
      tookMs: performance.now() - beganMs,
      evidence: tried.evidence,
      ...(isBad && { folder }),
    };
  } finally {
    await closePlant(plant, violations.length > 0);
    if (violations.length === 0) rmSync(folder, { recursive: true, force: true });
  }
}

async function tryOn(plant: Plant, plan: Plan, options: TrialOptions & { readonly folder: string }) {
  const { folder, spoilLedger, isUnguarded = false } = options;
  const files = effectFilesIn(folder, !isUnguarded);
  const due = plan.tasks.map((task) => ({
    key: task.key,
    atMs: task.submitAtMs,
    spec: specOf(task, folder, files),
  }));
  const load = new Load(plant.door, due, () => {
    plant.host.tookTask();
  });
  const onceOnly = new Set(
    plan.tasks.filter(({ delivery }) => delivery === 'at_most_once').map(({ key }) => key),
  );
  const faults = new FaultRunner({
    plant,
    load,
    addLargeTask: () => {
      addLargeTask(load, folder, files);
    },
    mayRunAgain: (taskId) => [...load.acknowledged].some(([key, id]) => id === taskId && !onceOnly.has(key)),
    spoilLedger,
  });
  const startedMs = performance.now();
  let isOver = false;
  const submitting = load.run(startedMs, () => isOver);
  await Promise.all([faults.run(plan.faults, startedMs), pause(plan.windowMs)]);
  const untilMs = performance.now() + settleMs + settleScaledMs * plan.scale;
  while (plant.host.isWanted && performance.now() < untilMs && !(await hasSettled(plant, load, plan)))
    await pause(askEveryMs);
  isOver = true;
  await submitting;
  return { evidence: await gather(plant, { plan, load, files }), faults: faults.counts };
}

let largeTasks = 0;

function addLargeTask(load: Load, folder: string, files: EffectFiles): void {
  largeTasks += 1;
  const task: PlannedTask = {
    key: `large-${largeTasks}`,
    submitAtMs: 0,
    runMs: 0,
    queue: 'default',
    priority: 5,
    delivery: 'at_least_once',
    failures: 0,
  };
  const plain = specOf(task, folder, files);
  if (plain.work.kind !== 'command') return;
  const filling = Object.fromEntries(
    ['A', 'B', 'C', 'D'].map((name) => [`FILL_${name}`, 'x'.repeat(largeValueBytes)]),
  );
  load.add(task.key, { ...plain, work: { ...plain.work, env: { ...plain.work.env, ...filling } } });
}

function endsOf({ records }: Evidence): ReadonlyMap<string, number> {
  const ends = new Map<string, number>();
  for (const { state } of records.values()) ends.set(state, (ends.get(state) ?? 0) + 1);
  return ends;
}
