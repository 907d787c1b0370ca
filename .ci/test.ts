// `npm test [-- vitest arguments]`: brings what the tests need, checks statically, runs every test, and counts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.ts';
import { findElectron } from './electronRuntime.ts';
import { bringSystemPackages, has } from './systemPackages.ts';

const root = join(import.meta.dirname, '..');
const report = join(root, 'test-results/vitest.json');
const staticChecks = ['format', 'types', 'lint', 'layers', 'dead'];
const screen = '-screen 0 1600x1000x24';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}
const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

const missing = bringSystemPackages();
if (missing.length > 0)
  console.warn(`test: missing on this machine: ${missing.join(' ')}; tests that need them are skipped`);
for (const name of staticChecks) record(`npm run ${name}`, runCheck(name));
record('build', await succeeds(build));
record('electron runtime', await succeeds(findElectron));
runVitest(process.argv.slice(2));
for (const name of failures) console.log(`failed: ${name}`);
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed === 0 ? 0 : 1;

function record(name: string, isGood: boolean): void {
  if (isGood) counts.passed += 1;
  else {
    counts.failed += 1;
    failures.push(name);
  }
}

function runCheck(name: string): boolean {
  console.log(`check: ${name}`);
  return spawnSync('npm', ['run', '--silent', name], { cwd: root, stdio: 'inherit' }).status === 0;
}

async function succeeds(step: () => Promise<unknown>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    console.error(error);
    return false;
  }
}

/** Under a screen and a session bus of its own, where there are such: without them the windows' tests skip. */
function runVitest(passedOn: readonly string[]): void {
  mkdirSync(join(root, 'test-results'), { recursive: true });
  rmSync(report, { force: true });
  const vitest = [
    process.execPath,
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...passedOn,
  ];
  const [program = '', ...words] = [...session(), ...vitest];
  const ended = spawnSync(program, words, { cwd: root, stdio: 'inherit' });
  if (!existsSync(report)) {
    record(`vitest (no report, exit code ${ended.status ?? 'none'})`, false);
    return;
  }
  addReport();
  if (ended.status !== 0 && counts.failed === 0) record('vitest (see above)', false);
}

function session(): string[] {
  const bus = has('dbus-run-session') ? ['dbus-run-session', '--'] : [];
  const display = has('xvfb-run') && has('xauth') ? ['xvfb-run', '-a', '-s', screen] : [];
  return [...bus, ...display];
}

function addReport(): void {
  const result = JSON.parse(readFileSync(report, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numTodoTests: number;
    testResults: { name: string; status: string; assertionResults: unknown[] }[];
  };
  counts.passed += result.numPassedTests;
  counts.failed += result.numFailedTests;
  counts.skipped += result.numPendingTests + result.numTodoTests;
  // A file that fails before its first test has no test to count.
  for (const file of result.testResults)
    if (file.status === 'failed' && file.assertionResults.length === 0) record(file.name, false);
}
