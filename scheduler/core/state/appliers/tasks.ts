// Events of tasks and their attempts.
import { type AttemptEnd, type AttemptRecord, isSuccess } from '../../../protocol/attempt.ts';
import { ms, type TaskId } from '../../../protocol/brands.ts';
import { retryClassOf } from '../../../protocol/retry.ts';
import type { EndState } from '../../../protocol/task.ts';
import { holdCapacity, releaseCapacity } from '../capacity.ts';
import {
  addTask,
  countStop,
  enterLine,
  enterLineInTime,
  holdPlace,
  leaveWaiting,
  newTask,
  releasePlace,
  removeTask,
  requeuedTask,
} from '../taskMaking.ts';
import type { SchedulerState } from '../schedulerState.ts';
import { type LiveAttempt, liveRecord, type Task } from '../taskTable.ts';
import { countElementEnd, uncountElementEnd } from './arrays.ts';
import { setMemberEnded, setTaskEnded } from './workflows.ts';
import { type Appliers, mustIndex, mustLive } from './types.ts';

type TaskEvents =
  | 'task_admitted'
  | 'task_requeued'
  | 'attempt_placed'
  | 'attempt_started'
  | 'attempt_ended'
  | 'attempt_preempt_requested'
  | 'task_backed_off'
  | 'task_ready'
  | 'task_held'
  | 'task_succeeded'
  | 'task_dead_lettered'
  | 'task_cancel_requested'
  | 'task_cancelled';

/** A task that waits in line is placed. */
function leaveLine(state: SchedulerState, task: Task): void {
  const wasReady = task.state === 'ready';
  state.tasks.setState(task, 'dispatched');
  if (wasReady) state.ready.leave(task);
  state.ready.charge(task);
}
/** A copy counts for placement rules only from when it is the first. */
function otherGoesOn(
  state: SchedulerState,
  task: Task,
  { live, isFirst }: { readonly live: LiveAttempt; readonly isFirst: boolean },
): void {
  if (isFirst) holdPlace(state, task);
  if (task.state !== 'cancelling') state.tasks.setState(task, stateOf(live));
}
const stateOf = ({ startedAtMs }: LiveAttempt): 'dispatched' | 'running' =>
  startedAtMs === undefined ? 'dispatched' : 'running';

export const taskAppliers: Appliers<TaskEvents> = {
  task_admitted(state, event, atMs) {
    state.nextTaskId = Math.max(state.nextTaskId, event.taskId + 1);
    const task = newTask(state, { taskId: event.taskId, spec: event.spec, submitter: event.submitter }, atMs);
    addTask(state, task);
    enterLineInTime(state, task, atMs);
  },
  task_requeued(state, event, atMs) {
    const { record } = event;
    const task = requeuedTask(state, record);
    addTask(state, task);
    uncountElementEnd(state, record);
    setMemberEnded(state, record.group, undefined);
    // Its array or workflow lets it in: as many may run as may, or it has to wait for others.
    if (state.arrays.of(record.group) ?? state.workflows.of(record.group)) state.tasks.setState(task, 'held');
    else enterLineInTime(state, task, atMs);
  },
  attempt_placed(state, event, atMs) {
    const task = state.tasks.mustGet(event.taskId);
    const node = mustIndex(state, event.nodeId);
    const isCopy = event.isCopy === true;
    if (!isCopy) leaveLine(state, task);
    state.ready.hold(task);
    state.nextToken = Math.max(state.nextToken, event.token + 1);
    const live: LiveAttempt = {
      attempt: task.past.length + (isCopy ? 2 : 1),
      token: event.token,
      node,
      nodeId: event.nodeId,
      placedAtMs: atMs,
      gpuMask: event.gpuMask,
      startedAtMs: undefined,
      leaseUntilMs: state.attemptLeaseFrom(atMs, task.spec),
    };
    if (isCopy) state.tasks.startCopy(task, live);
    else state.tasks.startAttempt(task, live);
    state.preemption.preemptibles.add(task, live);
    const gang = state.gangs.of(task);
    if (gang) gang.active += 1;
    state.nodes.attemptsOn(node).add(event.token);
    if (!isCopy) holdPlace(state, task);
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
    if (isFreeLoss(task, event.end)) task.platformLosses += 1;
    if (event.learnMs !== undefined) state.runTimes.learn(task.spec, event.learnMs);
    if (event.isSuspect === true) state.tasks.suspect(task, live.nodeId);
    state.nodes.attemptsOn(live.node).delete(live.token);
    state.preemption.preemptibles.remove(task, live);
    const isFirst = task.live === live;
    if (isFirst) releasePlace(state, task);
    releaseCapacity(state, live.node, task.spec.ask, live.gpuMask);
    if (live.preemptedBy !== undefined) countStop(state, task, -1);
    state.tasks.endAttempt(task, live.token);
    const gang = state.gangs.of(task);
    if (gang) gang.active -= 1;
    state.ready.release(task);
    if (task.live) otherGoesOn(state, task, { live: task.live, isFirst });
  },
  attempt_preempt_requested(state, event) {
    const { task, live } = mustLive(state, event.token);
    if (live.preemptedBy === undefined) countStop(state, task, 1);
    live.preemptedBy = event.by;
    if (event.isReclaim === true) live.isReclaimed = true;
  },
  task_backed_off(state, event) {
    const task = state.tasks.mustGet(event.taskId);
    state.tasks.setState(task, 'backoff');
    task.untilMs = event.untilMs;
    state.ready.mustGet(task.spec.queue).backoff += 1;
  },
  task_ready(state, event, atMs) {
    const task = state.tasks.mustGet(event.taskId);
    if (task.state === 'held') task.untilMs = ms(0);
    else state.ready.mustGet(task.spec.queue).backoff -= 1;
    enterLine(state, task, atMs);
  },
  task_held(state, event) {
    const task = state.tasks.mustGet(event.taskId);
    state.ready.mustGet(task.spec.queue).backoff -= 1;
    state.tasks.setState(task, 'held');
    task.untilMs = ms(0);
  },
  task_succeeded(state, event) {
    endTask(state, event.taskId, 'succeeded');
  },
  task_dead_lettered(state, event) {
    leaveWaiting(state, state.tasks.mustGet(event.taskId)); // a gang is given up while it waits
    endTask(state, event.taskId, 'dead_letter');
  },
  task_cancel_requested(state, event) {
    const task = state.tasks.mustGet(event.taskId);
    state.tasks.setState(task, 'cancelling');
    task.cancelReason = event.reason;
  },
  task_cancelled(state, event) {
    leaveWaiting(state, state.tasks.mustGet(event.taskId));
    endTask(state, event.taskId, 'cancelled');
  },
};

/** What was stopped for others counts by itself: see `preemptionsOf`. */
const isFreeLoss = ({ spec }: Task, end: AttemptEnd): boolean =>
  !isSuccess(end) && end.reason !== 'preempted' && retryClassOf(spec.retry.rules, end) === 'free';

function endTask(state: SchedulerState, taskId: TaskId, how: EndState): void {
  const task = state.tasks.mustGet(taskId);
  countElementEnd(state, task.group, how);
  setTaskEnded(state, task, how);
  removeTask(state, task);
}

function withoutCheckpoint(attempt: AttemptRecord): AttemptRecord {
  if (attempt.end?.checkpoint === undefined) return attempt;
  const end = { ...attempt.end };
  Reflect.deleteProperty(end, 'checkpoint');
  return { ...attempt, end };
}
