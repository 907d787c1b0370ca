// Events of tasks and their attempts.
import { isSuccess } from '../../../protocol/attempt.ts';
import { retryClassOf } from '../../../protocol/retry.ts';
import { holdCapacity, releaseCapacity } from '../capacity.ts';
import {
  addTask,
  enterLine,
  holdPlace,
  holdShare,
  leaveWaiting,
  newTask,
  releasePlace,
  releaseShare,
  removeTask,
  requeuedTask,
} from '../taskMaking.ts';
import { liveRecord, withoutCheckpoint } from '../taskTable.ts';
import { type Appliers, mustIndex, mustLive } from './types.ts';

type TaskEvents =
  | 'task_admitted'
  | 'task_requeued'
  | 'attempt_placed'
  | 'attempt_started'
  | 'attempt_ended'
  | 'task_backed_off'
  | 'task_ready'
  | 'task_succeeded'
  | 'task_dead_lettered'
  | 'task_cancel_requested'
  | 'task_cancelled';

export const taskAppliers: Appliers<TaskEvents> = {
  task_admitted(state, event, atMs) {
    state.nextTaskId = Math.max(state.nextTaskId, event.taskId + 1);
    const task = newTask(state, { taskId: event.taskId, spec: event.spec, submitter: event.submitter }, atMs);
    addTask(state, task);
    enterLine(state, task, atMs);
  },
  task_requeued(state, event, atMs) {
    const task = requeuedTask(state, event.record);
    addTask(state, task);
    enterLine(state, task, atMs);
  },
  attempt_placed(state, event, atMs) {
    const task = state.tasks.mustGet(event.taskId);
    const node = mustIndex(state, event.nodeId);
    const wasReady = task.state === 'ready';
    state.tasks.setState(task, 'dispatched');
    if (wasReady) state.ready.leave(task);
    state.ready.charge(state.ready.mustGet(task.spec.queue));
    holdShare(state, task);
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
    holdPlace(state, task);
    holdCapacity(state, node, task.spec.ask, event.gpuMask);
  },
  attempt_started(state, event, atMs) {
    const { task, live } = mustLive(state, event.token);
    live.startedAtMs = atMs;
    if (task.state === 'dispatched') state.tasks.setState(task, 'running');
  },
  attempt_ended(state, event, atMs) {
    const { task, live } = mustLive(state, event.token);
    // Of what attempts left, only the newest is of use.
    const before = event.end.checkpoint === undefined ? task.past : task.past.map(withoutCheckpoint);
    task.past = [...before, { ...liveRecord(live), endedAtMs: atMs, end: event.end }];
    task.checkpoint = event.end.checkpoint ?? task.checkpoint;
    if (!isSuccess(event.end) && retryClassOf(task.spec.retry.rules, event.end) === 'free')
      task.platformLosses += 1;
    if (event.isSuspect === true) state.tasks.suspect(task, live.nodeId);
    state.nodes.attemptsOn(live.node).delete(live.token);
    releasePlace(state, task);
    releaseCapacity(state, live.node, task.spec.ask, live.gpuMask);
    state.tasks.endAttempt(task);
    releaseShare(state, task);
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
    leaveWaiting(state, task);
    removeTask(state, task);
  },
};
