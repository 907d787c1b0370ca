// `npm run sim -- [--seeds 200] [--from 1] [--seed 81723] [--parallel N] [--json] [--mutant NAME]`: simulates, each seed
// twice, and fails on a violation. `npm run sim -- --record FILE`: writes a journal for test/replay instead; once per
// released journal format.
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { mutants } from './mutants.ts';
import { runParallel } from './parallel.ts';
import { record } from './record.ts';
import { runSeeds, type SeedResult } from './runs.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    parallel: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    record: { type: 'string' },
  },
});
if (values.record !== undefined) {
  console.log(record(values.record));
  process.exit(0);
}
const { mutant } = values;
if (mutant !== undefined && !mutants[mutant])
  fail(`there is no mutant "${mutant}"; there are:\n  ${Object.keys(mutants).join('\n  ')}`);
const one = values.seed === undefined ? undefined : wholeNumber('seed', values.seed);
const first = one ?? wholeNumber('from', values.from);
const count = one === undefined ? wholeNumber('seeds', values.seeds) : 1;
const threadsMost = 64;
const threads = Math.min(threadsMost, Math.max(1, wholeNumber('parallel', values.parallel)), count);
const tellEveryMs = 10_000;

const startedMs = performance.now();
let toldMs = startedMs;
let done = 0;
let failed = 0;
const seeds = Array.from({ length: count }, (_, at) => first + at);
const total =
  threads > 1
    ? await runParallel(seeds, { mutant, threads, onSeed: seedDone })
    : runSeeds(seeds, { breakage: mutant === undefined ? undefined : mutants[mutant], onSeed: seedDone });
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
  const params = { from: first, seeds: count, runsPerSeed: 2, threads, mutant: mutant ?? null };
  console.log(JSON.stringify({ bench: 'sim', params, machine, ...summary, figures, peers: {} }));
} else {
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(18)} ${String(value)}`);
}
process.exitCode = total.failed.length === 0 ? 0 : 1;

function seedDone(result: SeedResult): void {
  done += 1;
  if (result.violations.length > 0) tell(result);
  const nowMs = performance.now();
  if (values.json || nowMs - toldMs < tellEveryMs) return;
  toldMs = nowMs;
  const perS = done / ((nowMs - startedMs) / 1_000);
  const leftS = Math.round((count - done) / perS);
  console.log(
    `sim: ${done} of ${count} seeds, ${failed} failed, ${perS.toFixed(1)} seeds/s, ${leftS} s to go`,
  );
}

function tell({ seed, violations }: SeedResult): void {
  failed += 1;
  for (const { check, message, atMs } of violations)
    console.error(`sim: seed ${seed} at ${(atMs / 1_000).toFixed(3)} s: ${check}: ${message}`);
  console.error(`npm run sim -- --seed ${seed}${mutant === undefined ? '' : ` --mutant '${mutant}'`}`);
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
