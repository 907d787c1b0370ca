// Answers about the recorded past, as schemas.
import * as v from 'valibot';
import type { PastSummary, RecorderState } from '../protocol/recorder.ts';
import { amount, answerOf, count } from './answerOf.ts';
import { queueRow, summary } from './plantAnswers.ts';

const state = answerOf<RecorderState>()(
  v.object({
    isOn: v.boolean(),
    message: v.exactOptional(v.string()),
    reachesBackToMs: v.exactOptional(amount),
    untilMs: v.exactOptional(amount),
    bytes: count,
    bytesMax: count,
    keepHours: amount,
    snapshots: count,
    gaps: count,
    notices: v.array(v.string()),
    seek: v.exactOptional(v.object({ atMs: amount, done: count, total: count })),
  }),
);
const past = answerOf<PastSummary>()(
  v.object({
    atMs: amount,
    batchAtMs: amount,
    sequence: count,
    digest: v.exactOptional(v.string()),
    epoch: count,
    nodes: summary.entries.nodes,
    tasks: summary.entries.tasks,
    use: v.omit(summary.entries.use, ['cpuUsed', 'memoryUsed']),
    queues: v.array(queueRow),
  }),
);

export const recorderAnswers = {
  RecorderState: state,
  PastSummary: past,
  SeekStopped: v.object({ stopped: v.boolean() }),
} as const;
