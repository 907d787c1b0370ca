// Copies of stragglers: a task that declares itself safe to repeat gets a second attempt elsewhere where its first runs
// much longer than its like, and room is free that nobody waits for. The first to succeed counts.
import { token as tokenOf, type NodeIndex, type Token } from '../../protocol/brands.ts';
import { copiesMax } from '../../protocol/limits.ts';
import { emptyFits } from '../place/everFits.ts';
import { gateOf } from '../queue/gates.ts';
import { likeOf } from '../state/likes.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { LiveAttempt, Task } from '../state/taskTable.ts';
import { avoidedBy } from './blame.ts';
import { dispatchOf } from './dispatch.ts';
import { policyOf } from './place.ts';
import type { Turn } from './turn.ts';

/** A straggler runs this many times as long as half of its like, and so much longer at least. */
const timesLonger = 2;
const longerMs = 10_000;
/** When to look again: no like has ended yet, or there is no room. */
const lookAgainMs = 10_000;
/** Copies placed in one turn: they must not hold up what really waits. */
const copiesPerTurnMax = 64;

/** An attempt of the task has begun. */
export function watchForStraggling({ state, nowMs }: Turn, task: Task): void {
  const { live } = task;
  if (!live || !mayBeCopied(task)) return;
  const dueMs = Math.max(stragglesAtMs(state, task, live) ?? 0, nowMs + lookAgainMs);
  state.timers.add({ dueMs, kind: 'straggler', id: live.token });
}

/** It runs longer than its like, or they have become slower and it has more time, or it has ended. */
export function stragglerTimer({ state, nowMs }: Turn, token: Token): void {
  const task = state.tasks.byToken(token);
  const live = task?.live;
  if (live?.token !== token || !mayBeCopied(task)) return;
  const atMs = stragglesAtMs(state, task, live);
  if (atMs !== undefined && atMs <= nowMs) state.stragglers.add(token);
  else state.timers.add({ dueMs: atMs ?? nowMs + lookAgainMs, kind: 'straggler', id: token });
}

function mayBeCopied(task: Task | undefined): task is Task {
  if (task?.spec.isRepeatable !== true || task.copy || task.state === 'cancelling') return false;
  // What placement rules and licences count is one attempt of each task.
  if (task.askClass.rules || task.spec.licences || task.group?.kind === 'gang') return false;
  if (task.live?.preemptedBy !== undefined) return false;
  return task.spec.delivery === 'at_least_once';
}

/** Undefined where nobody knows how long it should run. */
function stragglesAtMs({ blame }: SchedulerState, { spec }: Task, live: LiveAttempt): number | undefined {
  const usualMs = blame.likes.medianMs(likeOf(spec)) ?? spec.expectedMs;
  if (usualMs === undefined || live.startedAtMs === undefined) return undefined;
  return live.startedAtMs + Math.max(timesLonger * usualMs, usualMs + longerMs);
}

/** Once nothing that could be placed waits: stragglers get a copy where there is room left. */
export function placeCopies(turn: Turn): void {
  const { stragglers, tasks, timers } = turn.state;
  let looked = 0;
  for (const token of stragglers) {
    if ((looked += 1) > copiesPerTurnMax) return;
    stragglers.delete(token);
    const task = tasks.byToken(token);
    if (task?.live?.token !== token || !mayBeCopied(task)) continue;
    if (!placeCopy(turn, task, task.live))
      timers.add({ dueMs: turn.nowMs + lookAgainMs, kind: 'straggler', id: token });
  }
}

function placeCopy(turn: Turn, task: Task, first: LiveAttempt): boolean {
  const { state } = turn;
  if (!hasLeave(state, task)) return false;
  const avoid = new Set(avoidedBy(state, task)).add(first.node);
  const policy = policyOf(state, task);
  const node = state.placer.place(task.askClass, { avoid, isStrict: true, policy });
  if (node === undefined || isWaitedFor(state, node)) return false;
  const token = tokenOf(state.nextToken);
  turn.emit({
    kind: 'attempt_placed',
    taskId: task.taskId,
    token,
    nodeId: state.nodes.idOf(node),
    gpuMask: state.placer.devicesOn(node, task.askClass, policy),
    isCopy: true,
  });
  // It goes where nobody waits: no room is kept there, and no gang counts on it.
  state.gangRoom.taken(node);
  state.reservations.changed(node);
  state.placer.remember(token, node);
  if (!task.copy) return false;
  state.timers.add({ dueMs: task.copy.leaseUntilMs, kind: 'attempt', id: token });
  turn.effect(dispatchOf(turn, task, task.copy));
  return true;
}

/** Its queue and its tenant may have one more attempt. */
const hasLeave = (state: SchedulerState, task: Task): boolean =>
  state.tasks.copies < copiesMax && gateOf(state, task) === undefined;

/** Does a task that fits nowhere now wait for a node such as this to become free? */
const isWaitedFor = (state: SchedulerState, node: NodeIndex): boolean =>
  state.classes.askClasses.some((ask) => ask?.isBlocked === true && emptyFits(state, node, ask));
