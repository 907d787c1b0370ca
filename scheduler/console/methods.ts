// Each method of the console wire: what it reads, which command it gives, what it answers.
import type { WhoAmI } from '../protocol/accounts.ts';
import type { AuditResults } from '../protocol/audit.ts';
import { formatTaskId, type NodeId } from '../protocol/brands.ts';
import type { Params } from '../protocol/consoleWire.ts';
import type { Hello, LogPage, NodeDetail, SubmitAnswer, TaskDetail } from '../protocol/consoleAnswers.ts';
import { consoleWireVersion } from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { rowOfRecord } from '../protocol/taskRow.ts';
import type { NodeFilter } from '../protocol/view.ts';
import type { WhyAnswer } from '../protocol/why.ts';
import { accountMethods } from './accountMethods.ts';
import { cancelTasks, requeueTasks, unknownTask } from './bulk.ts';
import { auditMethods } from './auditMethods.ts';
import { bulkMethods } from './bulkMethods.ts';
import type { Feed } from './feed.ts';
import type { FleetFeed } from './fleetFeed.ts';
import { getTrace } from './metricTraces.ts';
import type { ConsolePorts } from './ports.ts';
import type { Execute, MethodTable } from './methodTable.ts';
import { groupMethods } from './groupMethods.ts';
import { identityMethods } from './identityMethods.ts';
import { logLevelMethods } from './logLevelMethods.ts';
import { maintenanceMethods } from './maintenanceMethods.ts';
import { queueMethods } from './queueMethods.ts';
import { scheduleMethods } from './scheduleMethods.ts';
import { recorderMethods } from './recorderMethods.ts';
import { standingsOf, summaryOf } from './standing.ts';
import { submitTasks } from './submit.ts';
import { countTasks } from './taskCount.ts';
import { listTasks } from './taskList.ts';

export function methodsOf(ports: ConsolePorts, feed: Feed, fleet: FleetFeed): MethodTable {
  const execute: Execute = async (command, answer) => {
    const executed = await ports.execute(command);
    return executed.ok ? accepted(answer) : executed;
  };
  return {
    hello: ({ wire }, { who }) => greet(wire, who, ports.hello),
    ...accountMethods(ports.accounts),
    watchOverview: ({ on }, link) => {
      feed.watchOverview(link, on);
      return accepted({ on });
    },
    submitTasks: async ({ specs }, { actor }) =>
      accepted({ answers: notNow(specs, ports) ?? (await submitTasks(specs, actor, ports.execute)) }),
    listTasks: async (params) => accepted(await listTasks(params, ports)),
    countTasks: async (params) => accepted(await countTasks(params, ports)),
    getTask: ({ taskId }) => getTask(taskId, ports),
    getStates: async ({ taskIds }) => accepted({ standings: await standingsOf(taskIds, ports) }),
    whyTask: ({ taskId }) => whyTask(taskId, ports),
    cancelTasks: async ({ taskIds, reason }, { actor }) =>
      accepted({ answers: await cancelTasks(taskIds, reason, actor, ports) }),
    requeueTasks: async ({ taskIds }, { actor }) =>
      accepted({ answers: await requeueTasks(taskIds, actor, ports) }),
    readLog: async (params) => accepted(await readLog(params, ports)),
    watchLog: ({ taskId, on }, link) => {
      const watched = feed.watchLog(link, taskId, on);
      return watched.ok ? accepted({ on }) : watched;
    },
    ...nodeMethods(ports, execute),
    ...queueMethods(ports, execute),
    ...scheduleMethods(ports, execute),
    ...groupMethods(ports),
    ...maintenanceMethods(ports, execute),
    ...identityMethods(ports, execute),
    acknowledgeAlarm: ({ alarmId }, { actor }) => {
      const acknowledged = ports.alarms.acknowledge(alarmId, actor);
      return acknowledged.ok ? accepted({ acknowledged: true }) : acknowledged;
    },
    getTopology: () => accepted(fleet.topology()),
    watchFleet: ({ metrics }, link) => accepted({ metrics: fleet.watch(link, metrics) }),
    getTrace: (query) => getTrace(query, ports.history),
    ...jobMethods(ports),
    ...recorderMethods(ports),
    startSimulation: (params, { actor }) => ports.simulation.start(params, actor),
    endSimulation: (_params, { actor }) => accepted(ports.simulation.end(actor)),
    getSimulation: () => accepted(ports.simulation.state()),
  };
}

type NodeMethod = 'listNodes' | 'getNode' | 'getSummary' | 'setCordon' | 'forgetNode' | 'declareLost';

function nodeMethods(ports: ConsolePorts, execute: Execute): Pick<MethodTable, NodeMethod> {
  return {
    listNodes: ({ text, state, offset, limit }) => {
      const filter: NodeFilter = {
        ...(text !== undefined && { text }),
        ...(state !== undefined && { state }),
      };
      return accepted(ports.view.nodes(filter, offset, limit));
    },
    getNode: ({ nodeId }) => getNode(nodeId, ports),
    getSummary: () => accepted(summaryOf(ports)),
    setCordon: ({ nodeId, isCordoned }, { actor }) =>
      execute({ kind: 'SetCordon', nodeId, isCordoned, actor }, { isCordoned }),
    forgetNode: ({ nodeId }, { actor }) =>
      execute({ kind: 'ForgetNode', nodeId, actor }, { forgotten: true }),
    declareLost: ({ nodeId }, { actor }) =>
      execute({ kind: 'DeclareLost', nodeId, actor }, { attempts: ports.view.node(nodeId)?.attempts ?? 0 }),
  };
}

/** The answers of a host that takes no tasks now: before any of them is looked at. */
function notNow(specs: readonly unknown[], { overload }: ConsolePorts): readonly SubmitAnswer[] | undefined {
  const reason = overload.refusal();
  return reason && specs.map(() => ({ ok: false, refusal: reason }));
}

type JobMethod =
  | 'getStorage'
  | 'setRetention'
  | 'setBackupPlan'
  | 'startBackup'
  | 'startExport'
  | 'previewBulk'
  | 'startBulk'
  | 'cancelJob'
  | 'getLogLevel'
  | 'setLogLevel'
  | keyof AuditResults;

/** Jobs, the stores that most of them are about, the audit trail and the log. */
function jobMethods(ports: ConsolePorts): Pick<MethodTable, JobMethod> {
  const { storage } = ports;
  return {
    ...bulkMethods(ports),
    ...auditMethods(ports),
    ...logLevelMethods(ports),
    getStorage: async () => accepted(await storage.state()),
    setRetention: (retention, { actor }) => storage.setRetention(retention, actor),
    setBackupPlan: (plan, { actor }) => storage.setBackupPlan(plan, actor),
    startBackup: ({ folder }, { actor }) => storage.startBackup(folder, actor),
    startExport: (params, { actor }) => storage.startExport(params, actor),
    cancelJob: ({ jobId }, { actor }) => storage.cancelJob(jobId, actor),
  };
}

function greet(wire: number, who: WhoAmI, hello: ConsolePorts['hello']): Outcome<Hello, Refusal> {
  if (wire === consoleWireVersion) {
    const facts = hello();
    // Strangers learn nothing of the host but that it is another one after a restart.
    const secret = { version: '', dataFolder: '', hubAddress: '', runtime: '' };
    return accepted({ ...facts, ...(who.role === 'nobody' && secret), who });
  }
  const reason =
    `this window speaks version ${wire} of the console wire, the host version ${consoleWireVersion}; ` +
    'reload the window';
  return refused(refusal('wire_version', reason, { field: 'wire' }));
}

type TaskId = Params<'getTask'>['taskId'];

async function getTask(
  taskId: TaskId,
  { view, history }: ConsolePorts,
): Promise<Outcome<TaskDetail, Refusal>> {
  const live = view.task(taskId);
  const liveRow = view.taskRow(taskId);
  if (live !== undefined && liveRow !== undefined) return accepted({ record: live, row: liveRow });
  const record = await history.get(taskId);
  return record === undefined
    ? refused(unknownTask(taskId))
    : accepted({ record, row: rowOfRecord(record, 'none') });
}

async function whyTask(
  taskId: TaskId,
  { view, history }: ConsolePorts,
): Promise<Outcome<WhyAnswer, Refusal>> {
  const why = view.why(taskId);
  if (why !== undefined) return accepted(why);
  const record = await history.get(taskId);
  if (record === undefined) return refused(unknownTask(taskId));
  return refused(
    refusal('wrong_state', `${formatTaskId(taskId)} has ended (${record.state}) and waits for nothing`),
  );
}

async function readLog(params: Params<'readLog'>, { view, history }: ConsolePorts): Promise<LogPage> {
  const { token, after, limit } = params;
  // Asked first: pieces that are stored before an attempt ends are all there once it has ended.
  const isLive = view.attemptByToken(token) !== undefined;
  const pieces = await history.readLog(token, after, limit);
  return { pieces, isComplete: !isLive && pieces.length < limit };
}

function getNode(nodeId: NodeId, { view }: ConsolePorts): Outcome<NodeDetail, Refusal> {
  const node = view.node(nodeId);
  if (node !== undefined) return accepted({ node, tasks: view.tasksOn(nodeId) });
  return refused(refusal('unknown_node', `there is no node ${nodeId}; it was forgotten or never joined`));
}
