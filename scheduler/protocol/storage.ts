// What is kept on disk and for how long, copies of it, and long work on it: what the console shows and may ask for.
import * as v from 'valibot';
import type { Ms } from './brands.ts';
import * as limits from './limits.ts';

const wholeFrom = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const folderSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(limits.pathLengthMax));

/** What ended tasks and output are kept: whichever bound is reached first lets the oldest go. */
export const retentionSchema = v.strictObject({
  tasksMax: wholeFrom(1_000, limits.historyTasksLimit),
  /** Days since a task ended. Absent: age alone lets nothing go. */
  daysMax: v.exactOptional(wholeFrom(1, 36_500)),
  /** Bytes of tasks and output in history.db. */
  historyBytesMax: v.exactOptional(wholeFrom(limits.historyBytesLeast, Number.MAX_SAFE_INTEGER)),
  /** Bytes of output of attempts. */
  logBytesMax: wholeFrom(0, Number.MAX_SAFE_INTEGER),
  /** Hours of the flight recorder. Absent: `recorderHoursDefault`. */
  recorderHoursMax: v.exactOptional(wholeFrom(1, limits.recorderHoursLimit)),
  /** Bytes of recorder.db. Absent: `recorderBytesDefault`. */
  recorderBytesMax: v.exactOptional(wholeFrom(limits.recorderBytesLeast, Number.MAX_SAFE_INTEGER)),
});
export type Retention = v.InferOutput<typeof retentionSchema>;
export const defaultRetention: Retention = {
  tasksMax: limits.historyTasksMax,
  logBytesMax: limits.historyLogBytesMax,
};

/** Copies made by themselves. Each is a folder `millrace-YYYYMMDD-HHMMSS` below `folder`. */
export const backupPlanSchema = v.strictObject({
  /** Absent: none is made by itself. An absolute path on the host's machine. */
  folder: v.exactOptional(folderSchema),
  everyHours: v.optional(wholeFrom(1, 24 * 31), 24),
  /** Copies kept in the folder; older ones go once a newer one is complete. */
  keep: v.optional(wholeFrom(1, 1_000), 7),
});
export type BackupPlan = v.InferOutput<typeof backupPlanSchema>;

export const exportFormats = ['csv', 'ndjson', 'parquet'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** One act on all tasks that match a filter. */
export const bulkActs = ['requeue', 'cancel'] as const;
export type BulkAct = (typeof bulkActs)[number];

/**
 * Why a task that matched was left as it is: it changed meanwhile; it is a group, or cannot be put back without its
 * group; it was pruned; its queue is full, or the tables are; anything else.
 */
export const bulkSkipReasons = ['changed', 'grouped', 'gone', 'no_room', 'refused'] as const;
export type BulkSkipReason = (typeof bulkSkipReasons)[number];
export interface BulkSkip {
  readonly reason: BulkSkipReason;
  readonly tasks: number;
  /** What was said of the first of them. */
  readonly message: string;
}
export interface BulkTally {
  /** Tasks that were put back, or cancelled. */
  readonly changed: number;
  /** Most frequent first. */
  readonly skipped: readonly BulkSkip[];
  /** True: `startBulk` with `ofJob` cancels what this one put back. */
  readonly canBeCancelled?: true;
}

/** Long work: shown with progress, ended by `cancelJob`. Kept in the list until the host ends. */
export interface StorageJob {
  readonly jobId: number;
  readonly kind: 'backup' | 'export' | BulkAct;
  /** `scheduled` work has the actor `schedule`. */
  readonly actor: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly startedAtMs: Ms;
  readonly endedAtMs?: Ms;
  /** Pages of a backup, rows of an export, tasks of an act. `total` 0: not known yet. */
  readonly done: number;
  readonly total: number;
  /** Folder or file that was or is being made. Absent once it was taken away again. */
  readonly path?: string;
  readonly bytes?: number;
  /** Of an act on tasks: what came of it so far. What it did stays when it is cancelled. */
  readonly bulk?: BulkTally;
  /** Why it failed, in words. */
  readonly message?: string;
}

export interface StorageState {
  readonly dataFolder: string;
  /** Free on the data folder's disk. */
  readonly freeBytes: number;
  readonly journal: {
    readonly bytes: number;
    /** Bytes that a start would replay after its snapshot. */
    readonly replayBytes: number;
    readonly isSnapshotUnderWay: boolean;
  };
  readonly history: {
    readonly bytes: number;
    readonly tasks: number;
    readonly logBytes: number;
    /** End of the oldest task that is kept. */
    readonly oldestEndedAtMs?: Ms;
  };
  readonly retention: Retention;
  readonly backup: BackupPlan & {
    /** Newest complete copy that this host made into `folder`. */
    readonly lastAtMs?: Ms;
    readonly nextAtMs?: Ms;
  };
  /** Newest first. */
  readonly jobs: readonly StorageJob[];
}
