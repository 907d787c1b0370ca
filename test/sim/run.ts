// `npm run sim -- [--seeds 200] [--from 1] [--seed 81723] [--json] [--mutant NAME]`: simulates, and fails on a violation.
// `npm run sim -- --record FILE`: writes a journal for test/replay instead; once per released journal format.
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import type { Breakage } from './breakage.ts';
import { mutants } from './mutants.ts';
import { record } from './record.ts';
import { runSeeds } from './runs.ts';
import type { SimResult } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    record: { type: 'string' },
  },
});
if (values.record !== undefined) {
  console.log(record(values.record));
  process.exit(0);
}
const one = values.seed === undefined ? undefined : wholeNumber('seed', values.seed);
const first = one ?? wholeNumber('from', values.from);
const count = one === undefined ? wholeNumber('seeds', values.seeds) : 1;
const progressEvery = 20;

const startedMs = performance.now();
let done = 0;
const total = runSeeds(
  Array.from({ length: count }, (_, at) => first + at),
  breakageNamed(values.mutant),
  (result) => {
    done += 1;
    if (result.violations.length > 0) tell(result);
    if (!values.json && done % progressEvery === 0) console.log(`sim: ${done} of ${count} seeds`);
  },
);
const elapsedS = Math.round((performance.now() - startedMs) / 100) / 10;
const digestsEqual = total.failed.every((result) =>
  result.violations.every(({ check }) => !/digest|same/.test(check)),
);
const summary = { seeds: total.seeds, violations: total.failed.length, digestsEqual };
const figures = { ...summary, elapsedS, ...total.figures };
if (values.json) {
  const [cpu] = cpus();
  const machine = {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 1_048_576),
    node: process.version,
  };
  const params = { from: first, seeds: count, runsPerSeed: 2, mutant: values.mutant ?? null };
  console.log(JSON.stringify({ bench: 'sim', params, machine, ...summary, figures, peers: {} }));
} else {
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(18)} ${String(value)}`);
}
process.exitCode = total.failed.length === 0 ? 0 : 1;

function tell({ seed, violations }: SimResult): void {
  for (const { check, message, atMs } of violations)
    console.error(`sim: seed ${seed} at ${(atMs / 1_000).toFixed(3)} s: ${check}: ${message}`);
  const mutant = values.mutant === undefined ? '' : ` --mutant '${values.mutant}'`;
  console.error(`npm run sim -- --seed ${seed}${mutant}`);
}

function breakageNamed(name: string | undefined): Breakage | undefined {
  if (name === undefined) return undefined;
  const found = mutants[name];
  if (!found) fail(`there is no mutant "${name}"; there are:\n  ${Object.keys(mutants).join('\n  ')}`);
  return found;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) fail(`--${name} ${text} is no whole number from 0`);
  return value;
}

function fail(message: string): never {
  console.error(`sim: ${message}`);
  process.exit(2);
}
