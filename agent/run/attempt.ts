// One attempt of any kind: its folder made and cleaned, its time and grace kept, ended once.
import { mkdirSync, rm } from 'node:fs';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import type { Work } from '../../scheduler/protocol/work.ts';
import type { Environment } from '../handlers.ts';
import { after, messageLengthMax, type Run, type RunEvents, type Runner, type Stop } from './runner.ts';

export interface AttemptSetting {
  readonly dispatch: Dispatch;
  readonly env: Environment;
  /** Made where the work needs one, and removed at the end. */
  readonly freshFolder: string;
  readonly runner: Runner<Work>;
}

export class Attempt {
  readonly #setting: AttemptSetting;
  readonly #events: RunEvents;
  readonly #beganMs = performance.now();
  #run: Run | undefined;
  #stop: Stop | undefined;
  #cancelTimeout: () => void = () => undefined;
  #cancelKill: () => void = () => undefined;
  #killAtMs = Infinity;
  #hasFolder = false;
  #hasEnded = false;

  constructor(setting: AttemptSetting, events: RunEvents) {
    this.#setting = setting;
    this.#events = events;
    this.#start();
  }

  /** Asks it to end, kills it after the grace. The first reason stands; a later, shorter grace is obeyed. */
  stop(stop: Stop): void {
    if (this.#hasEnded) return;
    this.#stop ??= stop;
    const run = this.#run;
    const killAtMs = performance.now() + stop.graceMs;
    if (run === undefined || killAtMs >= this.#killAtMs) return;
    this.#killAtMs = killAtMs;
    if (stop.graceMs > 0) run.ask();
    this.#cancelKill();
    this.#cancelKill = after(stop.graceMs, run.kill);
  }

  kill(): void {
    if (!this.#hasEnded) this.#run?.kill();
  }

  #start(): void {
    const { dispatch, env, freshFolder, runner } = this.#setting;
    try {
      const job = {
        dispatch,
        work: dispatch.work,
        env,
        folder: freshFolder,
        makeFolder: () => {
          this.#hasFolder = true;
          mkdirSync(freshFolder, { recursive: true, mode: 0o700 });
        },
      };
      this.#run = runner(job, {
        ...this.#events,
        end: (end) => {
          this.#end(end);
        },
      });
      this.#cancelTimeout = after(dispatch.timeoutMs, () => {
        const message = `ran longer than its time limit of ${String(dispatch.timeoutMs)} ms`;
        this.stop({ reason: 'timeout', message, graceMs: dispatch.graceMs });
      });
    } catch (error) {
      const message = (error as Error).message.slice(0, messageLengthMax);
      setImmediate(() => {
        this.#end({ reason: 'spawn_failed', message });
      });
    }
  }

  #end(end: AttemptEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancelTimeout();
    this.#cancelKill();
    if (this.#hasFolder)
      rm(this.#setting.freshFolder, { recursive: true, force: true, maxRetries: 2 }, () => undefined);
    const hasRun = end.reason !== 'spawn_failed' && end.reason !== 'refused';
    const runMs = ms(Math.round(performance.now() - this.#beganMs));
    this.#events.end(this.#explained({ ...end, ...(hasRun && { runMs }) }));
  }

  /** What was stopped ended for that reason, whatever it said last. */
  #explained(end: AttemptEnd): AttemptEnd {
    if (!this.#stop || end.reason === 'spawn_failed' || end.reason === 'refused') return end;
    return { ...end, reason: this.#stop.reason, message: this.#stop.message };
  }
}
