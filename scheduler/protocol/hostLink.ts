// Electron's main process <-> scheduler host: the few messages about the host's life. Console traffic does not pass
// here: each window gets one end of a MessagePort and the host the other.
import type { Refusal } from './outcome.ts';

/** main -> host, on `process.parentPort`. */
export type ToHost =
  /** Comes with one MessagePort: one end of `consoleWire`. `shell`: main itself asks, not one of its windows. */
  | { readonly kind: 'console'; readonly from: 'window' | 'shell' }
  /** Orderly stop: refuse new work, finish the journal write, exit with code 0. */
  | { readonly kind: 'stop' }
  /** The process of the last `startFleet` is gone: asked or unasked. `code` null: it was killed. */
  | { readonly kind: 'fleetEnded'; readonly code: number | null }
  /** The process of the last `startEdge` of this number is gone: asked or unasked. */
  | { readonly kind: 'edgeEnded'; readonly edge: number };

/** How far a start is. `checking` and `loading` count bytes, `replaying` batches. `total` 0: not known yet. */
export interface RecoveryProgress {
  /** The file is read and checked; the snapshot becomes state; the batches after it are applied. */
  readonly stage: 'checking' | 'loading' | 'replaying';
  readonly done: number;
  readonly total: number;
}

/** host -> main. */
export type FromHostProcess =
  | ({ readonly kind: 'recovering' } & RecoveryProgress)
  | {
      readonly kind: 'listening';
      /** `http://127.0.0.1:7443`: where agents join. */
      readonly address: string;
      readonly epoch: number;
      /** Live attempts found at start: what a quit would leave running on agents. */
      readonly liveTasks: number;
    }
  /**
   * Run the virtual plant (`agent/fleet`) as a process of its own with these arguments and this added environment,
   * in which the tokens are. Takes the place of one that still runs; it ends with the program.
   */
  | {
      readonly kind: 'startFleet';
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  /** Ask it to end with the message `{ kind: 'stop' }` (or SIGTERM); kill it after 10 s. `fleetEnded` follows. */
  | { readonly kind: 'stopFleet' }
  /**
   * Run an edge (`scheduler/hub/edge`) as a process of its own with this added environment, in which its secret is. It
   * ends by itself when the host does. `edgeEnded` follows.
   */
  | {
      readonly kind: 'startEdge';
      readonly edge: number;
      readonly env: Readonly<Record<string, string>>;
    }
  /** End it at once. `edgeEnded` follows where it was there. */
  | { readonly kind: 'killEdge'; readonly edge: number }
  /** The host cannot run and says why; it exits with code 2 after this. Restarting it would not help. */
  | { readonly kind: 'failed'; readonly refusal: Refusal };

/** Exit codes of the host process. 0 orderly; 1 bug; 2 cannot start; 3 storage failed while running. */
export const hostExit = { ok: 0, bug: 1, cannotStart: 2, storageFailed: 3 } as const;

/** What the Electron shell tells a window of the host's life. In a browser the socket's state says the same. */
export type HostState =
  | { readonly state: 'starting' }
  | ({ readonly state: 'recovering' } & RecoveryProgress)
  | { readonly state: 'running'; readonly epoch: number }
  | {
      readonly state: 'restarting';
      readonly restarts: number;
      readonly inMs: number;
      readonly reason: string;
    }
  | { readonly state: 'failed'; readonly reason: string };
