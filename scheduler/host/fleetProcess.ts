// Without Electron the host's own starter runs the simulated plant: as a child process, which ends when the host does.
import { type ChildProcess, fork } from 'node:child_process';
import type { FleetLaunch } from './fleetRunner.ts';

const killAfterMs = 10_000;

export class FleetProcess {
  readonly #program: string;
  readonly #onEnded: (code: number | null) => void;
  #child: ChildProcess | undefined;
  #killTimer: NodeJS.Timeout | undefined;

  /** `program`: agent/fleet/main.ts or its bundle. */
  constructor(program: string, onEnded: (code: number | null) => void) {
    this.#program = program;
    this.#onEnded = onEnded;
  }

  start({ args, env }: FleetLaunch): void {
    const before = this.#child;
    before?.removeAllListeners('exit');
    before?.kill('SIGKILL');
    const child = fork(this.#program, [...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.once('exit', (code) => {
      clearTimeout(this.#killTimer);
      this.#child = undefined;
      this.#onEnded(code);
    });
    // Could not be started at all; `exit` does not follow then.
    child.once('error', () => {
      if (child.pid === undefined) child.emit('exit', 1, null);
    });
  }

  stop(): void {
    const child = this.#child;
    if (!child) return;
    if (child.connected) child.send({ kind: 'stop' });
    this.#killTimer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    this.#killTimer.unref();
  }
}
