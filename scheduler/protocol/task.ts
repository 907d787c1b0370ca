// What somebody asks for (TaskSpec), what becomes of it (states, attempts), and the reasons along the way.
import * as v from 'valibot';
import type { MiB, Millicores, Ms, NodeId, QueueName, TaskId, Token } from './brands.ts';
import * as limits from './limits.ts';

const wholeUpTo = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));
const wholeFrom = (min: number, max: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

/** Letters, digits and `. _ - /`: safe in file names, shells, logs and screens. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;
export const nameSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(limits.nameLengthMax),
  v.regex(namePattern, 'must start with a letter or digit and hold only letters, digits and . _ / -'),
);
const labelValueSchema = v.pipe(v.string(), v.maxLength(limits.labelValueLengthMax));
const boundedRecord = <Value extends v.GenericSchema>(value: Value, max: number, what: string) =>
  v.pipe(
    v.record(nameSchema, value),
    v.check((entries) => Object.keys(entries).length <= max, `at most ${String(max)} ${what}`),
  );
export const labelsSchema = boundedRecord(labelValueSchema, limits.labelsMax, 'labels');
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

const argvSchema = v.pipe(
  v.array(v.pipe(v.string(), v.maxBytes(limits.argvItemBytesMax))),
  v.minLength(1, 'must name a program'),
  v.maxLength(limits.argvItemsMax),
  v.check((argv) => (argv[0]?.length ?? 0) > 0, 'the program name is empty'),
  v.check((argv) => argv.every((item) => !item.includes('\0')), 'holds a NUL character'),
);
const envNameSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no environment variable name'),
);

const commandWorkSchema = v.strictObject({
  kind: v.literal('command'),
  /** Program and arguments. No shell looks at it unless `shell` is true. */
  argv: argvSchema,
  /** True: `argv` has one item, a line for `/bin/sh -c`. */
  shell: v.optional(v.boolean(), false),
  env: v.optional(
    v.pipe(
      v.record(envNameSchema, v.pipe(v.string(), v.maxBytes(limits.argvItemBytesMax))),
      v.check((env) => Object.keys(env).length <= limits.envEntriesMax, 'has too many variables'),
    ),
    {},
  ),
  /** Working directory on the node. Absent: a fresh folder that goes with the attempt. */
  cwd: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(4_096))),
});
const simulatedWorkSchema = v.strictObject({
  kind: v.literal('simulated'),
  /** How long a virtual node pretends to work, in milliseconds. */
  runMs: wholeUpTo(limits.timeoutMaxMs),
  exitCode: v.optional(wholeUpTo(255), 0),
});
export const workSchema = v.variant('kind', [commandWorkSchema, simulatedWorkSchema]);
/** What an attempt does, by kind. A node runs only the kinds it offers. */
export type Work = v.InferOutput<typeof workSchema>;
export type CommandWork = v.InferOutput<typeof commandWorkSchema>;
export type SimulatedWork = v.InferOutput<typeof simulatedWorkSchema>;
export type Kind = Work['kind'];

export const retrySchema = v.strictObject({
  /** Attempts in all, the first one included. */
  attemptsMax: v.optional(wholeFrom(1, limits.attemptsMax), limits.attemptsDefault),
  /** Wait before the second attempt; doubles with each further one, with +-25 % jitter. */
  backoffMs: v.optional(wholeUpTo(limits.backoffCapMaxMs), limits.backoffDefaultMs),
  backoffCapMs: v.optional(wholeUpTo(limits.backoffCapMaxMs), limits.backoffCapDefaultMs),
});

export const tenantDefault = 'default';

export const taskSpecSchema = v.strictObject({
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
});
/** A task as asked for, with every default filled in. */
export type TaskSpec = v.InferOutput<typeof taskSpecSchema>;
/** A task as a caller writes it. */
export type TaskSpecInput = v.InferInput<typeof taskSpecSchema>;

/** Where a live task stands. `ready` includes the backlog and blocked asks; `TaskRow.waiting` tells which. */
export type LiveState = 'ready' | 'backoff' | 'dispatched' | 'running' | 'cancelling';
export type EndState = 'succeeded' | 'dead_letter' | 'cancelled';
export type TaskState = LiveState | EndState;
export const liveStates = ['ready', 'backoff', 'dispatched', 'running', 'cancelling'] as const;
export const endStates = ['succeeded', 'dead_letter', 'cancelled'] as const;

/** How an attempt ended. All but `exit` with code 0 are failures. */
export const attemptEndReasons = [
  'exit',
  'signal',
  'timeout',
  'cancelled',
  'spawn_failed', // the program could not be started: missing, not executable, no such folder
  'refused', // the agent would not run it: unknown kind, stale epoch
  'agent_lost', // the agent's process died with it and its end is unknown
  'lost', // the node went silent and the lease ran out
] as const;
export type AttemptEndReason = (typeof attemptEndReasons)[number];

export interface AttemptEnd {
  readonly reason: AttemptEndReason;
  readonly exitCode?: number;
  readonly signal?: string;
  /** For people: what went wrong, in words. */
  readonly message?: string;
  /** Run time by the agent's own monotonic clock. */
  readonly runMs?: Ms;
  /** CPU time of the process tree, and its largest resident memory, where the agent could measure them. */
  readonly cpuMs?: Ms;
  readonly memoryPeakMiB?: MiB;
}

export interface AttemptRecord {
  readonly attempt: number;
  readonly token: Token;
  readonly nodeId: NodeId;
  readonly placedAtMs: Ms;
  readonly startedAtMs?: Ms;
  readonly endedAtMs?: Ms;
  readonly end?: AttemptEnd;
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
}

export const isEnded = (state: TaskState): state is EndState =>
  state === 'succeeded' || state === 'dead_letter' || state === 'cancelled';
export const isSuccess = (end: AttemptEnd): boolean => end.reason === 'exit' && end.exitCode === 0;
