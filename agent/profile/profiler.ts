// The machine's profile every ten seconds: from eBPF where this machine lets us, else from the next source that it has.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { BpfOutput } from './bpfOutput.ts';
import { bpfProgram, hasTracepoints } from './bpfProgram.ts';
import { FallbackProbe } from './fallback.ts';
import type { Profile } from './figure.ts';

const intervalDefaultS = 10;
/** Compiling and attaching take seconds on a slow node: without data after this, eBPF is given up. */
const firstDataMs = 30_000;
const errorKept = 500;

/** Why eBPF cannot be used here, in words for an operator; undefined where it can be tried. */
export function ebpfMissing(path = process.env['PATH'] ?? ''): string | undefined {
  if (process.platform !== 'linux') return `eBPF needs Linux; this is ${process.platform}`;
  if (process.geteuid?.() !== 0) return 'eBPF needs root: the agent runs as another user';
  if (!findBpftrace(path)) return 'bpftrace is not on PATH: install the package bpftrace';
  if (!hasTracepoints())
    return 'no tracepoints: mount them by "mount -t tracefs tracefs /sys/kernel/tracing"';
  return undefined;
}

/** Only what bpftrace has printed counts as eBPF: that it attached, it says also where it did not. */
export class Profiler {
  readonly #intervalS: number;
  readonly #onProfile: (profile: Profile) => void;
  #program: ChildProcess | undefined;
  #fallback: NodeJS.Timeout | undefined;
  #firstData: NodeJS.Timeout | undefined;
  #errors = '';
  #isStopped = false;

  constructor(onProfile: (profile: Profile) => void, intervalS = intervalDefaultS) {
    this.#onProfile = onProfile;
    this.#intervalS = intervalS;
  }

  /** Of bpftrace while it runs. */
  get programId(): number | undefined {
    return this.#program?.pid;
  }

  start(): void {
    const missing = ebpfMissing();
    const path = findBpftrace(process.env['PATH'] ?? '');
    if (missing === undefined && path !== undefined) this.#trace(path);
    else this.#fallBack(missing ?? 'bpftrace went away');
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#fallback);
    clearTimeout(this.#firstData);
    this.#program?.kill('SIGTERM');
  }

  #trace(path: string): void {
    const output = new BpfOutput(this.#intervalS * 1_000);
    const words = ['-f', 'json', '-B', 'line', '-e', bpfProgram(this.#intervalS)];
    const program = spawn(path, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#program = program;
    this.#firstData = setTimeout(() => program.kill('SIGKILL'), firstDataMs + this.#intervalS * 1_000);
    program.stdout.setEncoding('utf8').on('data', (piece: string) => {
      for (const profile of output.take(piece)) {
        clearTimeout(this.#firstData);
        this.#onProfile(profile);
      }
    });
    program.stderr.setEncoding('utf8').on('data', (piece: string) => {
      this.#errors = (this.#errors + piece).slice(-errorKept);
    });
    let isGone = false;
    const gone = (reason: string): void => {
      clearTimeout(this.#firstData);
      if (isGone) return;
      isGone = true;
      this.#program = undefined;
      if (!this.#isStopped) this.#fallBack(`bpftrace ended: ${reason}`);
    };
    program.on('error', (error) => {
      gone(error.message);
    });
    program.on('close', (code, signal) => {
      gone(this.#errors.trim() || String(code ?? signal));
    });
  }

  #fallBack(why: string): void {
    const probe = new FallbackProbe();
    this.#fallback = setInterval(() => {
      this.#onProfile({ ...probe.read(), why });
    }, this.#intervalS * 1_000);
  }
}

function findBpftrace(path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'bpftrace'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
