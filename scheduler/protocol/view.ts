// What any engine lets others read: live tasks, nodes, queues, and why a task waits. Read only, answered from memory.
import type { Epoch, MiB, Millicores, Ms, NodeId, QueueName, TaskId, Token } from './brands.ts';
import type { FleetColumns } from './fleetColumns.ts';
import type { GroupDetail, GroupRow } from './groups.ts';
import type { EnrolmentRow, NodeKey } from './identity.ts';
import type { LicenceRow, MaintenanceWindow } from './maintenance.ts';
import type { NodeRow } from './node.ts';
import type { Refusal } from './outcome.ts';
import type { QueueSettings, TenantSettings } from './queue.ts';
import type { TaskPendingReason, Waiting } from './reasons.ts';
import type { ScheduleReads } from './schedule.ts';
import type { WhyAnswer } from './why.ts';
import type { TaskGroupRef, TaskRecord, TaskState } from './task.ts';
import type { Kind } from './work.ts';
import type { AttemptRecord } from './attempt.ts';

export interface TaskCounts {
  /** In the ready window and not blocked. */
  readonly ready: number;
  /** Admitted, waiting behind the window. */
  readonly backlog: number;
  /** No node can take them now. */
  readonly blocked: number;
  /** Not in line yet: they wait for their time, for other tasks, or for their gang. */
  readonly held: number;
  readonly backoff: number;
  readonly dispatched: number;
  readonly running: number;
  readonly cancelling: number;
}
export interface NodeCounts {
  readonly total: number;
  readonly online: number;
  readonly disconnected: number;
  readonly lost: number;
  readonly cordoned: number;
  /** Set aside because they fail tasks that others run. */
  readonly setAside: number;
}
/** Sums over nodes that are online. */
export interface FleetUse {
  readonly cpuTotal: Millicores;
  readonly cpuAllocated: Millicores;
  readonly cpuUsed: Millicores;
  readonly memoryTotal: MiB;
  readonly memoryAllocated: MiB;
  readonly memoryUsed: MiB;
}
/** CPU in millicores, memory in MiB, GPU in thousandths of a device. */
export interface Amounts {
  readonly cpu: number;
  readonly memory: number;
  readonly gpu: number;
}
export interface QueueRow {
  readonly queue: QueueName;
  readonly weight: number;
  readonly settings: QueueSettings;
  /** All its tasks that have not ended. */
  readonly live: number;
  /** What its attempts reserve; what they really use, agents tell by task. */
  readonly allocated: Amounts;
  /** Its dominant share: the largest of its shares of the plant's CPU, memory and GPU, 0 to 1. */
  readonly share: number;
  /** Why it starts nothing now, where that lies with the queue itself. */
  readonly gate?: QueueGate;
  /** Live tasks whose deadline has passed. Absent: none. */
  readonly missed?: number;
  readonly ready: number;
  readonly backlog: number;
  readonly blocked: number;
  readonly backoff: number;
  readonly active: number;
  /** Submit time of the task that waits longest, where one waits. */
  readonly oldestSubmittedAtMs?: Ms;
}

export type QueueGate = Extract<
  TaskPendingReason,
  'QUEUE_PAUSED' | 'QUEUE_RUNNING_MAX' | 'QUEUE_RATE' | 'QUEUE_QUOTA'
>;
/** A tenant that has settings, or live tasks. */
export interface TenantRow {
  readonly tenant: string;
  readonly settings: TenantSettings;
  readonly live: number;
  readonly active: number;
  readonly allocated: Amounts;
  readonly share: number;
  readonly gate?: Extract<TaskPendingReason, 'TENANT_RUNNING_MAX' | 'TENANT_QUOTA'>;
}

/** A task as lists show it. */
export interface TaskRow {
  readonly taskId: TaskId;
  readonly name: string;
  readonly kind: string;
  readonly queue: QueueName;
  readonly tenant: string;
  readonly priority: number;
  readonly state: TaskState;
  readonly waiting: Waiting;
  readonly attempt: number;
  readonly attemptsMax: number;
  readonly nodeId?: NodeId;
  readonly submitter: string;
  readonly submittedAtMs: Ms;
  readonly startedAtMs?: Ms;
  readonly endedAtMs?: Ms;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly group?: TaskGroupRef;
  /** When it should have ended, where it has a deadline. `lateByMs` tells whether it missed it. */
  readonly deadlineMs?: Ms;
  /** True: it belongs to the simulated plant, and goes with it. Absent: it is real. */
  readonly isSimulated?: boolean;
}

export interface TaskFilter {
  readonly states?: readonly TaskState[];
  readonly queue?: QueueName;
  readonly nodeId?: NodeId;
  /** Part of the name, of the program line, or of a label, in any case. */
  readonly text?: string;
  readonly tenant?: string;
  /** All of these labels with these values. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Submitted at or after this. */
  readonly sinceMs?: Ms;
  /** Submitted before this. */
  readonly untilMs?: Ms;
  /** Members of this array, gang or workflow. */
  readonly groupId?: TaskId;
  /** Those that ended after their deadline, or are live and past it. */
  readonly missedDeadline?: true;
}
export interface TaskPage {
  readonly rows: readonly TaskRow[];
  /** Older rows start below this task id; undefined at the end. */
  readonly nextBefore?: TaskId;
  /**
   * The page stopped at its bound and not because it was full: so many tasks were looked at for it. Go on with
   * `nextBefore`, show progress, or stop.
   */
  readonly looked?: number;
}
/** What a count may be split by. `hour` and `day` are of the submission, in UTC: `2026-11-23T10`, `2026-11-23`. */
export const groupings = ['state', 'queue', 'tenant', 'node', 'kind', 'hour', 'day'] as const;
export type Grouping = (typeof groupings)[number];
export interface TaskGroup {
  /** Empty: tasks that have none, such as no node yet. */
  readonly key: string;
  readonly tasks: number;
}
export interface TaskGroups {
  /** Largest first; `hour` and `day` oldest first. At most `groupsMax`. */
  readonly groups: readonly TaskGroup[];
  readonly total: number;
  /** Tasks in groups that are not listed. */
  readonly beyond: number;
  readonly isEstimate: boolean;
}
/** What a cancel of all live tasks that match has to hit. Tasks that are being cancelled are not in it. */
export interface LiveSet {
  /** One by one. Newest first. */
  readonly taskIds: readonly TaskId[];
  /** Arrays and gangs that go as one, each with how many tasks that match go with it. */
  readonly groups: readonly { readonly groupId: TaskId; readonly tasks: number }[];
  /** Of those, elements of arrays that have not begun. */
  readonly unbegun: number;
}
export interface LivePage extends TaskPage {
  /** All live tasks that match, whatever `before` says. */
  readonly total: number;
}
export interface NodePage {
  readonly rows: readonly NodeRow[];
  readonly total: number;
}
export interface NodeFilter {
  /** Part of the node's name or place, in any case. */
  readonly text?: string;
  readonly state?: NodeRow['state'];
}

/** Reads of an engine. Costs are for 50,000 nodes. */
export interface SchedulerView extends ScheduleReads {
  readonly epoch: () => Epoch;
  readonly taskCounts: () => TaskCounts;
  readonly nodeCounts: () => NodeCounts;
  readonly fleetUse: () => FleetUse;
  readonly queues: () => readonly QueueRow[];
  readonly tenants: () => readonly TenantRow[];
  /** Maintenance windows that are not over, the next one first. */
  readonly windows: () => readonly MaintenanceWindow[];
  readonly licences: () => readonly LicenceRow[];
  /** Arrays that have not ended, and workflows until a while after their end; newest first. */
  readonly groups: () => readonly GroupRow[];
  readonly group: (groupId: TaskId) => GroupDetail | undefined;
  /** A live task, an array or a workflow that has not ended, or an element of an array. */
  readonly task: (taskId: TaskId) => TaskRecord | undefined;
  readonly taskRow: (taskId: TaskId) => TaskRow | undefined;
  /** Queue of the task that a live attempt belongs to. */
  readonly queueOf: (token: Token) => QueueName | undefined;
  /** Up to `limit` live tasks whose work is of this kind, in no order; `total` counts all. O(live tasks). */
  readonly liveTasksOfKind: (
    kind: Kind,
    limit: number,
  ) => { readonly taskIds: readonly TaskId[]; readonly total: number };
  /** Live tasks, newest first, below `before`. O(live tasks) where the filter matches few. */
  readonly liveTasks: (filter: TaskFilter, before: TaskId | undefined, limit: number) => LivePage;
  /** Live tasks that match, counted by group. O(live tasks). */
  readonly liveGroups: (filter: TaskFilter, by: Grouping) => ReadonlyMap<string, number>;
  /**
   * With a filter that names no states, arrays whose elements match are in it as a whole: those that have not begun,
   * too. O(live tasks).
   */
  readonly liveSet: (filter: TaskFilter) => LiveSet;
  readonly attemptByToken: (
    token: Token,
  ) => { readonly taskId: TaskId; readonly record: AttemptRecord } | undefined;
  readonly nodes: (filter: NodeFilter, offset: number, limit: number) => NodePage;
  readonly node: (nodeId: NodeId) => NodeRow | undefined;
  /** All nodes as the engine's own columns. O(1). */
  readonly fleetColumns: () => FleetColumns;
  /** Live attempts on a node. */
  readonly tasksOn: (nodeId: NodeId) => readonly TaskRow[];
  /** What the node is known by, or undefined where it never enrolled or was forgotten. */
  readonly nodeKey: (nodeId: NodeId) => NodeKey | undefined;
  /** Tokens by which nodes enrol, as they are at this time, the newest first. */
  readonly enrolments: (nowMs: Ms) => readonly EnrolmentRow[];
  /** Why a node of this name could not enrol now with the token of this hash. */
  readonly enrolmentHindrance: (tokenHash: string, nodeId: NodeId, nowMs: Ms) => Refusal | undefined;
  /** O(nodes): about 3 ms. Undefined where the task is not live. */
  readonly why: (taskId: TaskId) => WhyAnswer | undefined;
}
