// A console over a made-up engine and history, with links that remember what was sent to them.
import { createConsole } from '../../scheduler/console/operatorApi.ts';
import type { ConsoleSession } from '../../scheduler/protocol/accounts.ts';
import type { AccountsPort } from '../../scheduler/console/accountsPort.ts';
import type { AuditPort, Console, ConsolePorts, StoragePort } from '../../scheduler/console/ports.ts';
import { NodeTable } from '../../scheduler/core/state/nodeTable.ts';
import { epoch, mib, millicores, ms, nodeId, taskId } from '../../scheduler/protocol/brands.ts';
import type { ConsoleLink } from '../../scheduler/protocol/consoleLink.ts';
import type { FromHost, Method, Reply } from '../../scheduler/protocol/consoleWire.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { accepted, refusal, refused } from '../../scheduler/protocol/outcome.ts';
import { type TaskRecord, taskSpecSchema, type TaskState } from '../../scheduler/protocol/task.ts';
import { rowOfRecord } from '../../scheduler/protocol/taskRow.ts';
import type {
  Grouping,
  SchedulerView,
  TaskFilter,
  TaskGroups,
  TaskRow,
} from '../../scheduler/protocol/view.ts';

export function recordOf(id: number, state: TaskState): TaskRecord {
  const spec = decode(taskSpecSchema, { work: { kind: 'simulated', runMs: 5 } }, 'spec');
  if (!spec.ok) throw new Error(spec.reason.message);
  return {
    taskId: taskId(id),
    spec: spec.value,
    submitter: 'test',
    state,
    submittedAtMs: ms(id),
    attempts: [],
  };
}

const matches = (row: TaskRow, filter: TaskFilter): boolean => filter.states?.includes(row.state) ?? true;

/** Newest first, below `before`. */
export function pageOf(
  records: ReadonlyMap<number, TaskRecord>,
  filter: TaskFilter,
  before: number | undefined,
  limit: number,
) {
  const rows = [...records.values()]
    .map((record) => rowOfRecord(record, 'none'))
    .filter((row) => matches(row, filter) && row.taskId < (before ?? Infinity))
    .sort((a, b) => b.taskId - a.taskId);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return rows.length > limit && last !== undefined
    ? { rows: page, total: rows.length, nextBefore: last.taskId }
    : { rows: page, total: rows.length };
}

/** By state or queue. */
function groupsOf(records: ReadonlyMap<number, TaskRecord>, filter: TaskFilter, by: Grouping): TaskGroups {
  const sums = new Map<string, number>();
  for (const row of pageOf(records, filter, undefined, Infinity).rows) {
    const key = by === 'queue' ? row.queue : row.state;
    sums.set(key, (sums.get(key) ?? 0) + 1);
  }
  const groups = [...sums].map(([key, tasks]) => ({ key, tasks })).sort((a, b) => b.tasks - a.tasks);
  const total = groups.reduce((sum, { tasks }) => sum + tasks, 0);
  return { groups, total, beyond: 0, isEstimate: false };
}

export interface Link extends ConsoleLink {
  readonly sent: FromHost[];
  readonly isSlow: { value: boolean };
  readonly ask: (method: string, params?: unknown) => Promise<Reply>;
  readonly raw: (message: unknown) => Promise<Reply>;
}

const operator: ConsoleSession = { user: 'operator', role: 'administrator', queues: '*', source: 'window' };

export function openLink(console: Console, session = (): ConsoleSession => operator): Link {
  const sent: FromHost[] = [];
  const isSlow = { value: false };
  const closing: (() => void)[] = [];
  const replies = new Map<number, (reply: Reply) => void>();
  let receive: (raw: unknown) => void = () => undefined;
  let lastId = 0;
  const raw = (message: unknown): Promise<Reply> => {
    const id = (message as { id?: number } | null)?.id ?? 0;
    return new Promise((resolve) => {
      replies.set(id, resolve);
      receive(message);
    });
  };
  const link: Link = {
    get session() {
      return session();
    },
    sent,
    isSlow,
    send: (message) => {
      if ('push' in message && isSlow.value) return false;
      sent.push(message);
      if (!('push' in message)) replies.get(message.id)?.(message);
      return true;
    },
    onMessage: (listener) => {
      receive = listener;
    },
    onClose: (listener) => closing.push(listener),
    close: () => {
      for (const listener of closing) listener();
    },
    raw,
    ask: (method, params) => {
      lastId += 1;
      return raw({ id: lastId, method, ...(params !== undefined && { params }) });
    },
  };
  console.attach(link);
  return link;
}

export interface ConsoleStage {
  /** Names of the queues that there are. */
  readonly queues: string[];
  readonly console: Console;
  readonly link: Link;
  readonly live: Map<number, TaskRecord>;
  readonly ended: Map<number, TaskRecord>;
  readonly commands: Command[];
  readonly bugs: unknown[];
  readonly clock: { nowMs: number };
  readonly tick: () => void;
  readonly result: (method: Method, params?: unknown) => Promise<unknown>;
  readonly refusal: (
    method: string,
    params?: unknown,
  ) => Promise<{ code: string; field?: string; message: string }>;
}

export function openConsole(ports: Partial<ConsolePorts> = {}): ConsoleStage {
  const queues: string[] = [];
  const live = new Map<number, TaskRecord>();
  const ended = new Map<number, TaskRecord>();
  const commands: Command[] = [];
  const bugs: unknown[] = [];
  const clock = { nowMs: 1_000_000 };
  let tick = (): void => undefined;
  const console = createConsole({
    view: viewOf(live, queues),
    execute: (command) => {
      commands.push(command);
      if (command.kind !== 'SubmitTasks') return Promise.resolve(accepted({}));
      const answers = command.specs.map((_, i) => ({ ok: true, taskId: taskId(100 + i) }) as const);
      return Promise.resolve(accepted({ answers }));
    },
    history: {
      list: (filter, before, limit) => Promise.resolve(pageOf(ended, filter, before, limit)),
      count: (filter) =>
        Promise.resolve({ total: pageOf(ended, filter, undefined, 1).total, isEstimate: false }),
      groups: (filter, by) => Promise.resolve(groupsOf(ended, filter, by)),
      get: (id) => Promise.resolve(ended.get(id)),
      readLog: () => Promise.resolve([]),
      endedPerMinute: () => Promise.resolve([]),
      trace: ({ scope, name, metric }) =>
        Promise.resolve({ scope, name, metric, startMs: 0, stepMs: 60_000, mean: [null], max: [null] }),
    },
    recorder: {
      state: () => Promise.reject(new Error('this stage records nothing')),
      ask: () => Promise.reject(new Error('this stage records nothing')),
      stopSeek: () => false,
      whatIfs: {
        newest: () => undefined,
        start: () => refused(refusal('wrong_state', 'this stage records nothing')),
        cancel: () => refused(refusal('wrong_state', 'this stage records nothing')),
      },
    },
    log: { level: () => 'info', setLevel: () => undefined },
    simulation: {
      state: () => ({ state: 'off' }),
      start: ({ nodes }) => accepted({ state: 'starting', joined: 0, total: nodes }),
      end: () => ({ state: 'ending', done: 0, total: 0 }),
    },
    storage: storageStub,
    audit: auditStub,
    schedules: {
      check: () => undefined,
      preview: () => [],
      nextDueMs: () => undefined,
      settle: () => Promise.resolve(),
      wallMs: () => ms(clock.nowMs),
    },
    alarms: { rows: () => [], acknowledge: () => accepted(undefined) },
    accounts: noAccounts,
    hello: () => ({ version: '1' }) as never,
    createEnrolment: ({ nodesMax, validMs }) =>
      Promise.resolve(
        accepted({
          enrolmentId: 'e',
          hubUrl: 'u',
          code: 't',
          command: 'c',
          nodesMax,
          expiresAtMs: ms(validMs),
        }),
      ),
    renewCertificate: () => Promise.resolve(accepted({ renewed: true })),
    hubStats: () => ({ messagesIn: 0, badMessages: 3 }),
    overload: { level: 0, refusal: () => undefined },
    clock: () => ms(clock.nowMs),
    isRecovering: () => false,
    every: (_intervalMs, run) => {
      tick = run;
      return () => undefined;
    },
    onBug: (error) => bugs.push(error),
    ...ports,
  });
  const link = openLink(console);
  return {
    console,
    queues,
    link,
    live,
    ended,
    commands,
    bugs,
    clock,
    tick: () => {
      tick();
    },
    result: async (method, params) => {
      const reply = await link.ask(method, params);
      if (!reply.ok) throw new Error(reply.refusal.message);
      return reply.result;
    },
    refusal: async (method, params) => {
      const reply = await link.ask(method, params);
      if (reply.ok) throw new Error(`${method} was not refused`);
      return reply.refusal;
    },
  };
}

const without = refusal('wrong_state', 'this stage has no accounts');
export const noAccounts: AccountsPort = {
  hasAccounts: false,
  login: () => Promise.resolve(refused(without)),
  resume: () => refused(without),
  look: () => undefined,
  use: () => undefined,
  logout: () => undefined,
  changePassword: () => Promise.resolve(refused(without)),
  listUsers: () => [],
  saveUser: () => Promise.resolve(refused(without)),
  removeUser: () => refused(without),
  resetPassword: () => Promise.resolve(refused(without)),
  listTokens: () => [],
  createToken: () => refused(without),
  revokeToken: () => refused(without),
};

/** Answers that tell what it was asked. */
export const storageStub: StoragePort = {
  state: () => Promise.resolve({ dataFolder: '/data' } as never),
  setRetention: (retention) => Promise.resolve(accepted(retention)),
  setBackupPlan: (plan) => Promise.resolve(accepted(plan)),
  startBackup: (folder, actor) => Promise.resolve(accepted({ jobId: 1, path: folder, actor } as never)),
  startExport: ({ format }, actor) => Promise.resolve(accepted({ jobId: 2, path: format, actor } as never)),
  exportAudit: ({ format }, actor) => Promise.resolve(accepted({ jobId: 3, path: format, actor } as never)),
  startBulk: () => refused(refusal('wrong_state', 'this stage has no jobs')),
  cancelJob: (jobId, actor) => accepted({ jobId, actor } as never),
};

/** Takes all and keeps nothing. */
const auditStub: AuditPort = {
  record: () => undefined,
  recordOften: () => undefined,
  settled: () => Promise.resolve(accepted(undefined)),
  hindrance: () => undefined,
  state: () => Promise.reject(new Error('this stage has no trail')),
  list: () => Promise.reject(new Error('this stage has no trail')),
  verify: () => ({ state: 'running', startedAtMs: ms(0), done: 0, total: 0 }),
};

function viewOf(live: ReadonlyMap<number, TaskRecord>, queues: readonly string[]): SchedulerView {
  const node = { nodeId: nodeId('n1'), area: 'A' };
  return {
    epoch: () => epoch(7),
    taskCounts: () => ({
      ready: 4,
      backlog: 3,
      blocked: 2,
      held: 0,
      backoff: 1,
      dispatched: 0,
      running: 6,
      cancelling: 0,
    }),
    nodeCounts: () => ({ total: 9, online: 8, disconnected: 1, lost: 0, cordoned: 0, setAside: 0 }),
    fleetUse: () => ({
      cpuTotal: millicores(3_000),
      cpuAllocated: millicores(1_000),
      cpuUsed: millicores(600),
      memoryTotal: mib(10),
      memoryAllocated: mib(5),
      memoryUsed: mib(1),
    }),
    queues: () => queues.map((queue) => ({ queue }) as never),
    tenants: () => [],
    windows: () => [],
    licences: () => [],
    scheduleIds: () => [],
    schedule: () => undefined,
    calendars: () => [],
    calendarDates: () => undefined,
    groups: () => [],
    group: () => undefined,
    task: (id) => live.get(id),
    taskRow: (id) => {
      const record = live.get(id);
      return record === undefined ? undefined : rowOfRecord(record, 'ready');
    },
    liveTasks: (filter, before, limit) => pageOf(live, filter, before, limit),
    liveGroups: (filter, by) =>
      new Map(groupsOf(live, filter, by).groups.map(({ key, tasks }) => [key, tasks])),
    liveSet: (filter) => ({
      taskIds: pageOf(live, filter, undefined, Infinity).rows.map((row) => row.taskId),
      groups: [],
      unbegun: 0,
    }),
    attemptByToken: (given) => (given === 5 ? ({ taskId: taskId(1), record: {} } as never) : undefined),
    nodes: (filter, offset, limit) => ({ rows: [{ filter, offset, limit } as never], total: 1 }),
    queueOf: () => undefined,
    liveTasksOfKind: () => ({ taskIds: [], total: 0 }),
    fleetColumns: () => new NodeTable(),
    node: (id) => (id === 'n1' ? (node as never) : undefined),
    tasksOn: () => [],
    nodeKey: () => undefined,
    enrolments: () => [],
    enrolmentHindrance: () => undefined,
    why: (id) => (live.has(id) ? ({ taskId: id, waiting: 'ready' } as never) : undefined),
  };
}
