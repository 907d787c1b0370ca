// The core as others may read it: rows and counts made from the tables when asked.
import { mib, millicores, ms, type NodeIndex } from '../protocol/brands.ts';
import type { FleetColumns } from '../protocol/fleetColumns.ts';
import { revokedKey } from '../protocol/identity.ts';
import { isSimulatedNode, type NodeRow, type NodeState } from '../protocol/node.ts';
import { rowOfRecord } from '../protocol/taskRow.ts';
import type {
  FleetUse,
  NodeCounts,
  NodeFilter,
  NodePage,
  SchedulerView,
  TaskCounts,
  TaskRow,
} from '../protocol/view.ts';
import { groupDetail, groupRows, recordById } from './groupView.ts';
import { queueRows, tenantRows, waitingIn } from './queue/rows.ts';
import { liveSet } from './liveSet.ts';
import { liveGroups, liveTasks, liveTasksOfKind } from './liveTasks.ts';
import { scheduleReads } from './scheduleView.ts';
import { why } from './why/why.ts';
import { waitingOf } from './queue/waiting.ts';
import { windowOf } from './queue/window.ts';
import { enrolmentRow } from './state/enrolments.ts';
import { closedBy, type NodeTable, nodeState } from './state/nodeTable.ts';
import type { SchedulerState } from './state/schedulerState.ts';
import { attemptOf, liveRecord, recordOf, type Task } from './state/taskTable.ts';

export function viewOf(state: SchedulerState): SchedulerView {
  const { nodes, tasks } = state;
  return {
    epoch: () => state.epoch,
    taskCounts: () => taskCounts(state),
    nodeCounts: () => nodeCounts(nodes),
    fleetUse: () => fleetUse(nodes),
    queues: () => queueRows(state),
    tenants: () => tenantRows(state),
    windows: () => [...state.maintenance.all()].sort((a, b) => a.fromMs - b.fromMs),
    licences: () => state.licences.rows(),
    groups: () => groupRows(state),
    group: (groupId) => groupDetail(state, groupId),
    task: (taskId) => recordById(state, taskId),
    ...scheduleReads(state),
    taskRow: (taskId) => {
      const task = tasks.get(taskId);
      if (task) return taskRow(state, task);
      const record = recordById(state, taskId);
      return record && rowOfRecord(record, record.state === 'held' ? 'held' : 'none');
    },
    queueOf: (token) => tasks.byToken(token)?.spec.queue,
    liveTasksOfKind: (kind, limit) => liveTasksOfKind(state, kind, limit),
    liveTasks: (filter, before, limit) =>
      liveTasks(state, { filter, before, limit }, (task) => taskRow(state, task)),
    liveGroups: (filter, by) => liveGroups(state, filter, by),
    liveSet: (filter) => liveSet(state, filter),
    attemptByToken: (token) => {
      const task = tasks.byToken(token);
      const live = attemptOf(task, token);
      return task && live && { taskId: task.taskId, record: liveRecord(live) };
    },
    nodes: (filter, offset, limit) => nodePage(state, { filter, offset, limit }),
    node: (nodeId) => {
      const node = nodes.indexOf(nodeId);
      return node === undefined ? undefined : nodeRow(state, node);
    },
    fleetColumns: () => fleetColumns(nodes),
    tasksOn: (nodeId) => {
      const node = nodes.indexOf(nodeId);
      if (node === undefined) return [];
      return [...nodes.attemptsOn(node)].flatMap((token) => {
        const task = tasks.byToken(token);
        return task ? [taskRow(state, task)] : [];
      });
    },
    nodeKey: (nodeId) => state.nodeKeys.get(nodeId),
    enrolments: (nowMs) => [...state.enrolments.all()].map((one) => enrolmentRow(one, nowMs)).reverse(),
    enrolmentHindrance: (tokenHash, nodeId, nowMs) => state.enrolments.hindrance(tokenHash, nodeId, nowMs),
    why: (taskId) => why(state, taskId),
  };
}

const taskRow = (state: SchedulerState, task: Task): TaskRow =>
  rowOfRecord(recordOf(task), waitingOf(state, task));

function taskCounts(state: SchedulerState): TaskCounts {
  const { tasks } = state;
  const counts = { ready: 0, backlog: 0, blocked: 0 };
  const window = windowOf(state.ready);
  for (const queue of state.ready.queues.values()) {
    const row = waitingIn(queue, window);
    counts.ready += row.ready;
    counts.backlog += row.backlog;
    counts.blocked += row.blocked;
  }
  return {
    ...counts,
    held: tasks.countOf('held'),
    backoff: tasks.countOf('backoff'),
    dispatched: tasks.countOf('dispatched'),
    running: tasks.countOf('running'),
    cancelling: tasks.countOf('cancelling'),
  };
}

function nodeCounts(nodes: NodeTable): NodeCounts {
  const counts = {
    total: nodes.size,
    online: 0,
    disconnected: 0,
    lost: 0,
    cordoned: 0,
    setAside: nodes.setAside.size,
  };
  for (const node of nodes.occupied()) {
    counts[stateWord(nodes, node)] += 1;
    counts.cordoned += (nodes.cordoned[node] ?? 0) & closedBy.operator;
  }
  return counts;
}

/** One look at each node: it is asked for many times in a replay. O(nodes). */
function fleetUse(nodes: NodeTable): FleetUse {
  const sum = { cpuTotal: 0, cpuFree: 0, cpuUsed: 0, memoryTotal: 0, memoryFree: 0, memoryUsed: 0 };
  const { state, cpuTotal, cpuFree, cpuUsed, memoryTotal, memoryFree, memoryUsed } = nodes;
  const at = (column: Int32Array, node: number): number => Math.max(0, column[node] ?? 0);
  for (let node = 0; node < nodes.rows; node += 1) {
    if (state[node] !== nodeState.online) continue;
    sum.cpuTotal += at(cpuTotal, node);
    sum.cpuFree += at(cpuFree, node);
    sum.cpuUsed += at(cpuUsed, node);
    sum.memoryTotal += at(memoryTotal, node);
    sum.memoryFree += at(memoryFree, node);
    sum.memoryUsed += at(memoryUsed, node);
  }
  return {
    cpuTotal: millicores(sum.cpuTotal),
    cpuAllocated: millicores(sum.cpuTotal - sum.cpuFree),
    cpuUsed: millicores(sum.cpuUsed),
    memoryTotal: mib(sum.memoryTotal),
    memoryAllocated: mib(sum.memoryTotal - sum.memoryFree),
    memoryUsed: mib(sum.memoryUsed),
  };
}

const fleetColumns = (nodes: NodeTable): FleetColumns => nodes;

interface NodeQuery {
  readonly filter: NodeFilter;
  readonly offset: number;
  readonly limit: number;
}

/** By name. O(nodes log nodes). */
function nodePage(state: SchedulerState, { filter, offset, limit }: NodeQuery): NodePage {
  const { nodes } = state;
  const text = filter.text?.toLowerCase() ?? '';
  const found = [...nodes.occupied()].filter((node) => {
    if (filter.state !== undefined && stateWord(nodes, node) !== filter.state) return false;
    if (text === '') return true;
    const { area, line, cell } = nodes.specOf(node).place;
    return [nodes.idOf(node), area, line, cell].some((part) => part.toLowerCase().includes(text));
  });
  found.sort((a, b) => (nodes.idOf(a) < nodes.idOf(b) ? -1 : 1));
  const rows = found.slice(offset, offset + limit).map((node) => nodeRow(state, node));
  return { rows, total: found.length };
}

function stateWord(nodes: NodeTable, node: NodeIndex): NodeState {
  if (nodes.state[node] === nodeState.online) return 'online';
  return nodes.state[node] === nodeState.lost ? 'lost' : 'disconnected';
}

/** When the last of its leases ends, where it is out of contact and holds some that last. */
function heldUntilMs({ nodes, tasks }: SchedulerState, node: NodeIndex): number | undefined {
  if (nodes.state[node] === nodeState.online) return undefined;
  let untilMs = 0;
  for (const token of nodes.attemptsOn(node)) {
    const task = tasks.byToken(token);
    if (task?.spec.offlineLimitMs === undefined) continue;
    untilMs = Math.max(untilMs, attemptOf(task, token)?.leaseUntilMs ?? 0);
  }
  return untilMs > 0 ? untilMs : undefined;
}

function nodeRow(state: SchedulerState, node: NodeIndex): NodeRow {
  const { nodes, nodeKeys } = state;
  const heldMs = heldUntilMs(state, node);
  const spec = nodes.specOf(node);
  const setAside = nodes.setAside.get(node);
  const at = (column: { readonly [row: number]: number }): number => column[node] ?? 0;
  return {
    nodeId: nodes.idOf(node),
    ...spec.place,
    state: stateWord(nodes, node),
    isCordoned: (at(nodes.cordoned) & closedBy.operator) !== 0,
    ...(setAside !== undefined && { setAside }),
    ...(nodeKeys.get(nodes.idOf(node)) === revokedKey && { isRevoked: true }),
    attempts: nodes.attemptsOn(node).size,
    ...(heldMs !== undefined && { heldUntilMs: ms(heldMs) }),
    cpuTotal: millicores(at(nodes.cpuTotal)),
    cpuAllocated: millicores(at(nodes.cpuTotal) - at(nodes.cpuFree)),
    ...(at(nodes.cpuUsed) < 0 ? {} : { cpuUsed: millicores(at(nodes.cpuUsed)) }),
    memoryTotal: mib(at(nodes.memoryTotal)),
    memoryAllocated: mib(at(nodes.memoryTotal) - at(nodes.memoryFree)),
    ...(at(nodes.memoryUsed) < 0 ? {} : { memoryUsed: mib(at(nodes.memoryUsed)) }),
    gpuDevices: at(nodes.gpuDevices),
    slotsTotal: at(nodes.slotsTotal),
    slotsAllocated: at(nodes.slotsTotal) - at(nodes.slotsFree),
    lastSeenMs: ms(at(nodes.lastSeenMs)),
    agentVersion: spec.agentVersion,
    platform: spec.platform,
    kinds: spec.kinds,
    labels: spec.labels,
    taints: spec.taints,
    ...(isSimulatedNode(spec) && { isSimulated: true }),
  };
}
