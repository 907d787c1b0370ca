// Simulated fleets with faults: every promise holds, every task ends, and each run can be repeated.
import { describe, expect, test } from 'vitest';
import { runSeeds } from './runs.ts';
import { simulate } from './simulate.ts';

const seeds = Array.from({ length: 150 }, (_, at) => 1 + at);
const twiceUpTo = 20;
/** 170 runs of about half a second; a busy machine takes several times as long. */
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
  tasks: 15_000,
  effects: 9_000,
  effectsFenced: 1,
  hostCrashes: 150,
  tailsTorn: 15,
  tailsLost: 15,
  tailsOfSeveral: 0,
  writesRefused: 15,
  writesBroken: 15,
  snapshots: 300,
  unfinished: 6,
  damaged: 6,
  historyTailsLost: 15,
  historyWaits: 30,
  repairs: 6,
  overflows: 30,
  agentRecordsLost: 150,
  agentResultsLost: 15,
  nodesForgotten: 15,
  'fault.clockJump': 15,
  'fault.agentClockJump': 15,
  'fault.oneWaySilence': 15,
  'fault.longOutage': 0,
};
