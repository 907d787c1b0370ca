// Who waits for attempts that are being stopped for it, on which node, and how many more may be stopped. Soft state:
// that an attempt is being stopped, and for whom, is journalled with the attempt, and all of this follows from it.
import type { NodeId, NodeIndex, TaskId, Token } from '../../protocol/brands.ts';
import { attemptLeaseMs, preemptionsPerMinuteMax } from '../../protocol/limits.ts';
import type { SchedulerState } from './schedulerState.ts';
import type { Task } from './taskTable.ts';
import { Preemptibles } from './preemptibles.ts';

const minuteMs = 60_000;
/** Beyond the grace of what is stopped: by then the lease of an agent that does not answer has ended too. */
const answerMs = attemptLeaseMs + 1_000;

/** The room on a node that is kept for a task until what is being stopped there has ended. */
export interface Nomination {
  readonly taskId: TaskId;
  readonly node: NodeIndex;
  readonly nodeId: NodeId;
  readonly victims: readonly Token[];
  /** Given up at this time. */
  readonly untilMs: number;
}

export class Preemption {
  readonly preemptibles = new Preemptibles();
  /** By the task that room is kept for. The node table knows the nodes. */
  readonly nominations = new Map<TaskId, Nomination>();
  /** Any blocked ask may find more to stop than before. */
  hasNews = false;
  /** When the timer for more preemptions is due; infinite where none is set. */
  timerMs = Number.POSITIVE_INFINITY;
  #openFromMs = 0;
  /** When attempts were stopped within the last minute, oldest first. */
  #times: number[] = [];

  /** Nobody knows how many were stopped before a restart: none is within a minute of it. */
  reset(nowMs: number): void {
    this.nominations.clear();
    this.timerMs = Number.POSITIVE_INFINITY;
    this.#times = [];
    this.#openFromMs = nowMs + minuteMs;
    this.hasNews = true;
  }
  /** Is there more to stop than when this was last asked? */
  takeNews(): boolean {
    const is = this.hasNews || this.preemptibles.hasNew;
    this.hasNews = false;
    this.preemptibles.hasNew = false;
    return is;
  }
  /** How many attempts may be stopped now. `rejoinUntilMs`: agents have time to come back until then. */
  leftOf(nowMs: number, rejoinUntilMs: number): number {
    if (nowMs < Math.max(this.#openFromMs, rejoinUntilMs)) return 0;
    this.#times = this.#times.filter((atMs) => atMs > nowMs - minuteMs);
    return preemptionsPerMinuteMax - this.#times.length;
  }
  /** When so many may be stopped at once; at most `preemptionsPerMinuteMax`. */
  opensAtMs(count: number, rejoinUntilMs: number): number {
    const last = this.#times[this.#times.length + count - 1 - preemptionsPerMinuteMax];
    return Math.max(this.#openFromMs, rejoinUntilMs, last === undefined ? 0 : last + minuteMs);
  }
  count(nowMs: number): void {
    this.#times.push(nowMs);
  }
}

/** Keeps the node's room for the task until these have ended; given up after the longest grace among them. */
export function nominate(
  state: SchedulerState,
  { taskId }: Pick<Task, 'taskId'>,
  { node, victims, fromMs }: { node: NodeIndex; victims: readonly Task[]; fromMs: number },
): void {
  const graceMs = victims.reduce((longest, { spec }) => Math.max(longest, spec.graceMs), 0);
  const untilMs = fromMs + graceMs + answerMs;
  const tokens = victims.flatMap(({ live }) => live?.token ?? []);
  const nodeId = state.nodes.idOf(node);
  state.preemption.nominations.set(taskId, { taskId, node, nodeId, victims: tokens, untilMs });
  state.nodes.kept.set(node, taskId);
  state.timers.add({ dueMs: untilMs, kind: 'nominee', id: taskId });
}

/** The node is open to others again. */
export function endNomination(state: SchedulerState, taskId: TaskId): void {
  const nomination = state.preemption.nominations.get(taskId);
  if (!nomination) return;
  state.preemption.nominations.delete(taskId);
  state.nodes.kept.delete(nomination.node);
  if (state.nodes.indexOf(nomination.nodeId) === nomination.node) state.freed.add(nomination.node);
}

/** After a restart: room is kept for those that had attempts stopped for them, counted from when agents are back. */
export function resumePreemption(state: SchedulerState, nowMs: number): void {
  state.preemption.reset(nowMs);
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
): { readonly nodeId: NodeId; readonly untilMs: number } | undefined {
  const nomination = preemption.nominations.get(taskId);
  return nomination && { nodeId: nomination.nodeId, untilMs: nomination.untilMs };
}
