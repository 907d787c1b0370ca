// How a task comes into the state and leaves it, whatever event or snapshot says so.
import { placedFromMs } from '../../protocol/offlineLimits.ts';
import { type Ms, ms } from '../../protocol/brands.ts';
import type { TaskGroupRef, TaskRecord, TaskSpec } from '../../protocol/task.ts';
import { amountsOf } from '../queue/share.ts';
import { releaseCapacity } from './capacity.ts';
import type { AskClass } from './classTable.ts';
import type { SchedulerState } from './schedulerState.ts';
import { attemptsOf, noAttempts, noNodes, type Task } from './taskTable.ts';

export interface TaskOrigin {
  readonly taskId: Task['taskId'];
  readonly spec: TaskSpec;
  readonly submitter: string;
  /** The group that it is a member of. */
  readonly group?: TaskGroupRef | undefined;
  /** Where they are known already, they are not worked out again. */
  readonly bytes?: number | undefined;
  readonly askClass?: AskClass | undefined;
}

export function newTask(state: SchedulerState, from: TaskOrigin, submittedAtMs: Ms): Task {
  const { spec } = from;
  const askClass = from.askClass ? state.classes.useAgain(from.askClass) : state.classes.useAskClass(spec);
  if (!askClass) throw new Error('ask class table is full'); // refused in decide/submit
  state.mix.count(spec.ask);
  return unlistedTask(state, { ...from, askClass }, submittedAtMs);
}

/** A task that no table knows, as it would come in. */
export function unlistedTask(
  { tasks }: SchedulerState,
  { taskId, spec, submitter, bytes, group, askClass }: TaskOrigin & { readonly askClass: AskClass },
  submittedAtMs: Ms,
): Task {
  return {
    taskId,
    spec,
    submitter,
    submittedAtMs,
    askClass,
    bytes: bytes ?? JSON.stringify(spec).length,
    group,
    state: 'ready',
    enqueuedOrder: 0,
    enqueuedAtMs: submittedAtMs,
    untilMs: ms(0),
    live: undefined,
    copy: undefined,
    past: noAttempts,
    platformLosses: 0,
    suspectNodes: noNodes,
    forgiven: 0,
    cancelReason: undefined,
    checkpoint: undefined,
    mark: tasks.mark,
  };
}

export function requeuedTask(state: SchedulerState, record: TaskRecord): Task {
  const task = newTask(state, record, record.submittedAtMs);
  task.past = [...record.attempts];
  task.checkpoint = record.attempts.findLast(({ end }) => end?.checkpoint !== undefined)?.end?.checkpoint;
  task.forgiven = record.attempts.length; // all of them: a person gives it a fresh start, losses and backoff too
  return task;
}

/** Puts a task in line, behind all others of its lane. Its state before may be anything but `ready`. */
export function enterLine(state: SchedulerState, task: Task, atMs: Ms): void {
  state.tasks.setState(task, 'ready');
  task.enqueuedOrder = state.nextOrder;
  task.enqueuedAtMs = atMs;
  state.nextOrder += 1;
  state.ready.push(task);
}

/** In line, or held where its time has not come. */
export function enterLineInTime(state: SchedulerState, task: Task, atMs: Ms): void {
  const fromMs = placedFromMs(task.spec);
  if (fromMs <= atMs) {
    enterLine(state, task, atMs);
    return;
  }
  state.tasks.setState(task, 'held');
  task.untilMs = ms(fromMs);
}

/** Takes a task that waits out of wherever it waits. It is `cancelling` from then on: lanes count by state. */
export function leaveWaiting(state: SchedulerState, task: Task): void {
  const was = task.state;
  if (was === 'backoff') state.ready.mustGet(task.spec.queue).backoff -= 1;
  state.tasks.setState(task, 'cancelling');
  if (was === 'ready') state.ready.leave(task);
}

/** A task that ended where this journal cannot tell how: whatever it holds is given back. */
export function dropTask(state: SchedulerState, task: Task): void {
  if (!task.live) leaveWaiting(state, task);
  for (const { node, token, gpuMask, preemptedBy } of attemptsOf(task)) {
    state.nodes.attemptsOn(node).delete(token);
    if (token === task.live?.token) releasePlace(state, task);
    state.preemption.preemptibles.remove(task, { node });
    releaseCapacity(state, node, task.spec.ask, gpuMask);
    if (preemptedBy !== undefined) countStop(state, task, -1);
    state.tasks.endAttempt(task, token);
    if (task.live) holdPlace(state, task);
    state.ready.release(task);
  }
  removeTask(state, task);
}

/** Lists a task, and counts it with its queue and its tenant. */
export function addTask(state: SchedulerState, task: Task): void {
  state.tasks.add(task);
  state.deadlines.add(task);
  state.gangs.add(task);
  state.ready.mustGet(task.spec.queue).share.live += 1;
  const line = state.ready.lineOf(task);
  line.share.live += 1;
  line.tenant.share.live += 1;
}

export function removeTask(state: SchedulerState, task: Task): void {
  state.tasks.remove(task);
  state.deadlines.remove(task);
  state.gangs.remove(task);
  const queue = state.ready.mustGet(task.spec.queue);
  const line = state.ready.lineOf(task);
  const { tenant } = line;
  for (const share of [queue.share, line.share, tenant.share]) share.live -= 1;
  state.ready.forgetIfIdle(queue, line);
  state.tenants.forgetIfIdle(tenant);
  releaseAsk(state, task.askClass);
}

/** Counts a live attempt where placement rules ask for it. Before `holdCapacity`, which says what the node can take. */
export function holdPlace(state: SchedulerState, task: Task): void {
  state.neighbours.placed(task);
  state.licences.hold(task.askClass.licences);
  if (task.live && task.askClass.rules?.isExclusive) state.nodes.setExclusive(task.live.node, 1);
}
/** While the task still has its attempt, and before `releaseCapacity`. */
export function releasePlace(state: SchedulerState, task: Task): void {
  state.neighbours.ended(task);
  state.licences.release(task.askClass.licences);
  if (task.live && task.askClass.rules?.isExclusive) state.nodes.setExclusive(task.live.node, 0);
}

/** An attempt of the task is being stopped for another (1), or has ended then (-1). */
export function countStop(state: SchedulerState, { spec }: Task, sign: 1 | -1): void {
  const amounts = amountsOf(spec.ask);
  const queue = state.ready.mustGet(spec.queue);
  const tenant = state.tenants.of(spec.tenant);
  queue.share.countStop(amounts, sign);
  tenant.share.countStop(amounts, sign);
  // With less of its own, the holder may have other amounts to spare.
  if (queue.settings.guaranteed ?? tenant.settings?.guaranteed) state.ready.haveGuaranteesMoved = true;
}

/** One live task or array of this ask less. */
export function releaseAsk({ classes, ready }: SchedulerState, ask: AskClass): void {
  classes.releaseAskClass(ask);
  if (ask.users === 0) ready.blocked.delete(ask);
}
