// Messages from the hub as the agent checks them. Objects may carry fields we do not know: a newer hub may add some.
import * as v from 'valibot';
import type { Checked, Dispatch, LogAck, Welcome } from '../scheduler/protocol/agentWire.ts';
import type { Epoch, Ms, NodeId, TaskId, Token } from '../scheduler/protocol/brands.ts';
import { publicKeySchema } from '../scheduler/protocol/identity.ts';
import * as limits from '../scheduler/protocol/limits.ts';
import { offlineLimitMaxMs } from '../scheduler/protocol/offlineLimits.ts';
import { accepted, type Outcome, type Refusal, refused } from '../scheduler/protocol/outcome.ts';
import { decode } from '../scheduler/protocol/decode.ts';
import { workSchema } from '../scheduler/protocol/work.ts';

export const whole = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
export const tokenSchema = v.pipe(
  whole,
  v.transform((n) => n as Token),
);
export const taskIdSchema = v.pipe(
  whole,
  v.transform((n) => n as TaskId),
);
export const tokensSchema = v.pipe(v.array(tokenSchema), v.maxLength(limits.heldAttemptsMax));

const epochSchema = v.pipe(
  whole,
  v.transform((n) => n as Epoch),
);
const intervalSchema = v.pipe(
  v.number(),
  v.minValue(10),
  v.maxValue(3_600_000),
  v.transform((n) => n as Ms),
);
/** However large the plant, nobody stays away for longer. */
const returnMaxMs = 60_000;
const returnSchema = v.pipe(
  v.number(),
  v.minValue(0),
  v.transform((n) => Math.min(n, returnMaxMs) as Ms),
);
const checkedSchema = v.object({ asked: tokensSchema, mine: tokensSchema });
const welcomeSchema = v.object({
  epoch: epochSchema,
  heartbeatMs: intervalSchema,
  attemptLeaseMs: intervalSchema,
  returnAfterMs: returnSchema,
  publicKey: publicKeySchema,
  revoked: tokensSchema,
});
const rotatedSchema = v.object({ publicKey: publicKeySchema });
const logAckSchema = v.object({
  token: tokenSchema,
  stream: v.picklist(['stdout', 'stderr']),
  offset: whole,
});
const refusedSchema = v.object({
  message: v.string(),
  field: v.optional(v.string()),
  code: v.string(),
  retryAfterMs: v.optional(whole),
  port: v.optional(whole),
});
/** The group that the task is a member of, and the nodes of a gang by index. */
const groupSchema = v.object({
  kind: v.picklist(['array', 'gang', 'workflow']),
  groupId: taskIdSchema,
  index: whole,
  size: whole,
  nodes: v.exactOptional(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          v.transform((text) => text as NodeId),
        ),
      ),
      v.maxLength(limits.gangSizeMax),
    ),
  ),
});
/** A dispatch whose work is still unread, so that work we cannot run is refused by name and not dropped. */
const dispatchSchema = v.object({
  token: tokenSchema,
  taskId: taskIdSchema,
  attempt: whole,
  epoch: epochSchema,
  work: v.unknown(),
  timeoutMs: v.pipe(v.number(), v.minValue(1), v.maxValue(limits.timeoutMaxMs)),
  graceMs: v.pipe(v.number(), v.minValue(0), v.maxValue(limits.graceMaxMs)),
  cpu: v.number(),
  memory: v.number(),
  gpuMask: whole,
  offlineLimitMs: v.exactOptional(v.pipe(v.number(), v.minValue(1), v.maxValue(offlineLimitMaxMs))),
  checkpoint: v.exactOptional(v.string()),
  group: v.exactOptional(groupSchema),
});

/** Who an attempt is: enough to report its end. */
export interface AttemptName {
  readonly token: Token;
  readonly taskId: TaskId;
  readonly attempt: number;
}
/** A refusal as it arrives from the hub; its code may be newer than ours. */
export interface HubRefusal {
  readonly code: string;
  readonly message: string;
  readonly field?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly port?: number | undefined;
}
export interface DispatchRead {
  readonly name: AttemptName;
  readonly epoch: Epoch;
  readonly dispatch: Outcome<Dispatch, Refusal>;
}

export const readTokens = (input: unknown, what: string): Outcome<readonly Token[], Refusal> =>
  decode(tokensSchema, input, what);
export const readLogAck = (input: unknown): Outcome<LogAck, Refusal> => decode(logAckSchema, input, 'logAck');
export const readChecked = (input: unknown): Outcome<Checked, Refusal> =>
  decode(checkedSchema, input, 'checked');
export const readRefusal = (input: unknown): Outcome<HubRefusal, Refusal> =>
  decode(refusedSchema, input, 'refused');

export const readWelcome = (input: unknown): Outcome<Welcome, Refusal> =>
  decode(welcomeSchema, input, 'welcome');
export const readRotated = (input: unknown): Outcome<v.InferOutput<typeof rotatedSchema>, Refusal> =>
  decode(rotatedSchema, input, 'rotated');

/** One item of `run`. The outer refusal: not even its name can be read. The inner: its work cannot be run. */
export function readDispatch(input: unknown): Outcome<DispatchRead, Refusal> {
  const read = decode(dispatchSchema, input, 'run');
  if (!read.ok) return refused(read.reason);
  const { token, taskId, attempt, epoch } = read.value;
  const work = decode(workSchema, read.value.work, 'work');
  return accepted({
    name: { token, taskId, attempt },
    epoch,
    dispatch: work.ok ? accepted({ ...read.value, work: work.value }) : work,
  });
}
