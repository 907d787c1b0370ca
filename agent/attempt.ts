// One attempt as a process: started in a group of its own, watched, stopped with grace, ended with everything it began.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rm } from 'node:fs';
import type { Dispatch, LogStream } from '../scheduler/protocol/agentWire.ts';
import { ms, type Ms } from '../scheduler/protocol/brands.ts';
import type { CommandWork } from '../scheduler/protocol/task.ts';
import type { AttemptEnd, AttemptEndReason } from '../scheduler/protocol/attempt.ts';
import { type Environment, folderFault, programLine, spawnFault } from './handlers.ts';
import { signalGroup } from './processTree.ts';

/** After the program has ended, how long its output may still take to arrive from processes it left behind. */
const outputTailMs = 250;
/** Longest delay a timer of Node takes; longer ones would fire at once. */
const timerMaxMs = 2_147_483_647;

export interface Stop {
  readonly reason: Extract<AttemptEndReason, 'timeout' | 'cancelled' | 'agent_lost' | 'lost'>;
  readonly message: string;
  readonly graceMs: number;
}
export interface AttemptSetting {
  readonly dispatch: Dispatch;
  readonly work: CommandWork;
  readonly env: Environment;
  /** A fresh folder for work that names none; made here and removed at the end. */
  readonly freshFolder: string;
}
export interface AttemptEvents {
  /** The program runs, as leader of the process group with this number. */
  readonly onStarted: (group: number) => void;
  readonly onOutput: (stream: LogStream, chunk: Uint8Array) => void;
  /** Once. Every process of the group has been told to die, and no more output comes. */
  readonly onEnd: (end: AttemptEnd) => void;
}

/**
 * Processes that leave the group on purpose (setsid) are not followed. Whatever else the program left running is
 * killed when it ends: its capacity is given to others from then on.
 */
export class Attempt {
  readonly #setting: AttemptSetting;
  readonly #events: AttemptEvents;
  readonly #beganMs = performance.now();
  #child: ChildProcess | undefined;
  #stop: Stop | undefined;
  #cancelTimeout: () => void = () => undefined;
  #cancelKill: () => void = () => undefined;
  #killAtMs = Infinity;
  #hasEnded = false;

  constructor(setting: AttemptSetting, events: AttemptEvents) {
    this.#setting = setting;
    this.#events = events;
    this.#start();
  }

  /** SIGTERM to the group, SIGKILL after the grace. The first reason stands; a later, shorter grace is obeyed. */
  stop(stop: Stop): void {
    if (this.#hasEnded) return;
    this.#stop ??= stop;
    const group = this.#child?.pid;
    const killAtMs = performance.now() + stop.graceMs;
    if (group === undefined || killAtMs >= this.#killAtMs) return;
    this.#killAtMs = killAtMs;
    if (stop.graceMs > 0) signalGroup(group, 'SIGTERM');
    this.#cancelKill();
    this.#cancelKill = after(stop.graceMs, () => {
      signalGroup(group, 'SIGKILL');
    });
  }

  kill(): void {
    if (this.#child?.pid !== undefined && !this.#hasEnded) signalGroup(this.#child.pid, 'SIGKILL');
  }

  #start(): void {
    const { dispatch, work, env, freshFolder } = this.#setting;
    const { program, programArgs } = programLine(work);
    try {
      if (work.cwd === undefined) mkdirSync(freshFolder, { recursive: true, mode: 0o700 });
      const cwd = work.cwd ?? freshFolder;
      const fault = folderFault(cwd);
      if (fault !== undefined) {
        this.#failLater(fault);
        return;
      }
      const child = spawn(program, programArgs, {
        cwd,
        env,
        detached: true,
        windowsHide: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      this.#child = child;
      this.#listen(child, program);
      this.#cancelTimeout = after(dispatch.timeoutMs, () => {
        const message = `ran longer than its time limit of ${String(dispatch.timeoutMs)} ms`;
        this.stop({ reason: 'timeout', message, graceMs: dispatch.graceMs });
      });
    } catch (error) {
      this.#failLater(spawnFault(program, env, error as NodeJS.ErrnoException));
    }
  }

  #listen(child: ChildProcess, program: string): void {
    child.once('error', (error) => {
      // Also comes when a signal could not be sent; then the process runs and its exit follows.
      if (child.pid === undefined)
        this.#end({ reason: 'spawn_failed', message: spawnFault(program, this.#setting.env, error) });
    });
    child.once('spawn', () => {
      if (child.pid !== undefined) this.#events.onStarted(child.pid);
    });
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]?.on('data', (chunk: Buffer) => {
        this.#events.onOutput(stream, chunk);
      });
      // A pipe that breaks ends the output early; the exit, which decides, comes all the same.
      child[stream]?.on('error', () => undefined);
    }
    child.once('exit', (exitCode, signal) => {
      this.#exited(child, this.#describe(exitCode, signal));
    });
  }

  #describe(exitCode: number | null, signal: NodeJS.Signals | null): AttemptEnd {
    const runMs: Ms = ms(Math.round(performance.now() - this.#beganMs));
    const facts = { runMs, ...(exitCode !== null && { exitCode }), ...(signal !== null && { signal }) };
    if (this.#stop) return { reason: this.#stop.reason, message: this.#stop.message, ...facts };
    return { reason: signal === null ? 'exit' : 'signal', ...facts };
  }

  /** Mostly the output is complete at once. Where children hold it open, they get a moment and are then killed. */
  #exited(child: ChildProcess, end: AttemptEnd): void {
    this.#cancelTimeout();
    this.#cancelKill();
    const finish = (): void => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      cancelTail();
      child.stdout?.destroy();
      child.stderr?.destroy();
      this.#end(end);
    };
    const cancelTail = after(outputTailMs, () => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      // Killed holders let go at once; one that left the group may never: then the rest of its output is not ours.
      cancelLast = after(outputTailMs, finish);
    });
    let cancelLast = (): void => undefined;
    child.once('close', () => {
      cancelLast();
      finish();
    });
  }

  #failLater(message: string): void {
    setImmediate(() => {
      this.#end({ reason: 'spawn_failed', message: message.slice(0, 1_000) });
    });
  }

  #end(end: AttemptEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancelTimeout();
    this.#cancelKill();
    if (this.#setting.work.cwd === undefined)
      rm(this.#setting.freshFolder, { recursive: true, force: true, maxRetries: 2 }, () => undefined);
    this.#events.onEnd(end);
  }
}

/** A timer for any delay, also beyond the 24.8 days of `setTimeout`. The answer cancels it. */
export function after(delayMs: number, run: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    const stepMs = Math.min(leftMs, timerMaxMs);
    timer = setTimeout(() => {
      if (leftMs > stepMs) wait(leftMs - stepMs);
      else run();
    }, stepMs);
  };
  wait(delayMs);
  return () => {
    clearTimeout(timer);
  };
}
