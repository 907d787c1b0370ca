// What each answer holds, as schemas: for the OpenAPI document. The compiler checks them against the contract's types.
import * as v from 'valibot';
import type { LogPiece } from '../protocol/consoleFrames.ts';
import type {
  LogPage,
  NodeDetail,
  SubmitAnswer,
  TaskAnswer,
  TaskDetail,
  TaskList,
  TaskStanding,
} from '../protocol/consoleAnswers.ts';
import type { Refusal } from '../protocol/outcome.ts';
import { attemptEndSchema } from '../protocol/agentWire.ts';
import { endStates, liveStates, taskSpecSchema, type TaskRecord } from '../protocol/task.ts';
import { type AttemptRecord } from '../protocol/attempt.ts';
import type { LivePage, NodePage, TaskRow } from '../protocol/view.ts';
import { why } from './whyAnswer.ts';
import { auditAnswers } from './auditAnswers.ts';
import { amount, answerOf, count, labels, waiting } from './answerOf.ts';
import { accountAnswers } from './accountAnswers.ts';
import { groupAnswers } from './groupAnswers.ts';
import { identityAnswers } from './identityAnswers.ts';
import { maintenanceAnswers } from './maintenanceAnswers.ts';
import { declaredLost, nodeRow, queueRow, summary, tenantRow } from './plantAnswers.ts';
import { type Problem, type ProblemCode, problems } from './problem.ts';
import { recorderAnswers } from './recorderAnswers.ts';
import { scheduleAnswers } from './scheduleAnswers.ts';
import { storageAnswers, taskGroups } from './storageAnswers.ts';
import { whatIfAnswers } from './whatIfAnswers.ts';

const state = v.picklist([...liveStates, ...endStates]);
const group = v.object({
  kind: v.picklist(['array', 'gang', 'workflow']),
  groupId: count,
  index: count,
  size: count,
});
// Object.keys loses the names; the table has exactly these.
const codes = Object.keys(problems) as [ProblemCode, ...ProblemCode[]];

const problem = answerOf<Problem>()(
  v.object({
    type: v.string(),
    title: v.string(),
    status: count,
    detail: v.string(),
    code: v.picklist(codes),
    field: v.exactOptional(v.string()),
    retryAfterMs: v.exactOptional(amount),
  }),
);
const refusal = answerOf<Refusal>()(
  v.object({
    code: v.picklist(codes),
    message: v.string(),
    field: v.exactOptional(v.string()),
    retryAfterMs: v.exactOptional(amount),
  }),
);
const taskRow = answerOf<TaskRow>()(
  v.object({
    taskId: count,
    name: v.string(),
    kind: v.string(),
    queue: v.string(),
    tenant: v.string(),
    priority: count,
    state,
    waiting,
    attempt: count,
    attemptsMax: count,
    nodeId: v.exactOptional(v.string()),
    submitter: v.string(),
    submittedAtMs: amount,
    startedAtMs: v.exactOptional(amount),
    endedAtMs: v.exactOptional(amount),
    exitCode: v.exactOptional(v.pipe(v.number(), v.integer())),
    reason: v.exactOptional(v.string()),
    labels,
    group: v.exactOptional(group),
    deadlineMs: v.exactOptional(amount),
    isSimulated: v.exactOptional(v.boolean()),
  }),
);
const attempt = answerOf<AttemptRecord>()(
  v.object({
    attempt: count,
    token: count,
    nodeId: v.string(),
    placedAtMs: amount,
    startedAtMs: v.exactOptional(amount),
    endedAtMs: v.exactOptional(amount),
    end: v.exactOptional(v.object({ ...attemptEndSchema.entries, stoppedFor: v.exactOptional(count) })),
  }),
);
const taskRecord = answerOf<TaskRecord>()(
  v.object({
    taskId: count,
    spec: taskSpecSchema,
    submitter: v.string(),
    state,
    submittedAtMs: amount,
    endedAtMs: v.exactOptional(amount),
    reason: v.exactOptional(v.string()),
    attempts: v.array(attempt),
    group: v.exactOptional(group),
    workflow: v.exactOptional(v.object({ size: count })),
  }),
);
const logPiece = answerOf<LogPiece>()(
  v.object({
    token: count,
    piece: count,
    stream: v.picklist(['stdout', 'stderr']),
    offset: count,
    text: v.string(),
    atMs: amount,
    droppedBytes: v.exactOptional(count),
  }),
);
const submitAnswer = answerOf<SubmitAnswer>()(
  v.variant('ok', [
    v.object({ ok: v.literal(true), taskId: count }),
    v.object({ ok: v.literal(false), refusal }),
  ]),
);
const taskAnswer = answerOf<TaskAnswer>()(
  v.variant('ok', [
    v.object({ ok: v.literal(true) }),
    v.object({ ok: v.literal(false), taskId: count, refusal }),
  ]),
);
const standing = answerOf<TaskStanding>()(
  v.object({
    taskId: count,
    state: v.picklist([...liveStates, ...endStates, 'unknown']),
    exitCode: v.exactOptional(v.pipe(v.number(), v.integer())),
  }),
);
/** Schemas with a name of their own in the document. */
export const answerSchemas = {
  Problem: problem,
  Refusal: refusal,
  TaskRow: taskRow,
  AttemptRecord: attempt,
  TaskRecord: taskRecord,
  TaskDetail: answerOf<TaskDetail>()(v.object({ record: taskRecord, row: taskRow })),
  TaskList: answerOf<TaskList>()(
    v.object({
      rows: v.array(taskRow),
      nextBefore: v.exactOptional(count),
      total: count,
      totalIsEstimate: v.boolean(),
      looked: v.exactOptional(count),
      asOfMs: amount,
      tookMs: amount,
    }),
  ),
  LivePage: answerOf<LivePage>()(
    v.object({
      rows: v.array(taskRow),
      nextBefore: v.exactOptional(count),
      looked: v.exactOptional(count),
      total: count,
    }),
  ),
  TaskGroups: taskGroups,
  TaskStanding: standing,
  TaskStandings: v.object({ standings: v.array(standing) }),
  TaskGiven: v.object({ taskId: count }),
  SubmitAnswer: submitAnswer,
  SubmitAnswers: v.object({ answers: v.array(submitAnswer) }),
  TaskAnswer: taskAnswer,
  TaskAnswers: v.object({ answers: v.array(taskAnswer) }),
  WhyAnswer: why,
  LogPiece: logPiece,
  LogPage: answerOf<LogPage>()(v.object({ pieces: v.array(logPiece), isComplete: v.boolean() })),
  NodeRow: nodeRow,
  DeclaredLost: declaredLost,
  NodePage: answerOf<NodePage>()(v.object({ rows: v.array(nodeRow), total: count })),
  NodeDetail: answerOf<NodeDetail>()(v.object({ node: nodeRow, tasks: v.array(taskRow) })),
  CordonAnswer: v.object({ isCordoned: v.boolean() }),
  QueueRow: queueRow,
  QueueList: v.object({ queues: v.array(queueRow) }),
  QueueAnswer: v.object({ queue: v.string() }),
  TenantRow: tenantRow,
  TenantList: v.object({ tenants: v.array(tenantRow) }),
  TenantAnswer: v.object({ tenant: v.string() }),
  ...scheduleAnswers,
  ...storageAnswers,
  ...groupAnswers,
  ...identityAnswers,
  ...accountAnswers,
  ...maintenanceAnswers,
  ...recorderAnswers,
  ...whatIfAnswers,
  ...auditAnswers,
  Health: v.object({ version: v.string(), startedAtMs: amount, ...summary.entries }),
} as const;
export type AnswerName = keyof typeof answerSchemas;
