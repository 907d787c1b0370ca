// What many trials gave: counts, how long recoveries took, and for each failure the line that runs it again.
import type { Rule } from './checker.ts';
import type { FaultKind } from './plan.ts';
import type { TrialResult } from './trial.ts';

const lossRules: readonly Rule[] = ['lost', 'stuck', 'missing effect'];
const duplicateRules: readonly Rule[] = ['duplicate effect', 'started twice', 'at most once'];

export class Report {
  trials = 0;
  violations = 0;
  readonly #scale: number;
  readonly #startedMs = performance.now();
  readonly #listeningMs: number[] = [];
  readonly #submitMs: number[] = [];
  readonly #trialMs: number[] = [];
  readonly #faults = new Map<FaultKind, number>();
  readonly #ends = new Map<string, number>();
  readonly #losses = new Map<string, number>();
  readonly #failedSeeds: number[] = [];
  #acknowledged = 0;
  #lost = 0;
  #duplicates = 0;

  constructor(scale: number) {
    this.#scale = scale;
  }

  add({ seed, acknowledged, violations, recoveries, faults, ends, losses, tookMs }: TrialResult): void {
    this.trials += 1;
    this.violations += violations.length;
    this.#acknowledged += acknowledged;
    this.#trialMs.push(tookMs);
    const of = (rules: readonly Rule[]): number =>
      violations.filter(({ rule }) => rules.includes(rule)).length;
    this.#lost += of(lossRules);
    this.#duplicates += of(duplicateRules);
    if (violations.length > 0) this.#failedSeeds.push(seed);
    for (const { listeningMs, submitMs } of recoveries) {
      this.#listeningMs.push(listeningMs);
      // A life that nobody gave a task has no such time.
      if (submitMs !== undefined) this.#submitMs.push(submitMs);
    }
    addTo(this.#faults, faults);
    addTo(this.#losses, new Map(Object.entries(losses)));
    addTo(this.#ends, ends);
  }

  figures(more: Readonly<Record<string, unknown>>) {
    return {
      trials: this.trials,
      acknowledged: this.#acknowledged,
      lost: this.#lost,
      duplicateEffects: this.#duplicates,
      recoveryP50Ms: quantile(this.#submitMs, 0.5),
      recoveryP99Ms: quantile(this.#submitMs, 0.99),
      recoveries: this.#listeningMs.length,
      listeningP50Ms: quantile(this.#listeningMs, 0.5),
      listeningP99Ms: quantile(this.#listeningMs, 0.99),
      recoveryMaxMs: quantile(this.#submitMs, 1),
      violations: this.violations,
      failedSeeds: this.#failedSeeds,
      scale: this.#scale,
      faults: Object.fromEntries([...this.#faults].sort()),
      /** Power cuts that took what was not durable, by file. */
      powerCutsThatTook: Object.fromEntries(this.#losses),
      ends: Object.fromEntries([...this.#ends].sort()),
      trialP50Ms: quantile(this.#trialMs, 0.5),
      tookS: Math.round((performance.now() - this.#startedMs) / 1_000),
      ...more,
    };
  }

  text(): string {
    const { faults, ends, powerCutsThatTook, failedSeeds, ...figures } = this.figures({});
    const rows = Object.entries(figures).map(([name, value]) => `  ${name.padEnd(18)} ${String(value)}`);
    return [
      ...rows,
      `  faults             ${listed(faults)}`,
      `  power cuts took    ${listed(powerCutsThatTook)}`,
      `  tasks ended        ${listed(ends)}`,
      ...(failedSeeds.length > 0 ? [`  failed seeds       ${failedSeeds.join(' ')}`] : []),
    ].join('\n');
  }

  progressText(of: number): string {
    const seconds = Math.round((performance.now() - this.#startedMs) / 1_000);
    return (
      `torture: ${this.trials} of ${of} trials in ${seconds} s, ${this.#acknowledged} tasks acknowledged, ` +
      `lost ${this.#lost}, duplicates ${this.#duplicates}, violations ${this.violations}`
    );
  }

  failureText({ seed, violations, folder }: TrialResult): string {
    return [
      `torture: seed ${seed} broke ${violations.length} rules`,
      ...violations.map(({ rule, what }) => `  ${rule}: ${what}`),
      `  again: npm run torture -- --trials 1 --seed ${seed} --scale ${this.#scale}`,
      `  its folder: ${folder ?? ''}`,
    ].join('\n');
  }
}

function addTo<Key>(sums: Map<Key, number>, more: ReadonlyMap<Key, number>): void {
  for (const [key, count] of more) sums.set(key, (sums.get(key) ?? 0) + count);
}

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

/** Whole milliseconds; 0 where there are no samples. */
function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return Math.round(
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? 0,
  );
}
