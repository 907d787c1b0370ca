// Runs the processes of the socket edge: as children here, or by the messages of hostLink where the shell does it.
import { type ChildProcess, fork } from 'node:child_process';
import type { EdgeRunner } from '../hub/ports.ts';
import type { FromHostProcess } from '../protocol/hostLink.ts';

/** Garbage collection stops an edge for as long as its young space is large: 18-22 ms at 16 MiB, measured. */
export const edgeFlags = ['--max-semi-space-size=16'];

/** Without Electron: child processes, which end by themselves when the host's socket does. */
export class EdgeProcesses {
  readonly #program: string;
  readonly #onEnded: (edge: number) => void;
  readonly #children = new Map<number, ChildProcess>();

  /** `program`: scheduler/hub/edge.ts or its bundle. */
  constructor(program: string, onEnded: (edge: number) => void) {
    this.#program = program;
    this.#onEnded = onEnded;
  }

  start(edge: number, env: Readonly<Record<string, string>>): void {
    const child = fork(this.#program, [], {
      env: { ...process.env, ...env },
      execArgv: edgeFlags,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    // The link is a socket of its own: this channel would only keep the two processes awake.
    child.once('spawn', () => {
      child.disconnect();
    });
    this.#children.set(edge, child);
    const ended = (): void => {
      if (this.#children.get(edge) !== child) return;
      this.#children.delete(edge);
      this.#onEnded(edge);
    };
    child.once('exit', ended);
    // Could not be started at all; `exit` does not follow then.
    child.once('error', () => {
      if (child.pid === undefined) ended();
    });
  }

  kill(edge: number): void {
    this.#children.get(edge)?.kill('SIGKILL');
  }
}

/** Over the messages of hostLink. */
export class LinkedEdges implements EdgeRunner {
  readonly #send: (message: FromHostProcess) => void;
  readonly #onEnded = new Map<number, () => void>();

  constructor(send: (message: FromHostProcess) => void) {
    this.#send = send;
  }

  readonly start: EdgeRunner['start'] = (edge, env, onEnded) => {
    this.#onEnded.set(edge, onEnded);
    this.#send({ kind: 'startEdge', edge, env });
  };

  readonly kill: EdgeRunner['kill'] = (edge) => {
    if (this.#onEnded.has(edge)) this.#send({ kind: 'killEdge', edge });
  };

  /** The starter says that the process is gone. */
  ended(edge: number): void {
    const told = this.#onEnded.get(edge);
    this.#onEnded.delete(edge);
    told?.();
  }
}
