// Hostile input at a real host and a real agent: no crash, no change, nothing left behind.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fuzz, type FuzzReport } from './suite.ts';

/** Counters of a minute's addresses and remembered owners of output; measured: 3 MiB less than before. */
const heapMarginBytes = 12 * 1024 * 1024;

let report: FuzzReport;
const uncaught: unknown[] = [];
const onUncaught = (error: unknown): void => {
  uncaught.push(error);
};
beforeAll(async () => {
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);
  report = await fuzz({ seed: 1 });
  console.log(JSON.stringify(report, null, 2));
}, 240_000);
afterAll(() => {
  process.off('uncaughtException', onUncaught);
  process.off('unhandledRejection', onUncaught);
});

test('nothing crashes, and nothing throws that never should have', () => {
  expect(report.bugs).toEqual([]);
  expect(uncaught).toEqual([]);
});

test('refused input changes nothing', () => {
  expect(report.changes).toEqual([]);
  expect(report.victimRuns).toBe(true);
});

test('memory and open files are what they were', () => {
  expect(report.heapGrowthBytes).toBeLessThan(heapMarginBytes);
  expect(report.fileGrowth).toBeLessThanOrEqual(0);
});

test('every class was sent, and the audit trail heard of what was forged and of what made no sense', () => {
  expect(Object.keys(report.inputs)).toHaveLength(10);
  expect(Object.values(report.inputs).every((count) => count > 0)).toBe(true);
  const { forged_report: forged = 0, agent_refused: refused = 0 } = report.audited;
  expect(Math.min(forged, refused)).toBeGreaterThan(0);
});
