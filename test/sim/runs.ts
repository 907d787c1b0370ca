// Runs seeds, each twice: the second run has to be the first one again. Adds up what they did.
import type { Breakage } from './breakage.ts';
import type { Violation } from './checks.ts';
import { simulate, type SimResult } from './simulate.ts';

/** One seed, run twice. A difference between the runs is a violation like any other. */
export function runTwice(seed: number, breakage?: Breakage): SimResult {
  const first = simulate(seed, breakage);
  if (first.violations.length > 0) return first;
  const second = simulate(seed, breakage);
  if (first.digest === second.digest && first.traceHash === second.traceHash) return first;
  const said = `digest ${first.digest} and ${second.digest}, trace ${first.traceHash} and ${second.traceHash}`;
  const differs: Violation = { check: 'same-run', message: said, atMs: 0 };
  return { ...first, violations: [differs] };
}

export interface RunsTotal {
  readonly seeds: number;
  readonly failed: readonly SimResult[];
  readonly figures: Readonly<Record<string, number>>;
}

export function runSeeds(
  seeds: readonly number[],
  breakage?: Breakage,
  onSeed: (result: SimResult) => void = () => undefined,
): RunsTotal {
  const failed: SimResult[] = [];
  const figures: Record<string, number> = {};
  for (const seed of seeds) {
    const result = runTwice(seed, breakage);
    for (const [name, value] of Object.entries(result.figures)) figures[name] = (figures[name] ?? 0) + value;
    if (result.violations.length > 0) failed.push(result);
    onSeed(result);
  }
  return { seeds: seeds.length, failed, figures };
}
