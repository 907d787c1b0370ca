// Window <-> host: requests with one reply each, and pushed frames. The same messages travel over a MessagePort in
// Electron and over the Socket.IO namespace `/console` (event `m`) in a browser or a program.
import * as v from 'valibot';
import { accountMethodSchemas, type AccountResults } from './accounts.ts';
import { auditMethodSchemas, type AuditResults } from './audit.ts';
import type { Ms, QueueName } from './brands.ts';
import { bulkMethodSchemas, type BulkResults } from './bulk.ts';
import type { Push } from './consoleFrames.ts';
import {
  nodeIdSchema,
  pathSchema,
  queueSchema,
  rowLimitSchema,
  someTasksSchema,
  taskFilterSchema,
  taskIdSchema,
  textSchema,
  tokenSchema,
  whole,
} from './consoleParams.ts';
import type {
  Hello,
  LogPage,
  NodeDetail,
  Summary,
  SubmitAnswer,
  TaskAnswer,
  TaskDetail,
  TaskList,
  TaskStanding,
} from './consoleAnswers.ts';
import { type MetricId, metricIds, type MetricTrace, queueMetricIds, type Topology } from './fleetFrames.ts';
import type { GroupDetail, GroupRow, WorkflowAnswer } from './groups.ts';
import { identityMethodSchemas, type IdentityResults } from './identityWire.ts';
import * as limits from './limits.ts';
import { logLevelMethodSchemas, type LogLevelResults } from './logLevel.ts';
import {
  type LicenceRow,
  licenceTotalSchema,
  type MaintenanceWindow,
  windowSettingsSchema,
} from './maintenance.ts';
import type { Refusal } from './outcome.ts';
import { recorderMethodSchemas, type RecorderResults } from './recorder.ts';
import { queueChangeSchema, tenantChangeSchema } from './queue.ts';
import { scheduleMethodSchemas, type ScheduleResults } from './scheduleWire.ts';
import { type Simulation, simulationMethodSchemas } from './simulation.ts';
import {
  type BackupPlan,
  backupPlanSchema,
  exportFormats,
  type Retention,
  retentionSchema,
  type StorageJob,
  type StorageState,
} from './storage.ts';
import { nameSchema } from './text.ts';
import { groupings, type NodePage, type TaskGroups, type TenantRow } from './view.ts';
import { whatIfMethodSchemas, type WhatIfResults } from './whatIf.ts';
import { type WhyAnswer } from './why.ts';

export const consoleNamespace = '/console';
/** `handshake.auth` of a console over Socket.IO. Without a token it can only say hello and log in. */
export const consoleAuthSchema = v.strictObject({
  wire: v.number(),
  token: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(256))),
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
  /** Refused as a whole where one of its tasks is. Its tasks have the ids after its own, in the order given. */
  submitWorkflow: v.strictObject({ workflow: v.unknown() }),
  /** Arrays that have not ended, and workflows until a while after their end. */
  listGroups: v.strictObject({}),
  getGroup: v.strictObject({ groupId: taskIdSchema }),
  /** Puts back the tasks of a workflow that failed, and those that were cancelled for it. */
  retryWorkflow: v.strictObject({ groupId: taskIdSchema }),
  listTasks: v.strictObject({
    filter: v.optional(taskFilterSchema, {}),
    before: v.optional(taskIdSchema),
    limit: rowLimitSchema,
  }),
  /** Live and ended tasks that match, counted by group. */
  countTasks: v.strictObject({
    filter: v.optional(taskFilterSchema, {}),
    by: v.picklist(groupings),
  }),
  getTask: v.strictObject({ taskId: taskIdSchema }),
  /** How tasks stand, in few bytes each: for those who wait for many. */
  getStates: v.strictObject({ taskIds: someTasksSchema }),
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
  /** Counts and queues as they are now, for those who do not watch. */
  getSummary: v.strictObject({}),
  setCordon: v.strictObject({ nodeId: nodeIdSchema, isCordoned: v.boolean() }),
  forgetNode: v.strictObject({ nodeId: nodeIdSchema }),
  /** Makes a queue, or changes what is named of it; the rest stays. Null takes a bound away. */
  putQueue: v.strictObject({ queue: queueSchema, change: v.optional(queueChangeSchema, {}) }),
  removeQueue: v.strictObject({ queue: queueSchema }),
  listTenants: v.strictObject({}),
  putTenant: v.strictObject({ tenant: nameSchema, change: v.optional(tenantChangeSchema, {}) }),
  removeTenant: v.strictObject({ tenant: nameSchema }),
  /** Maintenance windows that are not over, the next one first. */
  listWindows: v.strictObject({}),
  /** Nothing is started on these nodes that may last into the window. In place of one with the same id. */
  putWindow: v.strictObject({ id: nameSchema, window: windowSettingsSchema }),
  removeWindow: v.strictObject({ id: nameSchema }),
  listLicences: v.strictObject({}),
  /** How many of a licence attempts may hold together, over the plant. */
  putLicence: v.strictObject({ licence: nameSchema, total: licenceTotalSchema }),
  removeLicence: v.strictObject({ licence: nameSchema }),
  ...scheduleMethodSchemas,
  ...identityMethodSchemas,
  /** Makes a new key and certificate of the hub at once, and new keys of session tickets. Agents notice nothing. */
  renewCertificate: v.strictObject({}),
  acknowledgeAlarm: v.strictObject({ alarmId: whole }),
  /** Structure of the plant; frames carry its `topologyEpoch`, and another one means: ask again. */
  getTopology: v.strictObject({}),
  /** Pushes a `fleet` frame per metric at `feedHz`. Replaces what this window watched before; none: stops. */
  watchFleet: v.strictObject({
    metrics: v.pipe(v.array(v.picklist(metricIds)), v.maxLength(limits.watchedMetricsMax)),
  }),
  /** `line`: its name, or `area/line` where several areas have a line of that name. */
  getTrace: v.strictObject({
    scope: v.picklist(['node', 'line', 'queue']),
    name: nameSchema,
    metric: v.picklist([...metricIds, ...queueMetricIds]),
    range: v.picklist(['1h', '8h', '7d']),
  }),
  /** Sizes, bounds, copies, and the long work under way. */
  getStorage: v.strictObject({}),
  setRetention: retentionSchema,
  setBackupPlan: backupPlanSchema,
  /** A copy of journal, history and secrets. Absent folder: that of the plan. Answers at once with its job. */
  startBackup: v.strictObject({ folder: v.exactOptional(pathSchema) }),
  /** Ended tasks that match, into a file. Absent folder: `exports` in the data folder. */
  startExport: v.strictObject({
    filter: v.optional(taskFilterSchema, {}),
    format: v.picklist(exportFormats),
    folder: v.exactOptional(pathSchema),
  }),
  /** What a backup or an export made so far is taken away; what an act did to tasks stays. */
  cancelJob: v.strictObject({ jobId: whole }),
  ...simulationMethodSchemas,
  ...accountMethodSchemas,
  ...logLevelMethodSchemas,
  ...bulkMethodSchemas,
  ...recorderMethodSchemas,
  ...whatIfMethodSchemas,
  ...auditMethodSchemas,
} as const;
export type Method = keyof typeof methodSchemas;
export type Params<M extends Method> = v.InferOutput<(typeof methodSchemas)[M]>;
export type ParamsInput<M extends Method> = v.InferInput<(typeof methodSchemas)[M]>;

/** Result of each method. */
export interface Results
  extends
    IdentityResults,
    RecorderResults,
    WhatIfResults,
    ScheduleResults,
    BulkResults,
    AccountResults,
    AuditResults,
    LogLevelResults {
  hello: Hello;
  watchOverview: { readonly on: boolean };
  submitTasks: { readonly answers: readonly SubmitAnswer[] };
  submitWorkflow: WorkflowAnswer;
  listGroups: { readonly groups: readonly GroupRow[] };
  getGroup: GroupDetail;
  retryWorkflow: { readonly answers: readonly TaskAnswer[] };
  listTasks: TaskList;
  countTasks: TaskGroups & { readonly asOfMs: Ms; readonly tookMs: number };
  getTask: TaskDetail;
  getStates: { readonly standings: readonly TaskStanding[] };
  whyTask: WhyAnswer;
  cancelTasks: { readonly answers: readonly TaskAnswer[] };
  requeueTasks: { readonly answers: readonly TaskAnswer[] };
  readLog: LogPage;
  watchLog: { readonly on: boolean };
  listNodes: NodePage;
  getNode: NodeDetail;
  getSummary: Summary;
  setCordon: { readonly isCordoned: boolean };
  forgetNode: { readonly forgotten: true };
  putQueue: { readonly queue: QueueName };
  removeQueue: { readonly removed: true };
  listTenants: { readonly tenants: readonly TenantRow[] };
  putTenant: { readonly tenant: string };
  removeTenant: { readonly removed: true };
  listWindows: { readonly windows: readonly MaintenanceWindow[] };
  putWindow: { readonly id: string };
  removeWindow: { readonly removed: true };
  listLicences: { readonly licences: readonly LicenceRow[] };
  putLicence: { readonly licence: string };
  removeLicence: { readonly removed: true };
  renewCertificate: { readonly renewed: true };
  acknowledgeAlarm: { readonly acknowledged: true };
  getTopology: Topology;
  watchFleet: { readonly metrics: readonly MetricId[] };
  getTrace: MetricTrace;
  getStorage: StorageState;
  setRetention: Retention;
  setBackupPlan: BackupPlan;
  startBackup: StorageJob;
  startExport: StorageJob;
  cancelJob: StorageJob;
  startSimulation: Simulation;
  endSimulation: Simulation;
  getSimulation: Simulation;
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
