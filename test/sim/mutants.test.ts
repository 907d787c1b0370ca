// The checks of the simulation are tried on builds that are broken on purpose: each is caught within a few seeds.
import { describe, expect, test } from 'vitest';
import { type Mutant, mutants } from './mutants.ts';
import { runTwice } from './runs.ts';

// Most show in the first five; the rarest need a late copy, or a node that never comes back, at the right moment.
const seedsMost = 30;

describe('a build in which', () => {
  test.each(Object.entries(mutants))('%s is caught', (_name, mutant) => {
    expect(
      seedThatCatches(mutant),
      `no seed up to ${String(seedsMost)} shows "${mutant.lookFor}"`,
    ).toBeDefined();
  });
});

function seedThatCatches(mutant: Mutant): number | undefined {
  for (let seed = 1; seed <= seedsMost; seed += 1)
    if (runTwice(seed, mutant).violations.some(({ check }) => check === mutant.lookFor)) return seed;
  return undefined;
}
