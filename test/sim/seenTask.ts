// A task as the audit of the journal knows it.
import type { TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';

export interface SeenTask {
  readonly taskId: TaskId;
  readonly spec: TaskSpec;
  isLive: boolean;
  isCancelAsked: boolean;
  ends: number;
  hasSucceeded: boolean;
  requeues: number;
  /** Ends of attempts since it was last put in its queue by somebody. */
  attemptEnds: AttemptEnd[];
  live: Token | undefined;
  /** The second one beside it. */
  copy: Token | undefined;
  /** The last one that was placed. */
  newest: Token | undefined;
}
export function newlySeen(taskId: TaskId, spec: TaskSpec): SeenTask {
  const counts = { ends: 0, requeues: 0, hasSucceeded: false };
  const now = { isLive: true, isCancelAsked: false, live: undefined, copy: undefined, newest: undefined };
  return { taskId, spec, ...counts, ...now, attemptEnds: [] };
}
