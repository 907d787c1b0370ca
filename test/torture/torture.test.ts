// The torture rig in small, as it runs with every change: real processes, timers a tenth of a plant's.
import { expect, test } from 'vitest';
import { Report } from './report.ts';
import { runTrials } from './trials.ts';

const trials = 40;
const scale = 0.1;
/** Most of a trial is waiting for leases; more at a time would only wait for the processors. */
const parallel = 4;

test(
  `${trials} trials lose nothing and do nothing twice`,
  async () => {
    const report = new Report(scale);
    const failures: string[] = [];
    await runTrials({ seed: 1, trials, scale, parallel }, (result) => {
      report.add(result);
      if (result.violations.length > 0) failures.push(report.failureText(result));
    });
    console.log(report.text());
    expect(failures).toEqual([]);
    expect(report.trials).toBe(trials);
  },
  10 * 60_000,
);
