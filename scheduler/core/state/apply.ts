// event -> state change: the only writer of journalled state, live and in replay. It decides nothing and refuses
// nothing; an event that does not fit the state is a bug and throws.
import { epoch, type Ms, ms, type NodeIndex } from '../../protocol/brands.ts';
import type { Event } from '../../protocol/events.ts';
import type { TaskRecord, TaskSpec } from '../../protocol/task.ts';
import { nodeState } from './nodeTable.ts';
import { holdCapacity, releaseCapacity } from './capacity.ts';
import type { AskClass } from './classTable.ts';
import type { SchedulerState } from './schedulerState.ts';
import { liveRecord, noAttempts, type Task } from './taskTable.ts';

type Of<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;
type Appliers = {
  readonly [Kind in Event['kind']]: (state: SchedulerState, event: Of<Kind>, atMs: Ms) => void;
};

export function apply(state: SchedulerState, event: Event, atMs: Ms): void {
  state.snapshot?.keep(event);
  // The table is typed by kind; the compiler cannot see that both sides of this call have the same one.
  const applier = appliers[event.kind] as (state: SchedulerState, event: Event, atMs: Ms) => void;
  applier(state, event, atMs);
}

/** More restarts than lost batches can hold. */
const epochsSkippedByRepair = 1_000_000;

const appliers: Appliers = {
  epoch_started(state, event) {
    state.epoch = epoch(event.epoch);
    for (const node of state.nodes.occupied())
      if (state.nodes.state[node] === nodeState.online) setNodeState(state, node, nodeState.disconnected);
  },
  queue_put(state, event) {
    state.ready.put(event.queue, event.weight);
  },
  task_admitted(state, event, atMs) {
    state.nextTaskId = Math.max(state.nextTaskId, event.taskId + 1);
    const task = newTask(state, { taskId: event.taskId, spec: event.spec, submitter: event.submitter }, atMs);
    state.tasks.add(task);
    enterLine(state, task, atMs);
  },
  task_requeued(state, event, atMs) {
    const task = requeuedTask(state, event.record);
    state.tasks.add(task);
    enterLine(state, task, atMs);
  },
  attempt_placed(state, event, atMs) {
    const task = state.tasks.mustGet(event.taskId);
    const node = mustIndex(state, event.nodeId);
    state.tasks.setState(task, 'dispatched');
    state.ready.leave(task);
    const queue = state.ready.mustGet(task.spec.queue);
    state.ready.charge(queue);
    queue.active += 1;
    state.nextToken = Math.max(state.nextToken, event.token + 1);
    state.tasks.startAttempt(task, {
      attempt: task.past.length + 1,
      token: event.token,
      node,
      nodeId: event.nodeId,
      placedAtMs: atMs,
      gpuMask: event.gpuMask,
      startedAtMs: undefined,
      leaseUntilMs: state.attemptLeaseFrom(atMs),
    });
    state.nodes.attemptsOn(node).add(event.token);
    holdCapacity(state, node, task.spec.ask, event.gpuMask);
  },
  attempt_started(state, event, atMs) {
    const { task, live } = mustLive(state, event.token);
    live.startedAtMs = atMs;
    if (task.state === 'dispatched') state.tasks.setState(task, 'running');
  },
  attempt_ended(state, event, atMs) {
    const { task, live } = mustLive(state, event.token);
    task.past = [...task.past, { ...liveRecord(live), endedAtMs: atMs, end: event.end }];
    if (isPlatformLoss(event.end.reason)) task.platformLosses += 1;
    state.nodes.attemptsOn(live.node).delete(live.token);
    releaseCapacity(state, live.node, task.spec.ask, live.gpuMask);
    state.tasks.endAttempt(task);
    state.ready.mustGet(task.spec.queue).active -= 1;
  },
  task_backed_off(state, event) {
    const task = state.tasks.mustGet(event.taskId);
    state.tasks.setState(task, 'backoff');
    task.untilMs = event.untilMs;
    state.ready.mustGet(task.spec.queue).backoff += 1;
  },
  task_ready(state, event, atMs) {
    const task = state.tasks.mustGet(event.taskId);
    state.ready.mustGet(task.spec.queue).backoff -= 1;
    enterLine(state, task, atMs);
  },
  task_succeeded(state, event) {
    removeTask(state, state.tasks.mustGet(event.taskId));
  },
  task_dead_lettered(state, event) {
    removeTask(state, state.tasks.mustGet(event.taskId));
  },
  task_cancel_requested(state, event) {
    const task = state.tasks.mustGet(event.taskId);
    state.tasks.setState(task, 'cancelling');
    task.cancelReason = event.reason;
  },
  task_cancelled(state, event) {
    const task = state.tasks.mustGet(event.taskId);
    if (task.state === 'ready') {
      state.tasks.setState(task, 'cancelling'); // out of line first: the lane counts by state
      state.ready.leave(task);
    } else if (task.state === 'backoff') state.ready.mustGet(task.spec.queue).backoff -= 1;
    removeTask(state, task);
  },
  node_enrolled(state, event) {
    state.nodeKeys.set(event.nodeId, event.keyHash);
  },
  node_joined(state, event, atMs) {
    const node = state.nodes.indexOf(event.nodeId) ?? state.nodes.add(event.nodeId);
    state.nodes.nodeClass[node] = state.classes.nodeClassOf(event.spec).row;
    state.nodes.describe(node, event.spec);
    state.nodes.lastSeenMs[node] = atMs;
    setNodeState(state, node, nodeState.online);
    for (const token of state.nodes.attemptsOn(node)) {
      const { task, live } = mustLive(state, token);
      holdCapacity(state, node, task.spec.ask, live.gpuMask);
    }
    state.nodes.markOverheld(node);
  },
  node_disconnected(state, event) {
    setNodeState(state, mustIndex(state, event.nodeId), nodeState.disconnected);
  },
  node_lost(state, event) {
    setNodeState(state, mustIndex(state, event.nodeId), nodeState.lost);
  },
  node_cordon_set(state, event) {
    const node = mustIndex(state, event.nodeId);
    state.nodes.cordoned[node] = event.isCordoned ? 1 : 0;
    state.index.update(node);
  },
  node_forgotten(state, event) {
    const node = mustIndex(state, event.nodeId);
    setNodeState(state, node, nodeState.lost); // out of the index before the row goes
    state.nodes.remove(node);
    state.nodeKeys.delete(event.nodeId);
  },
  journal_repaired(state, event) {
    state.nextTaskId = Math.max(state.nextTaskId, event.nextTaskId);
    state.nextToken = Math.max(state.nextToken, event.nextToken);
    // The lost batches may have begun epochs too, and agents refuse what comes from one older than they know.
    state.epoch = epoch(state.epoch + epochsSkippedByRepair);
    for (const taskId of event.ended) {
      const task = state.tasks.get(taskId);
      if (task) dropTask(state, task);
    }
  },
};

/** Lost by the platform, not by the task: repeated without spending the task's own attempts. */
export const isPlatformLoss = (reason: string): boolean =>
  reason === 'lost' || reason === 'agent_lost' || reason === 'refused';

function setNodeState(state: SchedulerState, node: NodeIndex, next: number): void {
  state.nodes.state[node] = next;
  state.index.update(node);
}

function enterLine(state: SchedulerState, task: Task, atMs: Ms): void {
  state.tasks.setState(task, 'ready');
  task.enqueuedOrder = state.nextOrder;
  task.enqueuedAtMs = atMs;
  state.nextOrder += 1;
  state.ready.push(task);
}

/** A task that ended where this journal cannot tell how: whatever it holds is given back. */
function dropTask(state: SchedulerState, task: Task): void {
  const queue = state.ready.mustGet(task.spec.queue);
  if (task.live) {
    state.nodes.attemptsOn(task.live.node).delete(task.live.token);
    releaseCapacity(state, task.live.node, task.spec.ask, task.live.gpuMask);
    state.tasks.endAttempt(task);
    queue.active -= 1;
  } else if (task.state === 'ready') {
    state.tasks.setState(task, 'cancelling'); // out of line first: the lane counts by state
    state.ready.leave(task);
  } else if (task.state === 'backoff') queue.backoff -= 1;
  removeTask(state, task);
}

function removeTask(state: SchedulerState, task: Task): void {
  state.tasks.remove(task);
  state.classes.releaseAskClass(task.askClass);
}

export interface TaskOrigin {
  readonly taskId: Task['taskId'];
  readonly spec: TaskSpec;
  readonly submitter: string;
  /** Where they are known already, they are not worked out again. */
  readonly bytes?: number | undefined;
  readonly askClass?: AskClass | undefined;
}

export function newTask(state: SchedulerState, from: TaskOrigin, submittedAtMs: Ms): Task {
  const { taskId, spec, submitter } = from;
  const askClass = from.askClass ? state.classes.useAgain(from.askClass) : state.classes.useAskClass(spec);
  if (!askClass) throw new Error('ask class table is full'); // refused in decide/submit
  state.mix.count(spec.ask);
  return {
    taskId,
    spec,
    submitter,
    submittedAtMs,
    askClass,
    bytes: from.bytes ?? JSON.stringify(spec).length,
    state: 'ready',
    enqueuedOrder: 0,
    enqueuedAtMs: submittedAtMs,
    untilMs: ms(0),
    live: undefined,
    past: noAttempts,
    platformLosses: 0,
    forgiven: 0,
    cancelReason: undefined,
    mark: state.tasks.mark,
  };
}

function requeuedTask(state: SchedulerState, record: TaskRecord): Task {
  const task = newTask(state, record, record.submittedAtMs);
  task.past = [...record.attempts];
  task.forgiven = record.attempts.length; // all of them: a person gives it a fresh start, losses and backoff too
  return task;
}

function mustIndex(state: SchedulerState, id: Of<'node_lost'>['nodeId']): NodeIndex {
  const node = state.nodes.indexOf(id);
  if (node === undefined) throw new Error(`node ${id} is not in the table`);
  return node;
}

function mustLive(state: SchedulerState, token: Of<'attempt_started'>['token']) {
  const task = state.tasks.byToken(token);
  if (!task?.live) throw new Error(`no live attempt has token ${String(token)}`);
  return { task, live: task.live };
}
