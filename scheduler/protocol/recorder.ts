// The flight recorder: how far it reaches, and what a time in the past is asked and answers.
import * as v from 'valibot';
import type { Epoch, Ms } from './brands.ts';
import {
  rowLimitSchema,
  taskFilterSchema,
  taskIdSchema,
  textSchema,
  timeSchema,
  whole,
} from './consoleParams.ts';
import { type GroupRollup, type MetricId, metricIds, type Topology } from './fleetFrames.ts';
import type { FleetUse, LivePage, NodeCounts, NodePage, QueueRow, TaskCounts } from './view.ts';
import type { WhyAnswer } from './why.ts';

/** Parameters of the recorder's methods. Each read of a time takes the past there first, if it is not there yet. */
export const recorderMethodSchemas = {
  /** How far the record reaches, what it takes, and the seek that is under way. */
  getRecorder: v.strictObject({}),
  /** Takes the past to the last batch not after `atMs`. Refuses `wrong_state` where that is not recorded. */
  seekRecorder: v.strictObject({
    atMs: timeSchema,
    /** With the digest of the state then: O(state). */
    withDigest: v.optional(v.boolean(), false),
  }),
  /** Ends the seek that is under way: it answers `wrong_state`. */
  stopSeek: v.strictObject({}),
  recorderTopology: v.strictObject({ atMs: timeSchema }),
  /** One byte per node, as a live fleet frame has it. Use as measured is not recorded: `cpuUsed` is all `noData`. */
  recorderFrame: v.strictObject({ atMs: timeSchema, metric: v.picklist(metricIds) }),
  recorderTasks: v.strictObject({
    atMs: timeSchema,
    filter: v.optional(taskFilterSchema, {}),
    before: v.exactOptional(taskIdSchema),
    limit: rowLimitSchema,
  }),
  recorderNodes: v.strictObject({
    atMs: timeSchema,
    text: v.exactOptional(textSchema),
    state: v.exactOptional(v.picklist(['online', 'disconnected', 'lost'])),
    offset: v.optional(whole, 0),
    limit: rowLimitSchema,
  }),
  /** Why a task that was live then waited, or where it was. */
  recorderWhy: v.strictObject({ atMs: timeSchema, taskId: taskIdSchema }),
} as const;

export interface RecorderState {
  /** False: recording has stopped; `message` says why. */
  readonly isOn: boolean;
  readonly message?: string;
  /** The oldest time that can be shown; absent while nothing is recorded. */
  readonly reachesBackToMs?: Ms;
  readonly untilMs?: Ms;
  /** Of recorder.db's content. */
  readonly bytes: number;
  readonly bytesMax: number;
  readonly keepHours: number;
  /** From which a replay can begin. */
  readonly snapshots: number;
  /** Places where something is missing. */
  readonly gaps: number;
  /** Damage that was found and gone around, and gaps as they came, in words; the newest last. */
  readonly notices: readonly string[];
  /** Bytes of the seek under way, done and in all. */
  readonly seek?: { readonly atMs: Ms; readonly done: number; readonly total: number };
}

/** The plant at a time. Waiting tasks that no node could take are shown among the others: nobody writes that down. */
export interface PastSummary {
  readonly atMs: Ms;
  /** Of the last batch not after `atMs`, and its number. */
  readonly batchAtMs: Ms;
  readonly sequence: number;
  readonly digest?: string;
  readonly epoch: Epoch;
  readonly nodes: NodeCounts;
  readonly tasks: TaskCounts;
  /** Allocated and in all: use as measured is not in the record, metric history has it by step. */
  readonly use: Omit<FleetUse, 'cpuUsed' | 'memoryUsed'>;
  readonly queues: readonly QueueRow[];
}

export interface PastFrame {
  readonly atMs: Ms;
  readonly metric: MetricId;
  /** Of `recorderTopology`: equal for equal structures. */
  readonly topologyEpoch: number;
  readonly values: Uint8Array;
  readonly flags: Uint8Array;
  readonly lines: readonly GroupRollup[];
  readonly areas: readonly GroupRollup[];
}

export interface RecorderResults {
  getRecorder: RecorderState;
  seekRecorder: PastSummary;
  stopSeek: { readonly stopped: boolean };
  recorderTopology: Topology;
  recorderFrame: PastFrame;
  recorderTasks: LivePage;
  recorderNodes: NodePage;
  recorderWhy: WhyAnswer;
}

/** What a past is asked, by name: the methods above that read a time. */
export type PastQuestion = Exclude<keyof RecorderResults, 'getRecorder' | 'stopSeek'>;
export type PastAsks<Name extends PastQuestion> = v.InferOutput<(typeof recorderMethodSchemas)[Name]>;
