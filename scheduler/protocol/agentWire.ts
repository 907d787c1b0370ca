// Agent <-> hub: Socket.IO namespace `/agent`. Every message is one event with one argument and one frame, and
// carries a whole turn's worth: cost is per message, not per byte. docs/PROTOCOL.md tells the same in prose.
import * as v from 'valibot';
import type { Epoch, MiB, Ms, NodeId, TaskId, Token } from './brands.ts';
import * as limits from './limits.ts';
import { publicKeySchema, signatureSchema } from './identity.ts';
import { nodeSpecSchema } from './node.ts';
import type { TaskGroupRef } from './task.ts';
import { attemptEndReasons } from './attempt.ts';
import { nameSchema } from './text.ts';
import type { Work } from './work.ts';
import { resultBytesMax } from './workLimits.ts';

/** Of the answer 503 to an upgrade: milliseconds until the place of this node among all that come back. */
export const retryAfterHeader = 'retry-after-ms';
export const agentNamespace = '/agent';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const tokenSchema = v.pipe(
  whole,
  v.transform((n) => n as Token),
);
const taskIdSchema = v.pipe(
  whole,
  v.transform((n) => n as TaskId),
);
const durationSchema = v.pipe(
  whole,
  v.transform((n) => n as Ms),
);
const secretSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(256));

/** `handshake.auth`: who connects. That it is so, its `join` proves. */
export const agentAuthSchema = v.strictObject({
  wire: whole,
  nodeId: v.pipe(
    nameSchema,
    v.transform((text) => text as NodeId),
  ),
  /** Of the pair that the agent made for itself. */
  publicKey: publicKeySchema,
  /** First contact: a token of the plant, which makes the public key the node's. */
  enrolToken: v.optional(secretSchema),
  /** Once, of a node that enrolled before nodes had pairs: its secret of then, in whose place the public key comes. */
  nodeKey: v.optional(secretSchema),
});
export type AgentAuth = v.InferOutput<typeof agentAuthSchema>;

export const heldAttemptSchema = v.strictObject({
  token: tokenSchema,
  state: v.picklist(['running', 'finished']),
});
/** `join`: first message of a connection. Nothing else is taken before it. */
export const joinSchema = v.strictObject({
  spec: nodeSpecSchema,
  held: v.pipe(v.array(heldAttemptSchema), v.maxLength(limits.heldAttemptsMax)),
  /** `joinText`, signed by the node's key; while the agent changes its key, by the old and the new one. */
  proofs: v.pipe(v.array(signatureSchema), v.minLength(1), v.maxLength(2)),
});
export type Join = v.InferOutput<typeof joinSchema>;

/** `rotate`: another public key from now on. `rotateText`, signed by the key of now and by the new one. */
export const rotateSchema = v.strictObject({
  publicKey: publicKeySchema,
  proofs: v.strictTuple([signatureSchema, signatureSchema]),
});
export type Rotate = v.InferOutput<typeof rotateSchema>;

/** `hb`: `[cpuUsedMillicores, memoryUsedMiB, tokens of running attempts]`. About 30 bytes. */
export const heartbeatSchema = v.strictTuple([
  v.pipe(v.number(), v.minValue(0), v.maxValue(limits.cpuMillicoresMax)),
  v.pipe(v.number(), v.minValue(0), v.maxValue(limits.memoryMiBMax)),
  v.pipe(v.array(tokenSchema), v.maxLength(limits.heldAttemptsMax)),
]);
export type HeartbeatFrame = v.InferOutput<typeof heartbeatSchema>;

/** `started`: tokens whose work runs now. Confirms their dispatch. */
export const startedSchema = v.pipe(v.array(tokenSchema), v.maxLength(limits.heldAttemptsMax));

export const attemptEndSchema = v.strictObject({
  reason: v.picklist(attemptEndReasons),
  exitCode: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(-2147483648), v.maxValue(4294967295))),
  signal: v.exactOptional(v.pipe(v.string(), v.maxLength(16))),
  message: v.exactOptional(v.pipe(v.string(), v.maxLength(1_000))),
  runMs: v.exactOptional(durationSchema),
  cpuMs: v.exactOptional(durationSchema),
  checkpoint: v.exactOptional(v.pipe(v.string(), v.maxBytes(limits.checkpointBytesMax))),
  result: v.exactOptional(v.pipe(v.string(), v.maxBytes(resultBytesMax))),
  memoryPeakMiB: v.exactOptional(
    v.pipe(
      v.number(),
      v.minValue(0),
      v.transform((n) => n as MiB),
    ),
  ),
});
/** `results`: sent again after each join until `resultsAck` names the token; kept on the agent's disk until then. */
export const resultsSchema = v.pipe(
  v.array(v.strictObject({ token: tokenSchema, taskId: taskIdSchema, end: attemptEndSchema })),
  v.minLength(1),
  v.maxLength(limits.resultsPerMessageMax),
);

/**
 * `check`: are these attempts still this node's to run? Answered by `checked`. For effects outside of Millrace that
 * must not happen twice: asked right before the effect, by the fencing check of the agent.
 */
export const checkSchema = v.pipe(
  v.array(tokenSchema),
  v.minLength(1),
  v.maxLength(limits.resultsPerMessageMax),
);

export type LogStream = 'stdout' | 'stderr';
/**
 * `log`: a piece of an attempt's output. `offset` counts bytes of the stream, so that a piece sent twice is stored
 * once. `text` is UTF-8 decoded with replacement; `bytes` is the piece's length in the stream.
 */
export const logSchema = v.strictObject({
  token: tokenSchema,
  taskId: taskIdSchema,
  stream: v.picklist(['stdout', 'stderr']),
  offset: whole,
  bytes: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(limits.logChunkBytesMax)),
  text: v.pipe(v.string(), v.maxLength(limits.logChunkBytesMax)),
  /** Bytes after this piece that the agent dropped because the stream reached its bound. Set on the last piece. */
  droppedBytes: v.optional(whole),
});
export type LogChunk = v.InferOutput<typeof logSchema>;

/** hub -> agent `welcome`, after the join is durable. */
export interface Welcome {
  readonly epoch: Epoch;
  readonly heartbeatMs: Ms;
  /** Silence after which the hub gives an attempt's work elsewhere. */
  readonly attemptLeaseMs: Ms;
  /** Where the line is lost: how long to wait before the first try, so that a plant comes back at a steady rate. */
  readonly returnAfterMs: Ms;
  /** By which the hub knows this node: of two that the agent has, this one counts. */
  readonly publicKey: string;
  /** Attempts the agent holds that are no longer its to run: stop them, report nothing. */
  readonly revoked: readonly Token[];
}
/** One item of hub -> agent `run`. Same token twice: the agent runs it once. */
export interface Dispatch {
  readonly token: Token;
  readonly taskId: TaskId;
  readonly attempt: number;
  readonly epoch: Epoch;
  readonly work: Work;
  readonly timeoutMs: number;
  readonly graceMs: number;
  /** What is reserved, for the environment of the process and for limits. */
  readonly cpu: number;
  readonly memory: number;
  readonly gpuMask: number;
  /** Begin only when `checked` names it, renew with each heartbeat, and stop it so long after the last renewal. */
  readonly offlineLimitMs?: number;
  /** What the attempt before left to go on from. */
  readonly checkpoint?: string;
  /** The group that the task is a member of; its members' nodes by index, where they start together. */
  readonly group?: TaskGroupRef & { readonly nodes?: readonly NodeId[] };
}
/** hub -> agent `stop`: end these attempts; each still reports its result, with reason `cancelled`. */
export type Stop = readonly Token[];
/** hub -> agent `resultsAck`: durable; drop the copies. */
export type ResultsAck = readonly Token[];
/** hub -> agent `checked`: of the tokens asked, those that are this node's now. All others are not. */
export interface Checked {
  readonly asked: readonly Token[];
  readonly mine: readonly Token[];
}
/** hub -> agent `logAck`: stored up to `offset` (exclusive), so more may be sent. */
export interface LogAck {
  readonly token: Token;
  readonly stream: LogStream;
  readonly offset: number;
}

/** Event names and payloads, for typed sockets on both sides. */
export interface AgentToHub {
  join: (message: Join) => void;
  hb: (message: HeartbeatFrame) => void;
  started: (message: readonly Token[]) => void;
  results: (message: v.InferOutput<typeof resultsSchema>) => void;
  log: (message: LogChunk) => void;
  check: (message: readonly Token[]) => void;
  rotate: (message: Rotate) => void;
}
export interface HubToAgent {
  welcome: (message: Welcome) => void;
  run: (message: readonly Dispatch[]) => void;
  stop: (message: Stop) => void;
  resultsAck: (message: ResultsAck) => void;
  logAck: (message: LogAck) => void;
  checked: (message: Checked) => void;
  /** Durable: the old key is void. */
  rotated: (message: { readonly publicKey: string }) => void;
  /** A message of the agent was refused; says which and why. */
  refused: (message: { readonly message: string; readonly field?: string; readonly code: string }) => void;
}
