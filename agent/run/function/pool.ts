// Processes that run handlers, kept for the next attempt: a start of Node takes some 40 ms, an attempt far less.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../handlers.ts';

/** More are not kept: each holds some 45 MiB. */
const idleMax = 8;
/** After so long without an attempt they go, so that an agent at rest is small. */
const idleMs = 10_000;
/** Below this, Node itself does not run. */
const heapLeastMiB = 16;
const isBundle = import.meta.url.endsWith('.cjs');
const childFile = fileURLToPath(new URL(isBundle ? './handlerProcess.cjs' : './child.ts', import.meta.url));

export interface HandlerProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Changed files and other memory bounds need another process. */
  readonly key: string;
}
interface Wanted {
  readonly key: string;
  readonly memoryMiB: number;
  readonly cwd: string;
  readonly env: Environment;
}

export class HandlerPool {
  #idle: HandlerProcess[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** Throws where no process can be started. */
  take({ key, memoryMiB, cwd, env }: Wanted): HandlerProcess {
    const at = this.#idle.findLastIndex((process) => process.key === key);
    const [idle] = at < 0 ? [] : this.#idle.splice(at, 1);
    if (idle && idle.child.connected) return idle;
    const heapMiB = Math.max(heapLeastMiB, memoryMiB);
    const child = spawn(process.execPath, [`--max-old-space-size=${String(heapMiB)}`, childFile], {
      ...{ cwd, env, detached: true, windowsHide: true },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child.on('error', () => undefined);
    if (child.pid === undefined) throw new Error('no process for handlers could be started on this node');
    return { child, pid: child.pid, key };
  }

  /** For the next attempt. */
  giveBack(process: HandlerProcess): void {
    this.#idle.push(process);
    if (this.#idle.length > idleMax) end(this.#idle.shift());
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.close();
    }, idleMs).unref();
  }

  /** Ends those at rest. */
  close(): void {
    clearTimeout(this.#timer);
    for (const process of this.#idle.splice(0)) end(process);
  }
}

function end(process: HandlerProcess | undefined): void {
  process?.child.kill('SIGKILL');
}
