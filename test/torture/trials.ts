// Runs trials of consecutive seeds, some at a time.
import { planOf } from './drawPlan.ts';
import { runTrial, type TrialResult } from './trial.ts';

export interface Trials {
  readonly seed: number;
  readonly trials: number;
  readonly scale: number;
  readonly parallel: number;
}

export async function runTrials(
  { seed, trials, scale, parallel }: Trials,
  onResult: (result: TrialResult) => void,
): Promise<void> {
  let next = seed;
  const work = async (): Promise<void> => {
    while (next < seed + trials) {
      next += 1;
      onResult(await runTrial(planOf(next - 1, scale)));
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, trials) }, work));
}
