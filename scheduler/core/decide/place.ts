// The placing part of a turn: takes the next ready task, finds it a node, and says so. Asks that fit nowhere are set
// aside as a class and looked at again when a node gains room that they would fit in.
import { type NodeIndex, token } from '../../protocol/brands.ts';
import { placementsPerCycleMax } from '../../protocol/limits.ts';
import { fitting } from '../place/offer.ts';
import { type Policy, policies } from '../place/policy.ts';
import { changesFor } from '../state/askRules.ts';
import type { AskClass } from '../state/classTable.ts';
import { endNomination } from '../preempt/nominations.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import { avoidedBy } from './blame.ts';
import { dispatchOf } from './dispatch.ts';
import { placeGang } from './placeGang.ts';
import { placeNominees } from './nominees.ts';
import { preemptForWaiting } from './preempt.ts';
import { beginKeeping, freeWhatWasLetGo, keepRoomFor, seeFreed } from './reserve.ts';
import type { Turn } from './turn.ts';

/** Places up to `placementsPerCycleMax` tasks; true where more may be placed at once. */
export function placeReady(turn: Turn): boolean {
  const { state } = turn;
  beginKeeping(turn);
  for (let placed = 0; placed < placementsPerCycleMax;) {
    const task = state.ready.next(turn.nowMs);
    if (!task) {
      if (wakeByRules(state) || wakeByLicences(state) || wakeByGivenUp(state)) continue;
      awaitRate(state);
      return preemptForWaiting(turn);
    }
    if (!licenceGate(state, task.askClass)) continue;
    const policy = policyOf(state, task);
    state.reservations.lookFor(task);
    const gang = state.gangs.of(task);
    if (gang) {
      if (placeGang(turn, gang, policy)) placed += gang.members.length;
      else {
        setAside(state, task.askClass);
        keepRoomFor(turn, task);
      }
      continue;
    }
    const node = state.placer.place(task.askClass, { avoid: avoidedBy(state, task), policy });
    if (node === undefined) {
      setAside(state, task.askClass);
      keepRoomFor(turn, task);
      continue;
    }
    start(turn, task, node);
    placed += 1;
  }
  return true;
}

function start(turn: Turn, task: Task, node: NodeIndex): void {
  const { state } = turn;
  const next = token(state.nextToken);
  turn.emit({
    kind: 'attempt_placed',
    taskId: task.taskId,
    token: next,
    nodeId: state.nodes.idOf(node),
    gpuMask: state.placer.devicesOn(node, task.askClass, policyOf(state, task)),
  });
  state.gangRoom.taken(node);
  state.placer.remember(next, node);
  if (state.preemption.nominations.size > 0) endNomination(state, task.taskId);
  if (!task.live) return;
  for (const given of state.reservations.placed(task, task.live)) state.freed.add(given.node);
  state.watchAttempt(task.live, turn.nowMs);
  turn.effect(dispatchOf(state, task, task.live));
}

/** A task for which room was kept found some elsewhere: others may fit there. */
function wakeByGivenUp(state: SchedulerState): boolean {
  freeWhatWasLetGo(state);
  if (state.freed.size === 0) return false;
  wakeFitting(state);
  return true;
}

/** Queues that wait for their rate go on by a timer, where nothing else brings a turn. */
function awaitRate(state: SchedulerState): void {
  const dueMs = state.ready.rateOpensAtMs;
  if (dueMs >= state.rateTimerMs) return;
  state.rateTimerMs = dueMs;
  state.timers.add({ dueMs, kind: 'rate', id: 0 });
}

/** The policy of the task's queue; undefined where it names none. */
export function policyOf(state: SchedulerState, task: Task): Policy | undefined {
  const { policy } = state.ready.mustGet(task.spec.queue).settings;
  return policy === undefined ? undefined : policies[policy];
}

/** A gang needs those of all its members at once. */
const isShort = ({ licences }: SchedulerState, { licences: needs, gangSize }: AskClass): boolean =>
  needs.length > 0 && licences.shortOf(needs, Math.max(1, gangSize)) !== undefined;

/** Has the plant the licences that an attempt of this ask needs? If not, the ask is set aside until it may have. */
function licenceGate(state: SchedulerState, ask: AskClass): boolean {
  ask.isShortOfLicence = isShort(state, ask);
  if (ask.isShortOfLicence) state.ready.block(ask);
  return !ask.isShortOfLicence;
}
/** Wakes asks that were short of a licence and no longer are. True where there is one. */
function wakeByLicences(state: SchedulerState): boolean {
  const { licences } = state;
  if (state.licenceChangesSeen === licences.changes) return false;
  state.licenceChangesSeen = licences.changes;
  let isAny = false;
  for (const ask of state.ready.blocked) {
    if (!ask.isShortOfLicence || isShort(state, ask)) continue;
    state.ready.wake(ask);
    isAny = true;
  }
  return isAny;
}

function setAside(state: SchedulerState, ask: AskClass): void {
  state.ready.block(ask);
  state.ready.comers.add(ask);
  if (ask.rules) ask.rules.seenChanges = changesFor(ask.rules, state.nodes.version);
}

/**
 * Gives kept room to whom it is kept for. Then wakes the blocked asks that may fit by now: on a node that gained room
 * in this turn, or by their placement rules.
 */
export function wakeBlocked(turn: Turn): void {
  const { state } = turn;
  if (state.preemption.nominations.size > 0) seeFreed(state);
  placeNominees(turn, (task, node) => {
    start(turn, task, node);
  });
  wakeByRules(state);
  wakeByLicences(state);
  if (state.freed.size > 0) wakeFitting(state);
}

/** Gangs without rules: see `gangRoom`. */
const waitsForRoom = ({ isShortOfLicence, gangSize, rules }: AskClass): boolean =>
  !isShortOfLicence && (gangSize === 0 || rules !== undefined);

function wakeFitting(state: SchedulerState): void {
  seeFreed(state);
  const { ready, freed } = state;
  const mayFit = [...ready.blocked].filter(waitsForRoom);
  for (const ask of fitting(mayFit, freed, state)) ready.wake(ask);
  for (const ask of state.gangRoom.ripe(state.freed, state.nodes, state.placer)) state.ready.wake(ask);
  state.freed.clear();
}

/**
 * Wakes the blocked asks whose rules count something that has changed since: a task that was placed or ended on any
 * node may have made room on others. True where there is one. O(blocked asks) after such a change, else O(1).
 */
function wakeByRules(state: SchedulerState): boolean {
  const changes = state.neighbours.changes + state.nodes.version;
  if (state.classes.ruled === 0 || state.ruleChangesSeen === changes) return false;
  state.ruleChangesSeen = changes;
  let isAny = false;
  for (const ask of state.ready.blocked) {
    if (ask.isShortOfLicence || !ask.rules) continue;
    if (ask.rules.seenChanges === changesFor(ask.rules, state.nodes.version)) continue;
    state.ready.wake(ask);
    isAny = true;
  }
  return isAny;
}
