// One try to run a task on one node: how it ended, and what is kept of it.
import type { MiB, Ms, NodeId, TaskId, Token } from './brands.ts';

/** How an attempt ended, as agents tell it and as retry rules may name it. All but `exit` with code 0 are failures. */
export const reportedEndReasons = [
  'exit',
  'signal',
  'timeout',
  'cancelled',
  'spawn_failed', // the program could not be started: missing, not executable, no such folder
  'refused', // the agent would not run it: unknown kind, stale epoch
  'agent_lost', // the agent's process died with it and its end is unknown
  'lost', // the node went silent and the lease ran out
  'out_of_memory', // it took more memory than it had reserved, and was ended for that
] as const;
/** Also those that only the scheduler says: `preempted`, stopped to make room for another task. */
export const attemptEndReasons = [...reportedEndReasons, 'preempted'] as const;
export type AttemptEndReason = (typeof attemptEndReasons)[number];

export interface AttemptEnd {
  readonly reason: AttemptEndReason;
  readonly exitCode?: number;
  readonly signal?: string;
  /** For people: what went wrong, in words. */
  readonly message?: string;
  /** Run time by the agent's own monotonic clock. */
  readonly runMs?: Ms;
  /** CPU time of the process tree, and its largest resident memory, where the agent could measure them. */
  readonly cpuMs?: Ms;
  readonly memoryPeakMiB?: MiB;
  /** What it left for the next attempt to go on from, at most `checkpointBytesMax`. */
  readonly checkpoint?: string;
  /** What a function returned, as JSON, or the text that an HTTP call was answered with; at most `resultBytesMax`. */
  readonly result?: string;
  /** `preempted`: for whom. Only the scheduler says so. */
  readonly stoppedFor?: TaskId;
}

export interface AttemptRecord {
  readonly attempt: number;
  readonly token: Token;
  readonly nodeId: NodeId;
  readonly placedAtMs: Ms;
  readonly startedAtMs?: Ms;
  readonly endedAtMs?: Ms;
  readonly end?: AttemptEnd;
}

export const isSuccess = (end: AttemptEnd): boolean => end.reason === 'exit' && end.exitCode === 0;
/** Lost by the platform, not by the task: repeated without spending the task's own attempts. */
export const isPlatformLoss = (reason: AttemptEndReason): boolean =>
  reason === 'lost' || reason === 'agent_lost' || reason === 'refused';
