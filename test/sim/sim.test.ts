// Simulated fleets with faults: every promise holds, every task ends, and each run can be repeated.
import { describe, expect, test } from 'vitest';
import { runSeeds } from './runs.ts';
import { simulate } from './simulate.ts';

const seeds = Array.from({ length: 500 }, (_, at) => 1 + at);
const twiceUpTo = 40;
/** 540 runs of 60 to 80 ms; a busy machine takes several times as long. */
const timeoutMs = 600_000;

describe('simulation', () => {
  test(
    `no promise is broken in ${String(seeds.length)} seeds, and ${String(twiceUpTo)} run the same way twice`,
    () => {
      const { failed, figures } = runSeeds(seeds, { twiceUpTo });
      expect(
        failed.map(({ seed, violations }) => ({
          repeat: `npm run sim -- --seed ${String(seed)}`,
          violations,
        })),
      ).toEqual([]);
      // The faults were really there: a simulation that stopped simulating would pass anything.
      for (const [figure, least] of Object.entries(leastOf))
        expect(figures[figure], figure).toBeGreaterThan(least);
    },
    timeoutMs,
  );

  test('another seed is another run', () => {
    expect(simulate(1).traceHash).not.toBe(simulate(2).traceHash);
  });
});

const leastOf: Readonly<Record<string, number>> = {
  tasks: 50_000,
  effects: 30_000,
  effectsFenced: 1,
  hostCrashes: 500,
  tailsTorn: 50,
  tailsLost: 50,
  tailsOfSeveral: 2,
  writesRefused: 50,
  writesBroken: 50,
  snapshots: 1_000,
  unfinished: 20,
  damaged: 20,
  historyTailsLost: 50,
  historyWaits: 100,
  repairs: 20,
  overflows: 100,
  agentRecordsLost: 500,
  agentResultsLost: 50,
  nodesForgotten: 50,
  'fault.clockJump': 50,
  'fault.agentClockJump': 50,
  'fault.oneWaySilence': 50,
  'fault.longOutage': 5,
};
