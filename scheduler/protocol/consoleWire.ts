// Window <-> host: requests with one reply each, and pushed frames. The same messages travel over a MessagePort in
// Electron and over the Socket.IO namespace `/console` (event `m`) in a browser or a program.
import * as v from 'valibot';
import type { Epoch, Ms, NodeId, QueueName, TaskId, Token } from './brands.ts';
import * as limits from './limits.ts';
import type { NodeRow } from './node.ts';
import type { Refusal } from './outcome.ts';
import { endStates, liveStates, nameSchema, taskSpecSchema, type TaskRecord } from './task.ts';
import type { FleetUse, NodeCounts, NodePage, QueueRow, TaskCounts, TaskRow, WhyAnswer } from './view.ts';

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
  states: v.optional(v.array(v.picklist([...liveStates, ...endStates]))),
  queue: v.optional(queueSchema),
  nodeId: v.optional(nodeIdSchema),
  text: v.optional(textSchema),
  sinceMs: v.optional(
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
export interface LogPiece {
  readonly token: Token;
  /** Order of arrival within the attempt, over both streams, from 1. */
  readonly piece: number;
  readonly stream: 'stdout' | 'stderr';
  readonly offset: number;
  readonly text: string;
  readonly atMs: Ms;
  readonly droppedBytes?: number;
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

/** P1 (critical) to P4 (diagnostic), as in CONSOLE S7. */
export interface AlarmRow {
  readonly alarmId: number;
  readonly priority: 1 | 2 | 3 | 4;
  readonly code: 'HOST_RESTARTED' | 'NODE_LOST' | 'STORAGE_FAILED' | 'FLEET_FULL';
  readonly source: string;
  /** For the message of the code, filled in by the reader's language. */
  readonly params: Readonly<Record<string, string | number>>;
  readonly raisedAtMs: Ms;
  readonly isActive: boolean;
  readonly isAcknowledged: boolean;
}
/** Counts and rates of the whole plant, 4 times a second. */
export interface OverviewFrame {
  readonly push: 'overview';
  /** Counts frames of this connection; a gap means one was skipped because the window was slow. */
  readonly sequence: number;
  readonly atMs: Ms;
  readonly epoch: Epoch;
  readonly isRecovering: boolean;
  readonly nodes: NodeCounts;
  readonly tasks: TaskCounts;
  readonly use: FleetUse;
  readonly queues: readonly QueueRow[];
  readonly rates: {
    readonly submittedPerS: number;
    readonly dispatchedPerS: number;
    readonly endedPerS: number;
    readonly messagesPerS: number;
  };
  /** Submit to dispatch frame sent, over the last 60 s of first attempts; undefined where none was dispatched. */
  readonly dispatchMs?: { readonly p50: number; readonly p99: number };
  /** Tasks that ended in the last hour. */
  readonly lastHour: {
    readonly succeeded: number;
    readonly deadLettered: number;
    readonly cancelled: number;
  };
  /** 60-minute traces, one point per 10 s, oldest first, the newest unfinished. Sent once a second; else absent. */
  readonly traces?: Readonly<Record<TraceName, readonly number[]>>;
  readonly alarms: readonly AlarmRow[];
  readonly badMessages: number;
}
export type TraceName =
  | 'online'
  | 'running'
  | 'waiting'
  | 'dispatchedPerS'
  | 'dispatchP99Ms'
  | 'deadLettered'
  | 'cpuAllocatedPercent'
  | 'cpuUsedPercent';
export interface LogFrame {
  readonly push: 'log';
  readonly taskId: TaskId;
  readonly pieces: readonly LogPiece[];
}
export type Push = OverviewFrame | LogFrame;
/** Everything the host sends to a window. */
export type FromHost = Reply | Push;

/** What the Electron shell tells a window of the host's life. In a browser the socket's state says the same. */
export type HostState =
  | { readonly state: 'starting' }
  | { readonly state: 'running'; readonly epoch: number }
  | {
      readonly state: 'restarting';
      readonly restarts: number;
      readonly inMs: number;
      readonly reason: string;
    }
  | { readonly state: 'failed'; readonly reason: string };
