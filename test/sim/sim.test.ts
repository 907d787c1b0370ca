// Simulated fleets with faults: every promise holds, every task ends, and each run can be repeated.
import { describe, expect, test } from 'vitest';
import { runSeeds } from './runs.ts';
import { simulate } from './simulate.ts';

const seeds = Array.from({ length: 50 }, (_, at) => 1 + at);

describe('simulation', () => {
  test(`no promise is broken in ${String(seeds.length)} seeds, and each runs the same way twice`, () => {
    const { failed, figures } = runSeeds(seeds);
    expect(
      failed.map(({ seed, violations }) => ({ repeat: `npm run sim -- --seed ${String(seed)}`, violations })),
    ).toEqual([]);
    // The faults were really there: a simulation that stopped simulating would pass anything.
    expect(figures['tasks']).toBeGreaterThan(5_000);
    expect(figures['hostCrashes']).toBeGreaterThan(50);
    expect(figures['tailsTorn']).toBeGreaterThan(5);
    expect(figures['tailsLost']).toBeGreaterThan(5);
    expect(figures['writesRefused']).toBeGreaterThan(5);
    expect(figures['fault.clockJump']).toBeGreaterThan(5);
  });

  test('another seed is another run', () => {
    expect(simulate(1).traceHash).not.toBe(simulate(2).traceHash);
  });
});
