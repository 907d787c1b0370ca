// npm run fuzz -- [--minutes N] [--seed S]: hostile input for as long as wanted; the seed repeats it.
import { parseArgs } from 'node:util';
import { fuzz } from './suite.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '0' }, seed: { type: 'string', default: '1' } },
});
const report = await fuzz({
  minutes: Number(values.minutes),
  seed: Number(values.seed),
  say: (text) => process.stderr.write(`${text}\n`),
});
process.stdout.write(`${JSON.stringify(report)}\n`);
const isGood = report.bugs.length === 0 && report.changes.length === 0 && report.victimRuns;
process.exit(isGood ? 0 : 1);
