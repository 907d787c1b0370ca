// Whom room is kept for: the first tasks, in the order of their queue, that fit nowhere. With `easy` one task of a
// queue, with `conservative` the first few; all others may pass where they do not delay those (backfilling).
import type { NodeIndex } from '../../protocol/brands.ts';
import { emptyFits } from '../place/everFits.ts';
import { fitting } from '../place/offer.ts';
import type { Reservation } from '../place/reservations.ts';
import { gateOf } from '../queue/gates.ts';
import type { Lane } from '../queue/lane.ts';
import type { Round } from '../queue/keeping.ts';
import type { Queue } from '../queue/queue.ts';
import { isWaiting } from '../queue/taskOrder.ts';
import { nodeState } from '../state/nodeTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import type { Turn } from './turn.ts';

/** Tasks of one queue that have room kept for them. More made packing no better when measured. */
const keptMax = { off: 0, easy: 1, conservative: 12 } as const;
/**
 * In a queue whose order finds its first ones anew each time it is kept for fewer where that pays. Where few run as
 * long as expected, room kept for many stands empty. Where little waits, each keeps short ones from starting at once.
 */
const keptInDoubt = 1;
const keptUnlessPacking = 4;
/** A queue that says nothing keeps room as `easy` does, but only for a task that has waited this long. */
const patienceMs = 60_000;
/** Nodes compared for one reservation, and rows looked at for them: bounds a turn in a large plant. */
const candidatesMax = 32;
const looksMax = 4_096;
/** How often blocked tasks of a queue with a steady order are looked through for one to keep room for. */
const scanEveryMs = 1_000;
/** Spreads tasks over the rows where their search begins. A prime. */
const rowStep = 7_919;

/** To be called where nodes gained room, before blocked asks are looked at again. */
export function seeFreed({ freed, keeping, ready, reservations }: SchedulerState): void {
  reservations.begin(ready.nowMs);
  for (const node of freed) {
    keeping.freed.add(node);
    reservations.changed(node);
  }
}

/**
 * To be called before a turn places: drops what no longer holds, and lets those compete that should, among them those
 * whose time has come.
 */
export function beginKeeping({ state, nowMs }: Turn): void {
  const { reservations, keeping, ready } = state;
  reservations.begin(nowMs);
  const dropped = reservations.drop((kept) => !holds(state, kept));
  for (const { node } of dropped) state.freed.add(node); // for those that wait for room there
  keeping.rounds.clear();
  state.openings.clear();
  const isNews = keeping.freed.size > 0 || dropped.length > 0 || keeping.seenOrder !== state.nextOrder;
  keeping.seenOrder = state.nextOrder;
  const isScan = dropped.length > 0 || nowMs >= keeping.scanDueMs;
  if (isScan) keeping.scanDueMs = nowMs + scanEveryMs;
  if (isNews || isScan) for (const queue of ready.queues.values()) reconsider(state, queue, isScan);
  keeping.freed.clear();
  for (const { task } of reservations.due()) ready.wake(task.askClass);
}

function reconsider(state: SchedulerState, queue: Queue, isScan: boolean): void {
  if (queue.waiting === 0 || limitOf(queue) === 0) return;
  if (!queue.order.isSteady) openRound(state, queue);
  else if (isScan) keepForFirstBlocked(state, queue, state.ready.nowMs);
}

/** To be called where a task fits nowhere now, after its ask was blocked. */
export function keepRoomFor({ state, nowMs }: Turn, task: Task): void {
  const queue = state.ready.mustGet(task.spec.queue);
  if (limitOf(queue) === 0) return;
  if (isPatient(queue, task, nowMs)) keep(state, queue, task);
  const round = state.keeping.rounds.get(queue);
  if (!round) return;
  round.failures += 1;
  if (hasAll(state, queue) || round.failures >= 2 * limitOf(queue)) closeRound(state, queue, round);
}

function limitOf(queue: Queue): number {
  const limit = keptMax[queue.settings.backfill ?? 'easy'];
  if (limit <= 1 || queue.order.isSteady) return limit;
  if (!queue.isTrusted) return keptInDoubt;
  return queue.isPacking ? limit : Math.min(limit, keptUnlessPacking);
}
const isPatient = ({ settings }: Queue, task: Task, nowMs: number): boolean =>
  settings.backfill !== undefined || nowMs - task.enqueuedAtMs >= patienceMs;

/** All that the queue may have, or all that the plant may. */
function hasAll({ reservations }: SchedulerState, queue: Queue): boolean {
  if (reservations.isFull) return true;
  let count = 0;
  for (const { task } of reservations.all) if (task.spec.queue === queue.name) count += 1;
  return count >= limitOf(queue);
}

function holds(state: SchedulerState, { task, node, fromMs }: Reservation): boolean {
  const { backfill } = state.ready.mustGet(task.spec.queue).settings;
  if (backfill === 'off' || task.state !== 'ready' || gateOf(state, task)) return false;
  return isOpen(state, node) && endsBeforeWindow(state, node, { task, fromMs });
}
const isOpen = ({ nodes }: SchedulerState, node: NodeIndex): boolean =>
  nodes.state[node] === nodeState.online && nodes.cordoned[node] === 0;
/** A task that starts there then is not run into by a maintenance window. */
const endsBeforeWindow = (
  { nodes, ready }: SchedulerState,
  node: NodeIndex,
  { task, fromMs }: Pick<Reservation, 'task' | 'fromMs'>,
): boolean =>
  (nodes.closesAtMs[node] ?? Number.POSITIVE_INFINITY) >=
  Math.max(fromMs, ready.nowMs) + task.askClass.boundMs;

/** Where queues have let go of room for good, others may fit: those nodes count as freed. */
export function freeWhatWasLetGo({ freed, keeping, reservations }: SchedulerState): void {
  for (const node of keeping.letGo) if (!reservations.first(node)) freed.add(node);
  keeping.letGo.clear();
}

/** All tasks of the queue compete again, with no reservation of theirs in the way. */
function openRound(state: SchedulerState, queue: Queue): void {
  const round: Round = { woken: new Set(), nodes: new Set(state.keeping.freed), failures: 0 };
  for (const { node } of state.reservations.drop(({ task }) => task.spec.queue === queue.name)) {
    round.nodes.add(node);
    state.keeping.letGo.add(node);
  }
  for (const { askClass } of queue.lanes()) {
    if (!askClass.isBlocked || askClass.isShortOfLicence) continue; // room is not what that one waits for
    round.woken.add(askClass);
    state.ready.wake(askClass);
  }
  state.openings.add(round.nodes);
  state.keeping.rounds.set(queue, round);
}

/** The first ones have room kept for them: of the others only those go on that may fit on a node that has changed. */
function closeRound(state: SchedulerState, queue: Queue, { woken, nodes }: Round): void {
  state.keeping.rounds.delete(queue);
  for (const { node } of state.reservations.all) nodes.add(node);
  state.reservations.lookFor(undefined);
  const open = [...woken].filter((ask) => !ask.isBlocked);
  const fit = new Set(fitting(open, nodes, state));
  for (const ask of open) if (!fit.has(ask)) state.ready.block(ask);
}

/** The first of a queue's blocked tasks, by its order. O(lanes). */
function keepForFirstBlocked(state: SchedulerState, queue: Queue, nowMs: number): void {
  const { order } = queue;
  if (!order.isSteady || hasAll(state, queue)) return;
  const isWanted = (lane: Lane, task: Task): boolean =>
    lane.askClass.isBlocked &&
    !lane.askClass.isShortOfLicence && // room is not what that one waits for
    isPatient(queue, task, nowMs) &&
    !state.reservations.of(task) &&
    !gateOf(state, task);
  let best: ReturnType<Lane['standing']> | undefined;
  for (const lane of queue.lanes()) {
    const task = lane.first();
    if (!task || !isWanted(lane, task)) continue;
    const standing = lane.standing(task);
    if (!best || order.before(standing, best, nowMs)) best = standing;
  }
  if (best && isWaiting(best)) keep(state, queue, best.task);
}

function keep(state: SchedulerState, queue: Queue, task: Task): void {
  if (state.reservations.of(task) || hasAll(state, queue)) return;
  if (task.askClass.gangSize > 0) return; // it needs room on several nodes at one time
  if (task.askClass.rules) return; // they look at other tasks: when those end tells too little
  const node = soonestNode(state, task);
  if (node === undefined) return;
  const { fromMs } = state.reservations.keep(task, node);
  state.openings.keptFromMs = Math.min(state.openings.keptFromMs, fromMs);
}

/** The node that should have room first, among so many that could take the task when empty; the first on a tie. */
function soonestNode(state: SchedulerState, task: Task): NodeIndex | undefined {
  const { nodes, classes, reservations } = state;
  const usable = classes.usableFlags(task.askClass);
  let best: NodeIndex | undefined;
  let bestMs = Number.POSITIVE_INFINITY;
  let found = 0;
  const looks = Math.min(nodes.rows, looksMax);
  for (let step = 0; step < looks && found < candidatesMax; step += 1) {
    const node = ((task.taskId * rowStep + step) % nodes.rows) as NodeIndex;
    if (usable[nodes.nodeClass[node] ?? -1] !== 1 || !isOpen(state, node) || nodes.kept.has(node)) continue;
    if (!emptyFits(state, node, task.askClass)) continue;
    found += 1;
    const atMs = reservations.earliestOn(node, task) ?? Number.POSITIVE_INFINITY;
    if (!endsBeforeWindow(state, node, { task, fromMs: atMs })) continue;
    if (atMs < bestMs) [best, bestMs] = [node, atMs];
  }
  return best;
}
