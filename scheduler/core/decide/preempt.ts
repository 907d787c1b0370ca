// Preemption: a task that fits nowhere has attempts stopped that are less urgent, or hold what is guaranteed to its
// queue or tenant, and gets the room that they leave.
import { preemptionsPerMinuteMax } from '../../protocol/limits.ts';
import type { QueueSettings, TenantSettings } from '../../protocol/queue.ts';
import { nominate } from '../preempt/nominations.ts';
import { gateOf } from '../queue/gates.ts';
import type { Lane } from '../queue/lane.ts';
import type { Line } from '../queue/line.ts';
import { preemptionsOf } from '../preempt/preemptible.ts';
import type { AskClass } from '../state/classTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import type { Turn } from './turn.ts';
import { victimsFor } from './victims.ts';

/** Asks tried in one turn, and tasks that room is made for: each takes a look at tens of nodes, about 0.3 ms. */
const asksPerTurnMax = 8;
const tasksPerTurnMax = 16;
/** Tasks of a lane tried in vain that were stopped for others before. */
const failuresPerLaneMax = 4;
/** An ask that has not seen all nodes is shown the next ones after this time: a whole plant costs many turns. */
const unseenEveryMs = 100;

/**
 * For tasks that were found no room: those of queues that may preempt have attempts stopped. True where more are to be
 * tried at once. A plant with nothing to stop, or without such queues, pays a look.
 */
export function preemptForWaiting(turn: Turn): boolean {
  const { preemption, ready } = turn.state;
  const news = preemption.takeNews(ready.takeGuaranteeNews());
  const isUnseenDue = preemption.unseen.size > 0 && turn.nowMs >= preemption.unseenFromMs;
  if (!news && !isUnseenDue && ready.comers.size === 0 && preemption.keptBack.size === 0) return false;
  if (preemption.preemptibles.isEmpty || !mayAnyPreempt(turn.state)) {
    ready.comers.clear();
    preemption.forgetWaiting();
    return false;
  }
  addTold(turn.state, news);
  if (isUnseenDue) moveTo(ready.comers, preemption.unseen);
  if (!preemption.isUnderWay) moveTo(ready.comers, preemption.keptBack);
  preemption.isUnderWay = preemptForComers(turn);
  // What was stopped just now may let those have something stopped that were tried before.
  return preemption.isUnderWay || ready.haveGuaranteesMoved;
}

function addTold(state: SchedulerState, news: ReturnType<Turn['state']['preemption']['takeNews']>): void {
  if (news === 'all') addBlocked(state);
  if (news === 'guarantees') addGuaranteed(state);
}

function addBlocked({ classes, ready }: SchedulerState): void {
  for (const ask of classes.askClasses) if (ask?.isBlocked) ready.comers.add(ask);
}

/** Those that may have some quota to take back. */
function addGuaranteed({ ready }: SchedulerState): void {
  for (const { settings, waiting, lines } of ready.queues.values()) {
    if (settings.canPreempt !== true || waiting === 0) continue;
    for (const line of lines.values())
      if (settings.guaranteed ?? line.tenant.settings?.guaranteed) addBlockedOf(line, ready.comers);
  }
}
function addBlockedOf({ lanes }: Line, comers: Set<AskClass>): void {
  for (const { askClass } of lanes.values()) if (askClass.isBlocked) comers.add(askClass);
}

function moveTo(comers: Set<AskClass>, from: Set<AskClass>): void {
  for (const ask of from) comers.add(ask);
  from.clear();
}

/** Each ask leaves the comers, or is kept back: turns that follow one another at once come to an end. */
function preemptForComers(turn: Turn): boolean {
  const { comers } = turn.state.ready;
  const left = { tasks: tasksPerTurnMax };
  let tried = 0;
  for (const ask of [...comers]) {
    if (tried >= asksPerTurnMax || left.tasks <= 0) return true;
    if (!hasBudget(turn, 1)) return false;
    comers.delete(ask);
    if (!ask.isBlocked || ask.isShortOfLicence || ask.gangSize > 0) continue;
    if (preemptFor(turn, ask, left) !== 'gated') tried += 1;
  }
  return comers.size > 0;
}

const mayAnyPreempt = ({ ready }: SchedulerState): boolean =>
  [...ready.queues.values()].some(({ settings, waiting }) => settings.canPreempt === true && waiting > 0);

/** How the tries for an ask or a lane came to an end; `gated`: queue or tenant may start no more now. */
type Came = 'done' | 'noRoom' | 'unseen' | 'noBudget' | 'full' | 'gated';

/** Of its lanes the most urgent first. What gates keep back is looked at in each turn: they open in many ways. */
function preemptFor(turn: Turn, ask: AskClass, left: { tasks: number }): Came {
  const { preemption, ready } = turn.state;
  const lanes = [...ready.lanesOf(ask)].sort((a, b) => b.priority - a.priority);
  let isGated = false;
  let isTried = false;
  let priorityLeast = 0;
  for (const lane of lanes) {
    if (lane.priority < priorityLeast) break; // less urgent lanes find no more
    const came = preemptForLane(turn, lane, left);
    heed(turn, ask, came);
    if (came === 'noRoom' || came === 'unseen') priorityLeast = lane.priority;
    if (came === 'full' || came === 'noBudget') return came;
    if (came === 'gated') isGated = true;
    else isTried = true;
  }
  if (isGated) preemption.keptBack.add(ask);
  return isGated && !isTried ? 'gated' : 'done';
}

/** Where the tries for a lane are to go on: at once, or in a moment. */
function heed(turn: Turn, ask: AskClass, came: Came): void {
  if (came === 'full') turn.state.ready.comers.add(ask);
  if (came === 'unseen') awaitUnseen(turn, ask);
}

function awaitUnseen(turn: Turn, ask: AskClass): void {
  const { preemption } = turn.state;
  if (preemption.unseen.size === 0) preemption.unseenFromMs = turn.nowMs + unseenEveryMs;
  preemption.unseen.add(ask);
  awaitTurn(turn, preemption.unseenFromMs);
}

function preemptForLane(turn: Turn, lane: Lane, left: { tasks: number }): Came {
  const { ready, preemption } = turn.state;
  const first = lane.first();
  if (!first || ready.mustGet(first.spec.queue).settings.canPreempt !== true) return 'done';
  let failures = 0;
  for (const task of lane.tasks()) {
    if (preemption.nominations.has(task.taskId)) continue;
    if (isKeptBack(turn.state, task)) return 'gated';
    if (left.tasks <= 0) return 'full';
    const made = makeRoom(turn, task, lane);
    if (made === 'done') left.tasks -= 1;
    else if (made !== 'noRoom') return made;
    // The others of the lane find no more, but for what this one may not have stopped in turn.
    else if (preemptionsOf(task) === 0 || (failures += 1) >= failuresPerLaneMax) return 'noRoom';
  }
  return failures > 0 ? 'noRoom' : 'done';
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

/** Has attempts stopped so that the task fits. */
function makeRoom(turn: Turn, task: Task, lane: Lane): Came {
  const { state, nowMs } = turn;
  const victims = victimsFor(turn, task, lane);
  if (victims === 'nothing') return 'noRoom';
  if (victims === 'unseen') return 'unseen';
  const { node, tasks, takenBack } = victims;
  if (tasks.length > preemptionsPerMinuteMax) return 'noRoom';
  if (!hasBudget(turn, tasks.length)) {
    state.preemption.keptBack.add(task.askClass);
    return 'noBudget';
  }
  for (const victim of tasks) {
    if (!victim.live) continue;
    const { token, nodeId } = victim.live;
    const isReclaim = takenBack.has(victim) ? { isReclaim: true as const } : undefined;
    turn.emit({ kind: 'attempt_preempt_requested', token, by: task.taskId, ...isReclaim });
    turn.effect({ kind: 'stop', nodeId, token });
    state.preemption.count(nowMs);
  }
  nominate(state, task, { node, victims: tasks, fromMs: nowMs });
  return 'done';
}

/** May so many be stopped? Where not, a timer brings the turn in which they may. */
function hasBudget(turn: Turn, count: number): boolean {
  const { preemption, rejoinUntilMs } = turn.state;
  if (preemption.leftOf(turn.nowMs, rejoinUntilMs) >= count) return true;
  awaitTurn(turn, preemption.opensAtMs(count, rejoinUntilMs));
  return false;
}

function awaitTurn({ state: { preemption, timers } }: Turn, dueMs: number): void {
  if (dueMs >= preemption.timerMs) return;
  preemption.timerMs = dueMs;
  timers.add({ dueMs, kind: 'preempt', id: 0 });
}
