// The processes that hold agents' sockets, in a console: utility processes of their own, which end when the host does.
import { utilityProcess, type UtilityProcess } from 'electron';

/** As the host's: pauses of the garbage collector follow it. */
const semiSpaceFlag = '--max-semi-space-size=16';

export interface EdgeEvents {
  onOutput(text: string): void;
  onEnded(edge: number): void;
}

export class EdgeCompanions {
  readonly #entry: string;
  readonly #events: EdgeEvents;
  readonly #children = new Map<number, UtilityProcess>();

  constructor(entry: string, events: EdgeEvents) {
    this.#entry = entry;
    this.#events = events;
  }

  /** Takes the place of one that still runs: its host has ended, and it will. */
  start(edge: number, env: Readonly<Record<string, string>>): void {
    this.#children.get(edge)?.removeAllListeners('exit');
    this.kill(edge);
    const child = utilityProcess.fork(this.#entry, [], {
      serviceName: `millrace-edge-${String(edge)}`,
      env: { ...process.env, ...env },
      execArgv: [semiSpaceFlag],
      stdio: 'pipe',
    });
    this.#children.set(edge, child);
    const take = (chunk: Buffer): void => {
      this.#events.onOutput(chunk.toString());
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.on('exit', () => {
      this.#children.delete(edge);
      this.#events.onEnded(edge);
    });
  }

  kill(edge: number): void {
    const pid = this.#children.get(edge)?.pid;
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  }
}
