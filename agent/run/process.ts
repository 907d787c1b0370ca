// A process in a group of its own: started, listened to, and ended with everything that it began.
import { type ChildProcess, spawn } from 'node:child_process';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { type Environment, type ProgramLine, spawnFault } from '../handlers.ts';
import { signalGroup } from '../processTree.ts';
import { after, messageLengthMax, type Run, type RunEvents } from './runner.ts';

/** After the program has ended, how long its output may still take to arrive from processes it left behind. */
const outputTailMs = 250;

export interface ProcessSetting extends ProgramLine {
  readonly cwd: string;
  readonly env: Environment;
}

/**
 * Processes that leave the group on purpose (setsid) are not followed. Whatever else the program left running is
 * killed when it ends: its capacity is given to others from then on.
 */
export function runProcess(setting: ProcessSetting, events: RunEvents): Run {
  const { program, env } = setting;
  const child = startProcess(setting);
  child.once('error', (error) => {
    // Also comes when a signal could not be sent; then the process runs and its exit follows.
    if (child.pid !== undefined) return;
    const message = spawnFault(program, env, error).slice(0, messageLengthMax);
    events.end({ reason: 'spawn_failed', message });
  });
  child.once('spawn', () => {
    if (child.pid !== undefined) events.started(child.pid);
  });
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.on('data', (chunk: Buffer) => {
      events.output(stream, chunk);
    });
    // A pipe that breaks ends the output early; the exit, which decides, comes all the same.
    child[stream]?.on('error', () => undefined);
  }
  child.once('exit', (exitCode, signal) => {
    finish(child, () => {
      events.end(endOf(exitCode, signal));
    });
  });
  const send = (signal: NodeJS.Signals) => (): void => {
    if (child.pid !== undefined) signalGroup(child.pid, signal);
  };
  return { ask: send('SIGTERM'), kill: send('SIGKILL') };
}

function startProcess({ program, programArgs, cwd, env }: ProcessSetting): ChildProcess {
  try {
    const stdio: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'pipe'];
    return spawn(program, programArgs, { cwd, env, detached: true, windowsHide: true, stdio });
  } catch (error) {
    throw new Error(spawnFault(program, env, error as NodeJS.ErrnoException), { cause: error });
  }
}

export function endOf(exitCode: number | null, signal: NodeJS.Signals | null): AttemptEnd {
  return {
    reason: signal === null ? 'exit' : 'signal',
    ...(exitCode !== null && { exitCode }),
    ...(signal !== null && { signal }),
  };
}

/** Mostly the output is complete at once. Where children hold it open, they get a moment and are then killed. */
function finish(child: ChildProcess, done: () => void): void {
  const kill = (): void => {
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
  };
  let hasFinished = false;
  const end = (): void => {
    if (hasFinished) return;
    hasFinished = true;
    kill();
    cancelTail();
    child.stdout?.destroy();
    child.stderr?.destroy();
    done();
  };
  let cancelLast = (): void => undefined;
  const cancelTail = after(outputTailMs, () => {
    kill();
    // Killed holders let go at once; one that left the group may never: then the rest of its output is not ours.
    cancelLast = after(outputTailMs, end);
  });
  child.once('close', () => {
    cancelLast();
    end();
  });
}
