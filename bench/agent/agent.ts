// What the agent adds to a program it starts, how many handlers it runs, and what it costs while it has nothing to do.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Attempt } from '../../agent/run/attempt.ts';
import { FunctionRunner } from '../../agent/run/function/function.ts';
import type { Runner } from '../../agent/run/runner.ts';
import { Runners } from '../../agent/run/runners.ts';
import { epoch, taskId, token } from '../../scheduler/protocol/brands.ts';
import type { Work } from '../../scheduler/protocol/work.ts';
import { type Bench, quantile, rounded, wholeOption } from '../bench.ts';

/** Attempts at the same time; each has a process of the pool. */
const width = 8;
/** After its start an agent still gives memory back. */
const settleMs = 5_000;
const idleWatchMs = 20_000;
/** USER_HZ of Linux. */
const msPerTick = 10;
const program: Work = { kind: 'command', argv: ['/bin/true'], shell: false, env: {} };

/** The runner alone, without ledger and hub; idle: the whole program, its hub out of reach. */
export const agent: Bench = async (options) => {
  const rounds = wholeOption(options, 'rounds', 400);
  const calls = wholeOption(options, 'calls', 20_000);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const handlersFolder = join(folder, 'handlers');
  mkdirSync(handlersFolder);
  writeFileSync(
    join(handlersFolder, 'echo.mjs'),
    "import { defineHandler } from 'millrace';\nexport default defineHandler({ run: (input) => input });\n",
  );
  const parts = { nodeId: 'bench', handlersFolder, stillMine: () => Promise.resolve('mine' as const) };
  try {
    const { spawnMs, attemptMs } = await startToExit(new Runners(parts), folder, rounds);
    const functionTasksPerS = await handlersPerS(new FunctionRunner(parts), folder, calls);
    const idle = await idleUse(folder);
    return {
      params: { rounds, calls, width, idleWatchMs, isHubThere: false },
      figures: {
        overheadRatio: rounded(attemptMs / spawnMs),
        attemptMs: rounded(attemptMs),
        functionTasksPerS: Math.round(functionTasksPerS),
        ...idle,
      },
      peers: { spawnMs: rounded(spawnMs) },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Medians, in turns, so that both see the same machine. */
async function startToExit(runners: Runners, folder: string, rounds: number) {
  const runner = runners.of('command');
  if (!runner) throw new Error('no runner of commands');
  const bare: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bare.push(await timed(bareSpawn));
    ours.push(await timed(() => attempt(runner, program, { folder, number: round })));
  }
  return { spawnMs: quantile(bare, 0.5), attemptMs: quantile(ours, 0.5) };
}

async function timed(run: () => Promise<void>): Promise<number> {
  const beganMs = performance.now();
  await run();
  return performance.now() - beganMs;
}

const bareSpawn = (): Promise<void> =>
  new Promise((resolve) => {
    spawn('/bin/true', { stdio: ['ignore', 'pipe', 'pipe'] }).once('close', () => {
      resolve();
    });
  });

function attempt(runner: Runner<Work>, work: Work, at: { folder: string; number: number }): Promise<void> {
  const dispatch = {
    ...{ token: token(at.number + 1), taskId: taskId(at.number + 1), attempt: 1, epoch: epoch(1), work },
    ...{ timeoutMs: 60_000, graceMs: 1_000, cpu: 100, memory: 64, gpuMask: 0 },
  };
  const freshFolder = join(at.folder, `work-${String(at.number)}`);
  return new Promise((resolve, reject) => {
    const events = { started: () => undefined, output: () => undefined, checkpoint: () => undefined };
    new Attempt(
      { dispatch, env: { PATH: process.env['PATH'] ?? '' }, freshFolder, runner },
      {
        ...events,
        end: (end) => {
          if (end.reason === 'exit' && end.exitCode === 0) resolve();
          else reject(new Error(`an attempt ended with ${JSON.stringify(end)}`));
        },
      },
    );
  });
}

async function handlersPerS(runner: FunctionRunner, folder: string, calls: number): Promise<number> {
  const work = (input: number): Work => ({ kind: 'function', handler: 'echo', input });
  const run = runner.run as Runner<Work>;
  const untilNone = async (most: number): Promise<void> => {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < most) {
        next += 1;
        await attempt(run, work(next), { folder, number: next });
      }
    };
    await Promise.all(Array.from({ length: width }, lane));
  };
  await untilNone(width * 4);
  const tookMs = await timed(() => untilNone(calls));
  runner.close();
  return calls / (tookMs / 1_000);
}

async function idleUse(folder: string) {
  const main = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
  const words = ['--hub', 'http://127.0.0.1:9', '--node', 'bench', '--data', join(folder, 'agent')];
  const child = spawn(process.execPath, [main, ...words, '--token', 'bench-token'], { stdio: 'ignore' });
  try {
    await wait(settleMs);
    const before = ticksOf(child.pid ?? 0);
    await wait(idleWatchMs);
    const usedMs = (ticksOf(child.pid ?? 0) - before) * msPerTick;
    const status = readFileSync(`/proc/${String(child.pid)}/status`, 'utf8');
    const residentKiB = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
    return {
      idleCpuPercent: rounded((usedMs / idleWatchMs) * 100),
      idleRssMiB: rounded(residentKiB / 1_024),
    };
  } finally {
    child.kill('SIGKILL');
  }
}

/** User and system time: fields 14 and 15, counted from behind the program's name. */
function ticksOf(pid: number): number {
  const text = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
