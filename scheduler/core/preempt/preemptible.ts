// What may be stopped for other tasks by what it says of itself, and how often and for whom it was.
import type { AttemptRecord } from '../../protocol/attempt.ts';
import type { TaskId } from '../../protocol/brands.ts';
import type { TaskGroupRef, TaskSpec } from '../../protocol/task.ts';

interface Declared {
  readonly spec: Pick<TaskSpec, 'isPreemptible' | 'delivery'>;
  readonly group: TaskGroupRef | undefined;
}
interface Tried {
  readonly past: readonly AttemptRecord[];
  /** Attempts before a person put it back. */
  readonly forgiven: number;
}

/** By what it declares alone. A gang ends as a whole; what runs at most once could not go on. */
export const isPreemptible = ({ spec, group }: Declared): boolean =>
  spec.isPreemptible === true && spec.delivery === 'at_least_once' && group?.kind !== 'gang';

/** Since a person put it back: those attempts count against nothing but their own bound. O(past attempts). */
export function preemptionsOf({ past, forgiven }: Tried): number {
  let count = 0;
  for (let at = forgiven; at < past.length; at += 1) if (past[at]?.end?.reason === 'preempted') count += 1;
  return count;
}

/** Was it ever stopped for this one? O(past attempts). */
export const wasStoppedFor = ({ past }: Pick<Tried, 'past'>, other: TaskId): boolean =>
  past.some(({ end }) => end?.stoppedFor === other);
