// Each method of the console: whether it changes something, and what the audit trail is told of it then.
import { formatTaskId, type TaskId } from '../protocol/brands.ts';
import type { TaskAnswer } from '../protocol/consoleAnswers.ts';
import type { Params } from '../protocol/consoleWire.ts';
import type { SchedulerView } from '../protocol/view.ts';
import type { AuditTable, Came, Details } from './auditChange.ts';
import { peopleChanges } from './auditPeople.ts';

const reads = { changes: false } as const;
/** The accounts themselves write it down, with what only they know. It goes on while nothing can be recorded. */
const byAccounts = { changes: false } as const;

const nodeChange = {
  changes: true,
  targets: ({ nodeId }: { readonly nodeId: Params<'getNode'>['nodeId'] }) => [nodeId],
  isSimulated: ({ nodeId }: { readonly nodeId: Params<'getNode'>['nodeId'] }, view: SchedulerView) =>
    view.node(nodeId)?.isSimulated === true,
} as const;
const tasksChange = {
  changes: true,
  targets: ({ taskIds }: { readonly taskIds: readonly TaskId[] }) => taskIds.map(formatTaskId),
  isSimulated: ({ taskIds }: { readonly taskIds: readonly TaskId[] }, view: SchedulerView) =>
    taskIds.every((id) => view.taskRow(id)?.isSimulated === true),
  result: (
    { answers }: { readonly answers: readonly TaskAnswer[] },
    { taskIds }: { readonly taskIds: readonly TaskId[] },
  ) => cameOf(answers, taskIds),
} as const;

/** Names only those that were changed, where some were. */
function cameOf(answers: readonly TaskAnswer[], taskIds: readonly TaskId[]): Came {
  const missed = answers.flatMap((answer) => (answer.ok ? [] : [answer]));
  const [first] = missed;
  if (!first) return {};
  const details = { refused: missed.length, code: first.refusal.code, message: first.refusal.message };
  if (missed.length === answers.length) return { isRefused: true, details };
  const refusedIds = new Set(missed.map(({ taskId }) => taskId));
  return { targets: taskIds.filter((id) => !refusedIds.has(id)).map(formatTaskId), details };
}

const named = <Row>(rows: readonly Row[], isIt: (row: Row) => boolean): Row | undefined => rows.find(isIt);
const textOf = (value: object): string => JSON.stringify(value);

const taskChanges = {
  submitTasks: {
    changes: true,
    isWork: true,
    result: ({ answers }) => {
      const ids = answers.flatMap((answer) => (answer.ok ? [formatTaskId(answer.taskId)] : []));
      const missed = answers.length - ids.length;
      return { targets: ids, isRefused: ids.length === 0, details: missed > 0 ? { refused: missed } : {} };
    },
  },
  submitWorkflow: {
    changes: true,
    isWork: true,
    result: ({ groupId, taskIds }) => ({
      targets: [formatTaskId(groupId)],
      details: { tasks: taskIds.length },
    }),
  },
  retryWorkflow: {
    changes: true,
    targets: ({ groupId }) => [formatTaskId(groupId)],
    result: ({ answers }) => ({ details: { tasks: answers.filter(({ ok }) => ok).length } }),
  },
  cancelTasks: { ...tasksChange, details: ({ reason }) => reasonOf(reason) },
  requeueTasks: tasksChange,
  startBulk: {
    changes: true,
    details: ({ act, filter, ofJob, reason }) => ({
      act,
      ...(filter && { filter: textOf(filter) }),
      ...(ofJob !== undefined && { ofJob }),
      ...reasonOf(reason),
    }),
    result: ({ jobId }) => ({ targets: [jobName(jobId)] }),
  },
} satisfies Partial<AuditTable>;

const plantChanges = {
  setCordon: {
    ...nodeChange,
    before: ({ nodeId }, view) => ({ isCordoned: view.node(nodeId)?.isCordoned }),
    after: ({ isCordoned }) => ({ isCordoned }),
  },
  forgetNode: nodeChange,
  declareLost: { ...nodeChange, result: ({ attempts }) => ({ details: { attempts } }) },
  revokeNode: nodeChange,
  putQueue: {
    changes: true,
    targets: ({ queue }) => [queue],
    before: ({ queue }, view) => named(view.queues(), (row) => row.queue === queue),
    after: ({ change }) => change,
  },
  removeQueue: { changes: true, targets: ({ queue }) => [queue] },
  putTenant: {
    changes: true,
    targets: ({ tenant }) => [tenant],
    before: ({ tenant }, view) => named(view.tenants(), (row) => row.tenant === tenant),
    after: ({ change }) => change,
  },
  removeTenant: { changes: true, targets: ({ tenant }) => [tenant] },
  putWindow: {
    changes: true,
    targets: ({ id }) => [id],
    before: ({ id }, view) => named(view.windows(), (row) => row.id === id),
    after: ({ window }) => window,
  },
  removeWindow: { changes: true, targets: ({ id }) => [id] },
  putLicence: {
    changes: true,
    targets: ({ licence }) => [licence],
    before: ({ licence }, view) => named(view.licences(), (row) => row.licence === licence),
    after: ({ total }) => ({ total }),
  },
  removeLicence: { changes: true, targets: ({ licence }) => [licence] },
  putSchedule: {
    changes: true,
    targets: ({ scheduleId }) => [scheduleId],
    before: ({ scheduleId }, view) => view.schedule(scheduleId)?.spec,
    after: ({ spec }) => spec,
  },
  removeSchedule: { changes: true, targets: ({ scheduleId }) => [scheduleId] },
  runScheduleNow: {
    changes: true,
    targets: ({ scheduleId }) => [scheduleId],
    result: ({ taskId }) => ({ details: { task: formatTaskId(taskId) } }),
  },
  putCalendar: {
    changes: true,
    targets: ({ calendar }) => [calendar],
    before: ({ calendar }, view) => view.calendarDates(calendar)?.size,
    after: ({ dates }) => dates.length,
  },
  removeCalendar: { changes: true, targets: ({ calendar }) => [calendar] },
} satisfies Partial<AuditTable>;

const hostChanges = {
  createEnrolment: {
    changes: true,
    targets: ({ nodeId }) => (nodeId === undefined ? [] : [nodeId]),
    after: (settings) => settings,
  },
  revokeEnrolment: { changes: true, targets: ({ enrolmentId }) => [`enrolment ${enrolmentId}`] },
  renewCertificate: { changes: true },
  setLogLevel: { changes: true, after: ({ level }) => ({ level }) },
  acknowledgeAlarm: { changes: true, targets: ({ alarmId }) => [`alarm ${String(alarmId)}`] },
  setRetention: { changes: true, after: (retention) => retention },
  setBackupPlan: { changes: true, after: (plan) => plan },
  startBackup: {
    changes: true,
    details: ({ folder }) => (folder === undefined ? {} : { folder }),
    result: ({ jobId }) => ({ targets: [jobName(jobId)] }),
  },
  startExport: {
    changes: true,
    details: ({ filter, format }) => ({ filter: textOf(filter), format }),
    result: ({ jobId, path = '' }) => ({ targets: [jobName(jobId)], details: { path } }),
  },
  cancelJob: { changes: true, targets: ({ jobId }) => [jobName(jobId)] },
  startSimulation: { changes: true, details: ({ nodes, seed, load }) => ({ nodes, seed, load }) },
  endSimulation: { changes: true },
  exportAudit: {
    changes: true,
    details: ({ filter, format }) => ({ filter: textOf(filter), format }),
    result: ({ jobId, path = '' }) => ({ targets: [jobName(jobId)], details: { path } }),
  },
} satisfies Partial<AuditTable>;

const jobName = (jobId: number): string => `job ${String(jobId)}`;
const reasonOf = (reason: string): Details => (reason === '' ? {} : { reason });

export const auditTable: AuditTable = {
  ...taskChanges,
  ...plantChanges,
  ...hostChanges,
  ...peopleChanges,
  login: byAccounts,
  logout: byAccounts,
  changePassword: byAccounts,
  hello: reads,
  whoAmI: reads,
  listUsers: reads,
  listTokens: reads,
  watchOverview: reads,
  listGroups: reads,
  getGroup: reads,
  listTasks: reads,
  countTasks: reads,
  getTask: reads,
  getStates: reads,
  whyTask: reads,
  readLog: reads,
  watchLog: reads,
  listNodes: reads,
  getNode: reads,
  getSummary: reads,
  listTenants: reads,
  listWindows: reads,
  listLicences: reads,
  listSchedules: reads,
  getSchedule: reads,
  previewSchedule: reads,
  listCalendars: reads,
  getCalendar: reads,
  listEnrolments: reads,
  getTopology: reads,
  watchFleet: reads,
  getTrace: reads,
  getStorage: reads,
  previewBulk: reads,
  getSimulation: reads,
  getRecorder: reads,
  seekRecorder: reads,
  stopSeek: reads,
  recorderTopology: reads,
  recorderFrame: reads,
  recorderTasks: reads,
  recorderNodes: reads,
  recorderWhy: reads,
  startWhatIf: reads,
  getWhatIf: reads,
  cancelWhatIf: reads,
  getLogLevel: reads,
  getAudit: reads,
  listAudit: reads,
  verifyAudit: reads,
};
