// Bounds of workflows, with their reasons.

/** Tasks of one workflow: one submit's worth. */
export const workflowTasksMax = 5_000;
/** Workflows that have not ended. */
export const workflowsMax = 1_000;
/** Entries of `after` in one workflow, over all its tasks: each is a number in memory. */
export const workflowLinksMax = 100_000;
/** One workflow's JSON: as much as one HTTP request may carry. */
export const workflowBytesMax = 4 * 1024 * 1024;
/** Tasks of ended workflows that can still be retried as a whole: about 10 MB of names and links. */
export const workflowTasksKeptMax = 100_000;
/** Tasks that one task of a workflow may wait for. */
export const workflowAfterMax = 256;
