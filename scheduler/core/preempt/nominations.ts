// Keeping the room on a node for a task until what is being stopped there has ended, and giving it up.
import type { NodeIndex, TaskId } from '../../protocol/brands.ts';
import { attemptLeaseMs } from '../../protocol/limits.ts';
import type { Nomination } from './preemption.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';

/** Beyond the grace of what is stopped: by then the lease of an agent that does not answer has ended too. */
const answerMs = attemptLeaseMs + 1_000;

/** Keeps the node's room for the task until these have ended; given up after the longest grace among them. */
export function nominate(
  state: SchedulerState,
  { taskId }: Pick<Task, 'taskId'>,
  { node, victims, fromMs }: { node: NodeIndex; victims: readonly Task[]; fromMs: number },
): void {
  const graceMs = victims.reduce((longest, { spec }) => Math.max(longest, spec.graceMs), 0);
  const graceUntilMs = fromMs + graceMs;
  const untilMs = graceUntilMs + answerMs;
  const tokens = victims.flatMap(({ live }) => live?.token ?? []);
  const nodeId = state.nodes.idOf(node);
  const nomination = { taskId, node, nodeId, victims: tokens, graceUntilMs, untilMs };
  state.preemption.nominations.set(taskId, nomination);
  state.nodes.kept.set(node, taskId);
  state.timers.add({ dueMs: untilMs, kind: 'nominee', id: taskId });
}

/** The node is open to others again. */
export function endNomination(state: SchedulerState, taskId: TaskId): void {
  const nomination = state.preemption.nominations.get(taskId);
  if (!nomination) return;
  state.preemption.nominations.delete(taskId);
  state.nodes.kept.delete(nomination.node);
  state.ready.haveGuaranteesMoved = true; // others may start within the same guarantee
  if (state.nodes.indexOf(nomination.nodeId) === nomination.node) state.freed.add(nomination.node);
}

/** After a restart: room is kept for those that had attempts stopped for them, counted from when agents are back. */
export function resumePreemption(state: SchedulerState, nowMs: number): void {
  state.preemption.reset(nowMs + state.timing.preemptAfterMs);
  state.nodes.kept.clear();
  const stopped = new Map<TaskId, Task[]>();
  for (const task of state.tasks.placed()) {
    const by = task.live?.preemptedBy;
    if (by !== undefined) stopped.set(by, [...(stopped.get(by) ?? []), task]);
  }
  for (const [by, victims] of [...stopped].sort(([a], [b]) => a - b)) {
    const node = victims[0]?.live?.node;
    if (node === undefined || state.tasks.get(by)?.state !== 'ready' || state.nodes.kept.has(node)) continue;
    nominate(state, { taskId: by }, { node, victims, fromMs: state.rejoinUntilMs });
  }
}

/** Where a task waits for attempts that are being stopped for it, and until when at the longest; ms since 1970. */
export function preemptionOf(
  { preemption }: SchedulerState,
  { taskId }: Pick<Task, 'taskId'>,
): Nomination | undefined {
  return preemption.nominations.get(taskId);
}
