// Preemption: a task that fits nowhere has attempts of lower priority stopped, and gets the room that they leave.
import { formatTaskId, type TaskId } from '../../protocol/brands.ts';
import { type AttemptEnd, isSuccess } from '../../protocol/attempt.ts';
import { preemptionsPerMinuteMax } from '../../protocol/limits.ts';
import type { QueueSettings, TenantSettings } from '../../protocol/queue.ts';
import { gateOf } from '../queue/gates.ts';
import type { Lane } from '../queue/lane.ts';
import type { AskClass } from '../state/classTable.ts';
import { nodeState } from '../state/nodeTable.ts';
import { endNomination, nominate } from '../state/nominations.ts';
import type { Nomination } from '../state/preemption.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { LiveAttempt, Task } from '../state/taskTable.ts';
import type { Turn } from './turn.ts';
import { victimsFor } from './victims.ts';

/** Asks tried in one turn, and tasks of one ask: each looks at tens of nodes. */
const asksPerTurnMax = 8;
const tasksPerAskMax = 16;

/** Lets every task that waits for what is being stopped take its room, or gives the room up. */
export function placeNominees(turn: Turn, start: (task: Task, node: Nomination['node']) => void): void {
  const { state } = turn;
  const { preemption, freed } = state;
  for (const nomination of [...preemption.nominations.values()]) {
    const task = state.tasks.get(nomination.taskId);
    const isOver = task?.state !== 'ready' || isGone(state, nomination);
    if (isOver) endNomination(state, nomination.taskId);
    else placeNominee(state, nomination, { task, start });
  }
  for (const node of freed) if (preemption.preemptibles.holds(node)) preemption.hasNews = true;
}

const isGone = ({ nodes }: SchedulerState, { node, nodeId }: Nomination): boolean =>
  nodes.indexOf(nodeId) !== node || nodes.state[node] === nodeState.lost;

function placeNominee(
  state: SchedulerState,
  { taskId, node, victims }: Nomination,
  { task, start }: { task: Task; start: (task: Task, node: Nomination['node']) => void },
): void {
  state.nodes.kept.delete(node);
  const hasRoom = state.reservations.lookingFor(task, () => state.placer.fits(node, task.askClass));
  const fits = hasRoom && mayStart(state, task);
  state.nodes.kept.set(node, taskId);
  if (fits) {
    endNomination(state, taskId);
    start(task, node);
    return;
  }
  const isAwaited = victims.some((token) => state.tasks.byToken(token)?.live?.token === token);
  if (!isAwaited) giveUp(state, taskId, task.askClass);
}

const mayStart = (state: SchedulerState, task: Task): boolean =>
  gateOf(state, task) === undefined && state.licences.shortOf(task.askClass.licences, 1) === undefined;

/** The room came too late, or is not what it was to be: the task waits as others do, and may have others stopped. */
function giveUp(state: SchedulerState, taskId: TaskId, ask: AskClass): void {
  endNomination(state, taskId);
  state.ready.comers.add(ask);
}

/** Room has been kept for as long as it is. */
export function nomineeTimer({ state, nowMs }: Turn, taskId: TaskId): void {
  const nomination = state.preemption.nominations.get(taskId);
  const task = state.tasks.get(taskId);
  if (nomination && task && nomination.untilMs <= nowMs) giveUp(state, taskId, task.askClass);
}

/**
 * For tasks that were found no room: those of queues that may preempt have attempts stopped. True where more are to be
 * tried at once. A plant with nothing to stop, or without such queues, pays a look.
 */
export function preemptForWaiting(turn: Turn): boolean {
  const { preemption, ready } = turn.state;
  const hasNews = preemption.takeNews();
  if (!hasNews && ready.comers.size === 0 && preemption.keptBack.size === 0) return false;
  if (preemption.preemptibles.isEmpty || !mayAnyPreempt(turn.state)) {
    ready.comers.clear();
    preemption.keptBack.clear();
    preemption.isUnderWay = false;
    return false;
  }
  if (hasNews) addBlocked(turn.state);
  if (!preemption.isUnderWay) addKeptBack(turn.state);
  preemption.isUnderWay = preemptForComers(turn);
  return preemption.isUnderWay;
}

function addBlocked({ classes, ready }: SchedulerState): void {
  for (const ask of classes.askClasses) if (ask?.isBlocked) ready.comers.add(ask);
}

function addKeptBack({ preemption, ready }: SchedulerState): void {
  for (const ask of preemption.keptBack) ready.comers.add(ask);
  preemption.keptBack.clear();
}

/** Each ask leaves the comers, or is kept back: turns that follow one another at once come to an end. */
function preemptForComers(turn: Turn): boolean {
  const { comers } = turn.state.ready;
  let tried = 0;
  for (const ask of [...comers]) {
    if (tried >= asksPerTurnMax) return true;
    if (!hasBudget(turn, 1)) return false;
    comers.delete(ask);
    if (!ask.isBlocked || ask.isShortOfLicence || ask.gangSize > 0) continue;
    if (preemptFor(turn, ask) !== 'gated') tried += 1;
  }
  return comers.size > 0;
}

const mayAnyPreempt = ({ ready }: SchedulerState): boolean =>
  [...ready.queues.values()].some(({ settings, waiting }) => settings.canPreempt === true && waiting > 0);

/** How the tries for an ask or a lane came to an end; `gated`: queue or tenant may start no more now. */
type Came = 'done' | 'noRoom' | 'full' | 'gated';

/** Of its lanes the most urgent first. What gates keep back is looked at in each turn: they open in many ways. */
function preemptFor(turn: Turn, ask: AskClass): Came {
  const { preemption, ready } = turn.state;
  const lanes = [...ready.lanesOf(ask)].sort((a, b) => b.priority - a.priority);
  const left = { tasks: tasksPerAskMax };
  let isGated = false;
  let isTried = false;
  for (const lane of lanes) {
    const came = preemptForLane(turn, lane, left);
    if (came === 'full') ready.comers.add(ask);
    if (came === 'full' || came === 'noRoom') return came; // less urgent lanes find no more
    if (came === 'gated') isGated = true;
    else isTried = true;
  }
  if (isGated) preemption.keptBack.add(ask);
  return isGated && !isTried ? 'gated' : 'done';
}

function preemptForLane(turn: Turn, lane: Lane, left: { tasks: number }): Came {
  const { ready, preemption } = turn.state;
  const first = lane.first();
  if (!first || ready.mustGet(first.spec.queue).settings.canPreempt !== true) return 'done';
  for (const task of lane.tasks()) {
    if (preemption.nominations.has(task.taskId)) continue;
    if (isKeptBack(turn.state, task)) return 'gated';
    if (left.tasks <= 0) return 'full';
    if (!makeRoom(turn, task)) return 'noRoom';
    left.tasks -= 1;
  }
  return 'done';
}

/** Where queue or tenant have bounds, room is kept for one task of theirs at a time: the bound may be the next. */
function isKeptBack(state: SchedulerState, task: Task): boolean {
  if (gateOf(state, task) !== undefined) return true;
  const { queue, tenant } = task.spec;
  if (!hasBound(state.ready.mustGet(queue).settings) && !hasBound(state.tenants.of(tenant).settings))
    return false;
  return [...state.preemption.nominations.keys()].some((taskId) => {
    const spec = state.tasks.get(taskId)?.spec;
    return spec?.queue === queue || spec?.tenant === tenant;
  });
}
const hasBound = (settings: QueueSettings | TenantSettings | undefined): boolean =>
  settings?.runningMax !== undefined || settings?.burst !== undefined;

/** False where nothing that may be stopped makes enough room, or no more may be stopped now. */
function makeRoom(turn: Turn, task: Task): boolean {
  const { state, nowMs } = turn;
  const victims = victimsFor(turn, task);
  if (!victims || victims.tasks.length > preemptionsPerMinuteMax) return false;
  if (!hasBudget(turn, victims.tasks.length)) {
    state.preemption.keptBack.add(task.askClass);
    return false;
  }
  for (const { live } of victims.tasks) {
    if (!live) continue;
    turn.emit({ kind: 'attempt_preempt_requested', token: live.token, by: task.taskId });
    turn.effect({ kind: 'stop', nodeId: live.nodeId, token: live.token });
    state.preemption.count(nowMs);
  }
  nominate(state, task, { node: victims.node, victims: victims.tasks, fromMs: nowMs });
  return true;
}

/** May so many be stopped? Where not, a timer brings the turn in which they may. */
function hasBudget({ state, nowMs }: Turn, count: number): boolean {
  const { preemption, rejoinUntilMs, timers } = state;
  if (preemption.leftOf(nowMs, rejoinUntilMs) >= count) return true;
  const dueMs = preemption.opensAtMs(count, rejoinUntilMs);
  if (dueMs < preemption.timerMs) {
    preemption.timerMs = dueMs;
    timers.add({ dueMs, kind: 'preempt', id: 0 });
  }
  return false;
}

/** Ends that tell nothing of the task where it was being stopped. */
const stoppedEnds: readonly AttemptEnd['reason'][] = ['exit', 'signal', 'cancelled', 'timeout'];

/** The end as it is recorded: that of an attempt which was stopped for another task says so, and no other does. */
export function recordedEnd(task: Task, { preemptedBy }: LiveAttempt, reported: AttemptEnd): AttemptEnd {
  const end = reported.reason === 'preempted' ? { ...reported, reason: 'cancelled' as const } : reported;
  if (preemptedBy === undefined || isSuccess(end) || task.state === 'cancelling') return end;
  if (!stoppedEnds.includes(end.reason)) return end;
  return { ...end, reason: 'preempted', message: `stopped for ${formatTaskId(preemptedBy)}` };
}
