// `npm run torture -- [--trials 40] [--seed 1] [--scale 0.1] [--parallel 2] [--json]`: real host and real agents under
// faults; exit code 1 where a rule was broken. The seed fixes the plan of a trial, not how the processes interleave.
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { Report } from './report.ts';
import { runTrials } from './trials.ts';

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    scale: { type: 'string', default: '0.1' },
    parallel: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
});
const trials = numberFrom('trials', values.trials, 1);
const seed = numberFrom('seed', values.seed, 0);
const scale = numberFrom('scale', values.scale, 0.01);
const parallel = numberFrom('parallel', values.parallel, 1);
const sayEvery = 10;

if (!values.json)
  console.log(`torture: ${trials} trials from seed ${seed}, ${parallel} at a time; ${scaleInWords(scale)}`);
// What it started ends with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const report = new Report(scale);
await runTrials({ seed, trials, scale, parallel }, (result) => {
  report.add(result);
  if (result.violations.length > 0) console.error(report.failureText(result));
  if (report.trials % sayEvery === 0) console.error(report.progressText(trials));
});
if (values.json) console.log(JSON.stringify(report.figures({ seed, parallel, machine: machine() })));
else console.log(report.text());
process.exit(report.violations > 0 ? 1 : 0);

function numberFrom(name: string, text: string, least: number): number {
  const value = Number(text);
  const isGood = name === 'scale' ? value <= 1 : Number.isSafeInteger(value);
  if (isGood && value >= least) return value;
  const what = name === 'scale' ? 'a number from 0.01 to 1' : `a whole number from ${least}`;
  console.error(`--${name} ${text}: it is ${what}`);
  process.exit(2);
}

function scaleInWords(times: number): string {
  return times === 1 ? 'timers as in a plant' : `timers times ${times}`;
}

function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
  };
}
