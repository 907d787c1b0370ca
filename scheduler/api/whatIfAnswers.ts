// Answers about what-ifs, as schemas.
import * as v from 'valibot';
import type { WhatIfRun } from '../protocol/whatIf.ts';
import { amount, answerOf, count } from './answerOf.ts';

const outcome = v.object({
  placements: count,
  submitted: count,
  refused: count,
  succeeded: count,
  deadLettered: count,
  cancelled: count,
  missedDeadlines: count,
  cpuAllocatedShare: amount,
  memoryAllocatedShare: amount,
  waits: v.array(
    v.object({
      queue: v.string(),
      tasks: count,
      p50Ms: amount,
      p95Ms: amount,
      maxMs: amount,
      waiting: count,
      longestWaitingMs: amount,
    }),
  ),
  liveAtEnd: count,
  neverFit: count,
  drainedAfterMs: v.exactOptional(amount),
  estimatedRuns: count,
  digest: v.string(),
  timesRealTime: amount,
});
const run = answerOf<WhatIfRun>()(
  v.object({
    runId: count,
    actor: v.string(),
    state: v.picklist(['running', 'done', 'failed', 'cancelled']),
    fromMs: amount,
    untilMs: amount,
    startedAtMs: amount,
    endedAtMs: v.exactOptional(amount),
    progress: amount,
    message: v.string(),
    answer: v.exactOptional(
      v.object({
        baseline: outcome,
        changed: outcome,
        digestsEqual: v.exactOptional(v.boolean()),
        leftOut: v.record(v.string(), count),
        notes: v.array(v.string()),
      }),
    ),
  }),
);

export const whatIfAnswers = {
  WhatIfRun: run,
  WhatIfNewest: v.object({ run: v.exactOptional(run) }),
} as const;
