// Runs seeds, some or all of them twice: the second run has to be the first one again. Adds up what they did.
import type { Breakage } from './breakage.ts';
import type { Violation } from './checks.ts';
import { simulate, type SimResult } from './simulate.ts';

/** One seed, run twice. A difference between the runs is a violation like any other. */
export function runTwice(seed: number, breakage?: Breakage): SimResult {
  const first = simulate(seed, breakage);
  if (first.violations.length > 0) return first;
  const second = simulate(seed, breakage, true);
  if (first.digest === second.digest && first.traceHash === second.traceHash) return first;
  const said = `digest ${first.digest} and ${second.digest}, trace ${first.traceHash} and ${second.traceHash}`;
  const differs: Violation = { check: 'same-run', message: said, atMs: 0 };
  return { ...first, violations: [differs] };
}

/** What one seed gave, as it is told across threads. */
export type SeedResult = Pick<SimResult, 'seed' | 'violations' | 'figures'>;

export interface RunsTotal {
  seeds: number;
  readonly failed: SeedResult[];
  readonly figures: Record<string, number>;
}
export const noRuns = (): RunsTotal => ({ seeds: 0, failed: [], figures: {} });

export function addRun(total: RunsTotal, result: SeedResult): void {
  total.seeds += 1;
  for (const [name, value] of Object.entries(result.figures))
    total.figures[name] = (total.figures[name] ?? 0) + value;
  if (result.violations.length > 0) total.failed.push(result);
}

export interface RunOptions {
  readonly breakage?: Breakage | undefined;
  /** Seeds up to this one are run twice. */
  readonly twiceUpTo?: number;
  readonly onSeed?: (result: SeedResult) => void;
}

export function runSeeds(
  seeds: readonly number[],
  { breakage, twiceUpTo = Infinity, onSeed = () => undefined }: RunOptions = {},
): RunsTotal {
  const total = noRuns();
  for (const seed of seeds) {
    const { violations, figures } = seed <= twiceUpTo ? runTwice(seed, breakage) : simulate(seed, breakage);
    const result: SeedResult = { seed, violations, figures };
    addRun(total, result);
    onSeed(result);
  }
  return total;
}
