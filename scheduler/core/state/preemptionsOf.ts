// How often a task was stopped to make room for others: those attempts count against nothing but their own bound.
import type { AttemptRecord } from '../../protocol/attempt.ts';

interface Tried {
  readonly past: readonly AttemptRecord[];
  /** Attempts before a person put it back. */
  readonly forgiven: number;
}

/** Since a person put it back. O(past attempts). */
export function preemptionsOf({ past, forgiven }: Tried): number {
  let count = 0;
  for (let at = forgiven; at < past.length; at += 1) if (past[at]?.end?.reason === 'preempted') count += 1;
  return count;
}
