// What somebody asks for (TaskSpec), what becomes of it (states, attempts), and the reasons along the way.
import * as v from 'valibot';
import type { AttemptRecord } from './attempt.ts';
import type { MiB, Millicores, Ms, QueueName, TaskId } from './brands.ts';
import * as limits from './limits.ts';
import * as offline from './offlineLimits.ts';
import { retrySchema } from './retry.ts';
import { arraySchema, contradictionIn, gangSchema, placementSchema } from './taskRules.ts';
import { boundedRecord, labelsSchema, labelValueSchema, nameSchema, wholeFrom, wholeUpTo } from './text.ts';
import { workSchema } from './work.ts';

export const customResourcesSchema = boundedRecord(
  wholeUpTo(limits.customAmountMax),
  limits.customResourcesMax,
  'named resources',
);

export const gpuAskSchema = v.pipe(
  v.strictObject({
    /** Whole devices, or 1 where `thousandths` is below 1,000. */
    devices: wholeFrom(1, limits.gpuDevicesMax),
    /** Thousandths of each device. Below 1,000 the device is shared. */
    thousandths: v.optional(wholeFrom(1, limits.gpuThousandthsPerDevice), limits.gpuThousandthsPerDevice),
  }),
  v.check(
    (gpu) => gpu.thousandths === limits.gpuThousandthsPerDevice || gpu.devices === 1,
    'a part of a GPU (thousandths below 1000) can only be asked with devices: 1',
  ),
);

export const askSchema = v.strictObject({
  cpu: v.optional(
    v.pipe(
      wholeUpTo(limits.cpuMillicoresMax),
      v.transform((n) => n as Millicores),
    ),
    100,
  ),
  memory: v.optional(
    v.pipe(
      wholeUpTo(limits.memoryMiBMax),
      v.transform((n) => n as MiB),
    ),
    64,
  ),
  gpu: v.optional(gpuAskSchema),
  slots: v.optional(wholeFrom(1, limits.slotsMax), 1),
  custom: v.optional(customResourcesSchema, {}),
});
/** What a task requires of one node. CPU in millicores, memory in MiB. */
export type Ask = v.InferOutput<typeof askSchema>;

const timeSchema = wholeUpTo(Number.MAX_SAFE_INTEGER);
export const tenantDefault = 'default';

const plainTaskSchema = v.strictObject({
  /** For people; need not be unique. */
  name: v.optional(v.pipe(v.string(), v.maxLength(limits.nameLengthMax)), ''),
  queue: v.optional(
    v.pipe(
      nameSchema,
      v.transform((text) => text as QueueName),
    ),
    'default',
  ),
  /** Whose work it is, for shares, rights and lists. */
  tenant: v.optional(nameSchema, tenantDefault),
  /** 0 to 9; 9 goes first. */
  priority: v.optional(wholeUpTo(limits.priorityMax), limits.priorityDefault),
  work: workSchema,
  ask: v.optional(askSchema, {}),
  /** Label -> allowed values; every named label must match. `area`, `line`, `cell` and `node` are always known. */
  selector: v.optional(
    boundedRecord(
      v.pipe(v.array(labelValueSchema), v.minLength(1), v.maxLength(limits.selectorValuesMax)),
      limits.labelsMax,
      'selector labels',
    ),
    {},
  ),
  /** Names of taints that this task may ignore. */
  tolerations: v.optional(v.pipe(v.array(nameSchema), v.maxLength(limits.taintsMax)), []),
  timeoutMs: v.optional(wholeFrom(100, limits.timeoutMaxMs), limits.timeoutDefaultMs),
  graceMs: v.optional(wholeUpTo(limits.graceMaxMs), limits.graceDefaultMs),
  retry: v.optional(retrySchema, {}),
  /** `at_most_once`: never retried by itself once it may have started; it waits in the dead letter list. */
  delivery: v.optional(v.picklist(['at_least_once', 'at_most_once']), 'at_least_once'),
  labels: v.optional(labelsSchema, {}),
  /** Idempotency key: a second submit with the same key answers with the first task. */
  key: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(limits.keyLengthMax))),
  /** Where it should run beside what `selector` says: near to, or apart from, other tasks and nodes. */
  placement: v.exactOptional(placementSchema),
  /** Amounts of plant-wide licences that an attempt holds while it lasts. */
  licences: v.exactOptional(
    boundedRecord(wholeFrom(1, limits.licenceAmountMax), limits.licencesPerTaskMax, 'licences'),
  ),
  /** Not started before this time; ms since 1970. */
  notBeforeMs: v.exactOptional(timeSchema),
  /** Should have ended by then; ms since 1970. Goes first among equals of its priority; a miss raises an alarm. */
  deadlineMs: v.exactOptional(timeSchema),
  /** How long an attempt is expected to run. Without it, `timeoutMs` is taken for the longest it could. */
  expectedMs: v.exactOptional(wholeFrom(1, limits.timeoutMaxMs)),
  /** May be stopped for more urgent work, and goes back in line with what its checkpoint kept. */
  isPreemptible: v.exactOptional(v.boolean()),
  /** Safe to repeat: where an attempt runs much longer than its like, a copy is started and the first to end counts. */
  isRepeatable: v.exactOptional(v.boolean()),
  /**
   * How long its node may go on with it alone, in ms. It runs nowhere else for as long after the last contact, and the
   * agent has stopped it by then. Absent: it goes elsewhere soon after its node fell silent, and may run twice.
   */
  offlineLimitMs: v.exactOptional(wholeFrom(offline.offlineLimitMinMs, offline.offlineLimitMaxMs)),
  /** So many tasks in one, each with its index, 0 to count - 1. */
  array: v.exactOptional(arraySchema),
  /** So many tasks that start together on one node each, or not at all. */
  gang: v.exactOptional(gangSchema),
});

export const taskSpecSchema = v.pipe(
  plainTaskSchema,
  v.check(({ array, gang }) => !array || !gang, 'array and gang: only one of them'),
  v.check(
    ({ isRepeatable, offlineLimitMs }) => isRepeatable !== true || offlineLimitMs === undefined,
    'isRepeatable and offlineLimitMs: a copy would be a second attempt at a time; only one of them',
  ),
  v.check(
    ({ notBeforeMs, deadlineMs }) =>
      notBeforeMs === undefined || deadlineMs === undefined || notBeforeMs < deadlineMs,
    'deadlineMs is not after notBeforeMs: it could never be met',
  ),
  v.check(
    ({ placement, selector }) => !placement || contradictionIn(placement, selector) === undefined,
    (issue) => contradictionOf(issue.input) ?? '',
  ),
);
function contradictionOf({ placement, selector }: v.InferOutput<typeof plainTaskSchema>): string | undefined {
  return placement && contradictionIn(placement, selector);
}
/** A task as asked for, with every default filled in. */
export type TaskSpec = v.InferOutput<typeof taskSpecSchema>;
/** A task as a caller writes it. */
export type TaskSpecInput = v.InferInput<typeof taskSpecSchema>;

/**
 * Where a live task stands. `ready` includes the backlog and blocked asks; `TaskRow.waiting` tells which. `held` is not
 * in line yet: it waits for its time, for other tasks, or for its gang.
 */
export type LiveState = (typeof liveStates)[number];
export type EndState = 'succeeded' | 'dead_letter' | 'cancelled';
export type TaskState = LiveState | EndState;
/** In this order in snapshots: a new one goes to the end. */
export const liveStates = ['ready', 'backoff', 'dispatched', 'running', 'cancelling', 'held'] as const;
export const endStates = ['succeeded', 'dead_letter', 'cancelled'] as const;

/** Membership of a task in an array, a gang or a workflow. The group has an id of the same series as tasks. */
export interface TaskGroupRef {
  readonly kind: 'array' | 'gang' | 'workflow';
  readonly groupId: TaskId;
  /** 0 to `size` - 1. */
  readonly index: number;
  readonly size: number;
}

/** A task with all that is known of it: live from the core, ended from history. */
export interface TaskRecord {
  readonly taskId: TaskId;
  readonly spec: TaskSpec;
  readonly submitter: string;
  readonly state: TaskState;
  readonly submittedAtMs: Ms;
  readonly endedAtMs?: Ms;
  /** Why it is in the dead letter list, or who cancelled it. */
  readonly reason?: string;
  readonly attempts: readonly AttemptRecord[];
  readonly group?: TaskGroupRef;
  /** It stands for a workflow; its tasks have records of their own, and ids that follow. */
  readonly workflow?: { readonly size: number };
}

export const isEnded = (state: TaskState): state is EndState =>
  state === 'succeeded' || state === 'dead_letter' || state === 'cancelled';
