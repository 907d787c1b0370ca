// Window <-> host: requests with one reply each, and pushed frames. The same messages travel over a MessagePort in
// Electron and over the Socket.IO namespace `/console` (event `m`) in a browser or a program.
import * as v from 'valibot';
import type { Epoch, Ms, NodeId, QueueName, TaskId, Token } from './brands.ts';
import type { LogPiece, Push } from './consoleFrames.ts';
import * as limits from './limits.ts';
import type { NodeRow } from './node.ts';
import type { Refusal } from './outcome.ts';
import { endStates, liveStates, nameSchema, taskSpecSchema, type TaskRecord } from './task.ts';
import type { NodePage, TaskRow, WhyAnswer } from './view.ts';

export const consoleNamespace = '/console';
/** `handshake.auth` of a console over Socket.IO. */
export const consoleAuthSchema = v.strictObject({
  wire: v.number(),
  token: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
});

const whole = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const taskIdSchema = v.pipe(
  whole,
  v.transform((n) => n as TaskId),
);
const tokenSchema = v.pipe(
  whole,
  v.transform((n) => n as Token),
);
const nodeIdSchema = v.pipe(
  nameSchema,
  v.transform((text) => text as NodeId),
);
const queueSchema = v.pipe(
  nameSchema,
  v.transform((text) => text as QueueName),
);
const rowLimitSchema = v.optional(
  v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(limits.pageRowsMax)),
  50,
);
const textSchema = v.pipe(v.string(), v.maxLength(limits.labelValueLengthMax));
const someTasksSchema = v.pipe(v.array(taskIdSchema), v.minLength(1), v.maxLength(limits.submitBatchMax));

export const taskFilterSchema = v.strictObject({
  states: v.exactOptional(v.array(v.picklist([...liveStates, ...endStates]))),
  queue: v.exactOptional(queueSchema),
  nodeId: v.exactOptional(nodeIdSchema),
  text: v.exactOptional(textSchema),
  sinceMs: v.exactOptional(
    v.pipe(
      whole,
      v.transform((n) => n as Ms),
    ),
  ),
});

/** Parameters of each method. A method that is not here does not exist. */
export const methodSchemas = {
  hello: v.strictObject({ wire: whole }),
  /** Starts (or stops) pushed overview frames at `feedHz`. */
  watchOverview: v.strictObject({ on: v.boolean() }),
  submitTasks: v.strictObject({
    // Each spec is decoded on its own, so that one bad task of a batch does not refuse the others.
    specs: v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(limits.submitBatchMax)),
  }),
  listTasks: v.strictObject({
    filter: v.optional(taskFilterSchema, {}),
    before: v.optional(taskIdSchema),
    limit: rowLimitSchema,
  }),
  getTask: v.strictObject({ taskId: taskIdSchema }),
  whyTask: v.strictObject({ taskId: taskIdSchema }),
  cancelTasks: v.strictObject({ taskIds: someTasksSchema, reason: v.optional(textSchema, '') }),
  requeueTasks: v.strictObject({ taskIds: someTasksSchema }),
  /** Reads stored output of one attempt from a piece number on. */
  readLog: v.strictObject({
    token: tokenSchema,
    after: v.optional(whole, 0),
    limit: rowLimitSchema,
  }),
  /** Starts (or stops) pushed `log` frames for one task. */
  watchLog: v.strictObject({ taskId: taskIdSchema, on: v.boolean() }),
  listNodes: v.strictObject({
    text: v.optional(textSchema),
    state: v.optional(v.picklist(['online', 'disconnected', 'lost'])),
    offset: v.optional(whole, 0),
    limit: rowLimitSchema,
  }),
  getNode: v.strictObject({ nodeId: nodeIdSchema }),
  setCordon: v.strictObject({ nodeId: nodeIdSchema, isCordoned: v.boolean() }),
  forgetNode: v.strictObject({ nodeId: nodeIdSchema }),
  putQueue: v.strictObject({
    queue: queueSchema,
    weight: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(limits.weightMax)),
  }),
  /** The command line that enrols an agent, with the plant's token in it. */
  getEnrolment: v.strictObject({}),
  /** Makes a new enrolment token; the old one is void. Nodes that enrolled keep their keys. */
  renewEnrolment: v.strictObject({}),
  acknowledgeAlarm: v.strictObject({ alarmId: whole }),
} as const;
export type Method = keyof typeof methodSchemas;
export type Params<M extends Method> = v.InferOutput<(typeof methodSchemas)[M]>;
export type ParamsInput<M extends Method> = v.InferInput<(typeof methodSchemas)[M]>;
export { taskSpecSchema };

export interface Hello {
  readonly version: string;
  readonly epoch: Epoch;
  readonly startedAtMs: Ms;
  readonly dataFolder: string;
  readonly hubAddress: string;
  readonly runtime: string;
}
export type SubmitAnswer =
  { readonly ok: true; readonly taskId: TaskId } | { readonly ok: false; readonly refusal: Refusal };
/** What `execute` gives back for a command that was taken. `answers`: of SubmitTasks, one per spec, in order. */
export interface CommandAnswer {
  readonly answers?: readonly SubmitAnswer[];
}
export type TaskAnswer =
  { readonly ok: true } | { readonly ok: false; readonly taskId: TaskId; readonly refusal: Refusal };
export interface TaskList {
  readonly rows: readonly TaskRow[];
  readonly nextBefore?: TaskId;
  /** All tasks that match. */
  readonly total: number;
  readonly totalIsEstimate: boolean;
  readonly asOfMs: Ms;
  readonly tookMs: number;
}
export interface TaskDetail {
  readonly record: TaskRecord;
  readonly row: TaskRow;
}
export interface LogPage {
  readonly pieces: readonly LogPiece[];
  readonly isComplete: boolean;
}
export interface NodeDetail {
  readonly node: NodeRow;
  readonly tasks: readonly TaskRow[];
}
export interface Enrolment {
  readonly hubUrl: string;
  readonly token: string;
  readonly command: string;
}
/** Result of each method. */
export interface Results {
  hello: Hello;
  watchOverview: { readonly on: boolean };
  submitTasks: { readonly answers: readonly SubmitAnswer[] };
  listTasks: TaskList;
  getTask: TaskDetail;
  whyTask: WhyAnswer;
  cancelTasks: { readonly answers: readonly TaskAnswer[] };
  requeueTasks: { readonly answers: readonly TaskAnswer[] };
  readLog: LogPage;
  watchLog: { readonly on: boolean };
  listNodes: NodePage;
  getNode: NodeDetail;
  setCordon: { readonly isCordoned: boolean };
  forgetNode: { readonly forgotten: true };
  putQueue: { readonly queue: QueueName };
  getEnrolment: Enrolment;
  renewEnrolment: Enrolment;
  acknowledgeAlarm: { readonly acknowledged: true };
}

export const requestSchema = v.strictObject({
  id: whole,
  method: v.pipe(v.string(), v.maxLength(64)),
  params: v.optional(v.unknown()),
});
export type Request = v.InferOutput<typeof requestSchema>;
export type Reply =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly refusal: Refusal };

/** Everything the host sends to a window. */
export type FromHost = Reply | Push;
