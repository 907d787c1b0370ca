// What the host tells whoever started it.
import type { Log } from '../observe/log.ts';
import type { Refusal } from '../protocol/outcome.ts';

export interface HostEvents {
  readonly log: Log;
  readonly onRecovering: (done: number, total: number) => void;
  /** The journal or history failed while running: the process must end. */
  readonly onFailure: (reason: Refusal) => void;
  /** Something threw that never should have: the process must end. */
  readonly onBug: (error: unknown, where: string) => void;
}
