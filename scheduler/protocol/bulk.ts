// One act on all tasks that match a filter, as a job: what is asked for, and what it would hit.
import * as v from 'valibot';
import { taskFilterSchema, textSchema, whole } from './consoleParams.ts';
import { bulkActs, type StorageJob } from './storage.ts';
import type { TaskState } from './task.ts';

const actSchema = v.picklist(bulkActs);

export const bulkMethodSchemas = {
  /** What `startBulk` would hit now. */
  previewBulk: v.strictObject({ act: actSchema, filter: v.optional(taskFilterSchema, {}) }),
  /**
   * Answers at once with its job; `getStorage` tells how far it is, `cancelJob` stops it where it is. Either `filter`,
   * or `ofJob`: with `cancel`, the tasks that an earlier requeue put back.
   */
  startBulk: v.strictObject({
    act: actSchema,
    filter: v.exactOptional(taskFilterSchema),
    ofJob: v.exactOptional(whole),
    /** Written beside tasks that are cancelled. */
    reason: v.optional(textSchema, ''),
  }),
} as const;

export interface BulkPreview {
  /** By state, largest first. */
  readonly states: readonly { readonly state: TaskState; readonly tasks: number }[];
  readonly total: number;
  /** Too many match to be counted one by one. The job tells the number once it has found them. */
  readonly isEstimate: boolean;
  /** Elements of arrays that have not begun: a cancel ends them with their array. They are in `total`. */
  readonly unbegun: number;
}
export interface BulkResults {
  previewBulk: BulkPreview;
  startBulk: StorageJob;
}
