// A program of ours beside the host, in a utility process of its own: the simulated plant, or this workstation's agent.
import { utilityProcess, type UtilityProcess } from 'electron';

export interface CompanionEvents {
  onOutput(text: string): void;
  /** Gone, asked or unasked. `code` null: it was killed. */
  onEnded(code: number | null): void;
}
export interface CompanionStart {
  readonly args: readonly string[];
  /** Added to the environment: secrets do not belong on a command line, which everybody on the machine can read. */
  readonly env: Readonly<Record<string, string>>;
}

/** Time for an orderly end. What does not end by then is killed. */
const killAfterMs = 10_000;

export class Companion {
  readonly #entry: string;
  readonly #serviceName: string;
  readonly #events: CompanionEvents;
  #child: UtilityProcess | undefined;
  #wasKilled = false;

  constructor(entry: string, serviceName: string, events: CompanionEvents) {
    this.#entry = entry;
    this.#serviceName = serviceName;
    this.#events = events;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Takes the place of one that still runs. */
  start({ args, env }: CompanionStart): void {
    const before = this.#child;
    before?.removeAllListeners('exit');
    killNow(before);
    const child = utilityProcess.fork(this.#entry, [...args], {
      serviceName: this.#serviceName,
      env: { ...process.env, ...env },
      stdio: 'pipe',
    });
    this.#child = child;
    this.#wasKilled = false;
    const take = (chunk: Buffer): void => {
      this.#events.onOutput(chunk.toString());
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.on('exit', (code) => {
      this.#child = undefined;
      this.#events.onEnded(this.#wasKilled ? null : code);
    });
  }

  /** Resolves when it is gone. The word for programs that listen to it, the signal for those that do not. */
  stop(word?: { readonly kind: 'stop' }): Promise<void> {
    const child = this.#child;
    if (!child) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#wasKilled = true;
        killNow(child);
      }, killAfterMs);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      if (word) child.postMessage(word);
      else child.kill();
    });
  }
}

function killNow(child: UtilityProcess | undefined): void {
  if (child?.pid !== undefined) process.kill(child.pid, 'SIGKILL');
}
