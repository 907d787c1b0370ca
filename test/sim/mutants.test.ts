// The checks of the simulation are tried on builds that are broken on purpose: each is caught within some seeds.
import { describe, expect, test } from 'vitest';
import { type Mutant, mutants } from './mutants.ts';
import { runTwice } from './runs.ts';
import { simulate } from './simulate.ts';

// Most show in the first five; the rarest need a repaired journal, which one seed in eight has, at the right moment.
const seedsMost = 120;
/** So many seeds on a busy machine. */
const timeoutMs = 300_000;

describe('a build in which', () => {
  test.each(Object.entries(mutants))(
    '%s is caught',
    (_name, mutant) => {
      expect(
        seedThatCatches(mutant),
        `no seed up to ${String(seedsMost)} shows "${mutant.lookFor}"`,
      ).toBeDefined();
    },
    timeoutMs,
  );
});

function seedThatCatches(mutant: Mutant): number | undefined {
  // Only what is random by itself needs a second run to show.
  const run = mutant.lookFor === 'same-run' ? runTwice : simulate;
  for (let seed = 1; seed <= seedsMost; seed += 1)
    if (run(seed, mutant).violations.some(({ check }) => check === mutant.lookFor)) return seed;
  return undefined;
}
