// Tasks for which attempts are being stopped: they take the room once it is there, or it is given up. And what is
// recorded of the attempts.
import { type AttemptEnd, isSuccess } from '../../protocol/attempt.ts';
import { formatTaskId, type TaskId } from '../../protocol/brands.ts';
import { endNomination } from '../preempt/nominations.ts';
import type { Nomination } from '../preempt/preemption.ts';
import { gateOf } from '../queue/gates.ts';
import type { AskClass } from '../state/classTable.ts';
import { nodeState } from '../state/nodeTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { LiveAttempt, Task } from '../state/taskTable.ts';
import type { Turn } from './turn.ts';

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

/** Ends that tell nothing of the task where it was being stopped. */
const stoppedEnds: readonly AttemptEnd['reason'][] = ['exit', 'signal', 'cancelled', 'timeout'];

/** The end as it is recorded: that of an attempt which was stopped for another task says so, and no other does. */
export function recordedEnd(
  task: Task,
  { preemptedBy, isReclaimed }: LiveAttempt,
  reported: AttemptEnd,
): AttemptEnd {
  const end = reported.reason === 'preempted' ? { ...reported, reason: 'cancelled' as const } : reported;
  if (preemptedBy === undefined || isSuccess(end) || task.state === 'cancelling') return end;
  if (!stoppedEnds.includes(end.reason)) return end;
  const why = isReclaimed === true ? ', to whose queue or tenant it is guaranteed what this one held' : '';
  const message = `stopped for ${formatTaskId(preemptedBy)}${why}`;
  return { ...end, reason: 'preempted', message, stoppedFor: preemptedBy };
}
