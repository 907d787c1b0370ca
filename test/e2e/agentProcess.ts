// A real agent in a process of its own, and what its ledger says of the work it did.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ledgerFileName, readLedger } from '../../agent/ledger.ts';
import { freshFolder, killTree, root } from './electronApp.ts';

export interface AgentProcess {
  readonly output: () => string;
  /** Per task: how often it was started, and how often it ended with exit code 0. */
  readonly runs: () => ReadonlyMap<number, { started: number; succeeded: number }>;
}

export function startAgent(hub: string, token: string, node: string): AgentProcess {
  const data = freshFolder();
  const capacity = ['--slots', '400', '--cpu', '64000', '--memory', '64000'];
  const child = spawn(
    process.execPath,
    [join(root, 'agent/main.ts'), '--hub', hub, '--node', node, '--data', data, ...capacity],
    { env: { ...process.env, MILLRACE_ENROL_TOKEN: token }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  onTestFinished(() => {
    killTree(child.pid);
  });
  let output = '';
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return { output: () => output, runs: () => countRuns(join(data, ledgerFileName)) };
}

function countRuns(ledger: string): Map<number, { started: number; succeeded: number }> {
  const runs = new Map<number, { started: number; succeeded: number }>();
  for (const entry of readLedger(ledger).entries) {
    if (entry.kind !== 'start' && entry.kind !== 'result') continue;
    const run = runs.get(entry.taskId) ?? { started: 0, succeeded: 0 };
    if (entry.kind === 'start') run.started += 1;
    else if (entry.end.reason === 'exit' && entry.end.exitCode === 0) run.succeeded += 1;
    runs.set(entry.taskId, run);
  }
  return runs;
}
