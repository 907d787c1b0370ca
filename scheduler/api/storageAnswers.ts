// Answers about what is stored, as schemas.
import * as v from 'valibot';
import type { Results } from '../protocol/consoleWire.ts';
import type { BulkPreview } from '../protocol/bulk.ts';
import { endStates, liveStates } from '../protocol/task.ts';
import {
  backupPlanSchema,
  bulkActs,
  bulkSkipReasons,
  retentionSchema,
  type StorageJob,
  type StorageState,
} from '../protocol/storage.ts';
import { amount, answerOf, count } from './answerOf.ts';

const job = answerOf<StorageJob>()(
  v.object({
    jobId: count,
    kind: v.picklist(['backup', 'export', ...bulkActs]),
    actor: v.string(),
    state: v.picklist(['running', 'done', 'failed', 'cancelled']),
    startedAtMs: amount,
    endedAtMs: v.exactOptional(amount),
    done: count,
    total: count,
    path: v.exactOptional(v.string()),
    bytes: v.exactOptional(count),
    bulk: v.exactOptional(
      v.object({
        changed: count,
        skipped: v.array(
          v.object({ reason: v.picklist(bulkSkipReasons), tasks: count, message: v.string() }),
        ),
        canBeCancelled: v.exactOptional(v.literal(true)),
      }),
    ),
    message: v.exactOptional(v.string()),
  }),
);
const bulkPreview = answerOf<BulkPreview>()(
  v.object({
    states: v.array(v.object({ state: v.picklist([...liveStates, ...endStates]), tasks: count })),
    total: count,
    isEstimate: v.boolean(),
    unbegun: count,
  }),
);
const state = answerOf<StorageState>()(
  v.object({
    dataFolder: v.string(),
    freeBytes: count,
    journal: v.object({ bytes: count, replayBytes: count, isSnapshotUnderWay: v.boolean() }),
    history: v.object({
      bytes: count,
      tasks: count,
      logBytes: count,
      oldestEndedAtMs: v.exactOptional(amount),
    }),
    retention: retentionSchema,
    backup: v.object({
      ...backupPlanSchema.entries,
      lastAtMs: v.exactOptional(amount),
      nextAtMs: v.exactOptional(amount),
    }),
    jobs: v.array(job),
  }),
);

export const taskGroups = answerOf<Results['countTasks']>()(
  v.object({
    groups: v.array(v.object({ key: v.string(), tasks: count })),
    total: count,
    beyond: count,
    isEstimate: v.boolean(),
    asOfMs: amount,
    tookMs: amount,
  }),
);

export const storageAnswers = {
  StorageJob: job,
  BulkPreview: bulkPreview,
  StorageState: state,
  Retention: retentionSchema,
  BackupPlan: backupPlanSchema,
} as const;
