// What-if: a span of recorded load run again through the same scheduler on a copy, without and with changes.
import * as v from 'valibot';
import type { Ms, QueueName } from './brands.ts';
import { nodeIdSchema, queueSchema, timeSchema, whole } from './consoleParams.ts';
import * as limits from './limits.ts';
import { policyNames, queueChangeSchema, tenantChangeSchema } from './queue.ts';
import { labelsSchema, nameSchema } from './text.ts';

/** Nodes that match all that is named; nothing named matches nothing. */
export const nodeSelectSchema = v.strictObject({
  nodes: v.exactOptional(v.pipe(v.array(nodeIdSchema), v.maxLength(limits.nodesMax))),
  area: v.exactOptional(nameSchema),
  line: v.exactOptional(nameSchema),
  cell: v.exactOptional(nameSchema),
  labels: v.exactOptional(labelsSchema),
});
export type NodeSelect = v.InferOutput<typeof nodeSelectSchema>;

const changeSchema = v.variant('kind', [
  /** New work is kept away; what runs there goes on. */
  v.strictObject({ kind: v.literal('cordon'), select: nodeSelectSchema }),
  /** As `cordon`, and what runs there is given elsewhere at once. */
  v.strictObject({ kind: v.literal('drain'), select: nodeSelectSchema }),
  /** As `drain`, and the nodes leave the plant. */
  v.strictObject({ kind: v.literal('remove'), select: nodeSelectSchema }),
  /** So many nodes more, each like this one. */
  v.strictObject({
    kind: v.literal('add'),
    like: nodeIdSchema,
    count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(limits.nodesMax)),
  }),
  v.strictObject({ kind: v.literal('queue'), queue: queueSchema, change: queueChangeSchema }),
  v.strictObject({ kind: v.literal('tenant'), tenant: nameSchema, change: tenantChangeSchema }),
  /** The placement policy of the whole plant. */
  v.strictObject({ kind: v.literal('policy'), policy: v.picklist(policyNames) }),
]);
export type WhatIfChange = v.InferOutput<typeof changeSchema>;

export const whatIfMethodSchemas = {
  /** Answers at once with the run, which `getWhatIf` shows on its way. One at a time. */
  startWhatIf: v.strictObject({
    /** The span of recorded load. */
    fromMs: timeSchema,
    untilMs: timeSchema,
    /** The state that the load meets. Absent: that of `fromMs`. Another one: the load is moved to begin there. */
    stateAtMs: v.exactOptional(timeSchema),
    changes: v.optional(v.pipe(v.array(changeSchema), v.maxLength(limits.whatIfChangesMax)), []),
    /** Runs both twice and compares the digests. */
    verify: v.optional(v.boolean(), false),
  }),
  getWhatIf: v.strictObject({}),
  /** Ends the run under way. */
  cancelWhatIf: v.strictObject({ runId: whole }),
} as const;
export type WhatIfAsks = v.InferOutput<(typeof whatIfMethodSchemas)['startWhatIf']>;

/** From getting in line to the first dispatch; of tasks that were dispatched within the span. */
export interface QueueWaits {
  readonly queue: QueueName;
  readonly tasks: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  /** Not dispatched by the end of the span, and how long the oldest of them has waited. */
  readonly waiting: number;
  readonly longestWaitingMs: number;
}

export interface WhatIfOutcome {
  readonly placements: number;
  readonly submitted: number;
  readonly refused: number;
  readonly succeeded: number;
  readonly deadLettered: number;
  readonly cancelled: number;
  readonly missedDeadlines: number;
  /** Mean over the span, 0 to 1. */
  readonly cpuAllocatedShare: number;
  readonly memoryAllocatedShare: number;
  readonly waits: readonly QueueWaits[];
  /** Live when the span ends, and of those the ones that no node could ever take (of the first `whatIfNeverMax`). */
  readonly liveAtEnd: number;
  readonly neverFit: number;
  /** From the end of the span until all of them have ended; absent where they do not within a day. */
  readonly drainedAfterMs?: number;
  /** Attempts whose run time is not in the record: their kind's median was taken, or what the task itself says. */
  readonly estimatedRuns: number;
  /** Of the state at the end of the span. */
  readonly digest: string;
  /** How much faster than the plant the span was run. */
  readonly timesRealTime: number;
}

export interface WhatIfAnswer {
  readonly baseline: WhatIfOutcome;
  readonly changed: WhatIfOutcome;
  /** With `verify`: both runs, repeated, gave the digests that they had given. */
  readonly digestsEqual?: boolean;
  /** Events of the load that are no input of a run and were not decided anew either, by kind. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** What the figures do not show, in words. */
  readonly notes: readonly string[];
}

export interface WhatIfRun {
  readonly runId: number;
  readonly actor: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly fromMs: Ms;
  readonly untilMs: Ms;
  readonly startedAtMs: Ms;
  readonly endedAtMs?: Ms;
  /** 0 to 1. */
  readonly progress: number;
  /** What it does now, or why it failed. */
  readonly message: string;
  readonly answer?: WhatIfAnswer;
}

export interface WhatIfResults {
  startWhatIf: WhatIfRun;
  /** The newest, where there was one since the start of the host. */
  getWhatIf: { readonly run?: WhatIfRun };
  cancelWhatIf: WhatIfRun;
}
