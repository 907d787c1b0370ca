// What the runner of each kind is given and gives back. Time, grace, folder and the one end are the attempt's own.
import type { Dispatch, LogStream } from '../../scheduler/protocol/agentWire.ts';
import type { AttemptEnd, AttemptEndReason } from '../../scheduler/protocol/attempt.ts';
import type { Work } from '../../scheduler/protocol/work.ts';
import type { Environment } from '../handlers.ts';

export interface Stop {
  readonly reason: Extract<AttemptEndReason, 'timeout' | 'cancelled' | 'agent_lost' | 'lost'>;
  readonly message: string;
  readonly graceMs: number;
}
export interface Job<Of extends Work = Work> {
  readonly dispatch: Dispatch;
  readonly work: Of;
  readonly env: Environment;
  /** Of this attempt alone. There once `makeFolder` was called; goes with the attempt. */
  readonly folder: string;
  readonly makeFolder: () => void;
}
export interface RunEvents {
  /** It runs. `group`: the process group that carries it, where it has one. */
  readonly started: (group?: number) => void;
  readonly output: (stream: LogStream, chunk: Uint8Array) => void;
  /** Something for a next attempt to go on from. */
  readonly checkpoint: (text: string) => void;
  /** Once, and never within the call that began the run. Nothing of it is left, and no more output comes. */
  readonly end: (end: AttemptEnd) => void;
}
/** What runs. */
export interface Run {
  /** Asks it to end, as SIGTERM does. */
  readonly ask: () => void;
  /** Ends it with everything that it began. Synchronous. */
  readonly kill: () => void;
}
/** A message of an `Error` thrown here says why it cannot start. */
export type Runner<Of extends Work> = (job: Job<Of>, events: RunEvents) => Run;

/** Bound of `AttemptEnd.message`. */
export const messageLengthMax = 1_000;

/** Longest delay a timer of Node takes; longer ones would fire at once. */
const timerMaxMs = 2_147_483_647;

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
