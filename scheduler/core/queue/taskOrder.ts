// Which of two tasks of one tenant in one queue goes first. An order is a value: a queue may be given another.
import { ageingStepMs } from '../../protocol/limits.ts';
import type { AskClass } from '../state/classTable.ts';
import type { RunTimes } from '../state/runTimes.ts';
import type { Task } from '../state/taskTable.ts';
import type { Openings } from './openings.ts';

/** What a task is ordered by while it stands in line. It does not change until the task leaves. */
export interface Standing {
  readonly task: Task;
  /** `enqueuedOrder` when it got in line; another order means that it has left since. */
  readonly order: number;
  /** Priority with ageing. Time raises all alike, so the rank of one against the other stays. */
  readonly rank: number;
  /** Infinite where it has none. */
  readonly deadlineMs: number;
  /** The second in which it got in line: what came in one second is a batch. */
  readonly batch: number;
  /** Its dominant share of the plant. */
  readonly bulk: number;
}

/** Does not change as time passes: heads of lanes are kept sorted. */
export interface SteadyOrder {
  readonly isSteady: true;
  /** A total order: of two tasks one goes first. */
  readonly before: (a: Standing, b: Standing, nowMs: number) => boolean;
}
/** Changes as time passes: all lanes are looked at for every placement. */
export interface ScoredOrder {
  readonly isSteady: false;
  /** How urgent a task of this bulk is now, the most urgent first; what is waiting in all decides with. O(lanes). */
  readonly scoreAsOf: (waiting: Waiting, outlook: Outlook) => (task: Task, bulk: number) => number;
}
/** What is in line of one tenant, and what the order remembers of it from turn to turn. */
export interface Waiting {
  readonly lanes: Iterable<LaneView>;
  readonly memory: OrderMemory;
}
/** Soft state. */
export interface OrderMemory {
  /** Mean backlog of late, in milliseconds of the whole plant, and when it was last reckoned; 0: never. */
  backlogMs: number;
  atMs: number;
  /** So much waits that the plant has to be packed: room is kept for more tasks, so that wide ones do get theirs. */
  isPacking: boolean;
}
/** What a scored order may know of the time, of run times, and of the plant. */
export interface Outlook {
  readonly nowMs: number;
  readonly runTimes: RunTimes;
  readonly openings: Openings;
  /** Tasks of the queue run about as long as expected. */
  readonly isTrusted: boolean;
}
/** Within a lane without deadlines tasks go as they came, whatever the order. */
export type TaskOrder = SteadyOrder | ScoredOrder;

/** What an order may know of a lane. */
export interface LaneView {
  readonly size: number;
  readonly bulk: number;
  readonly askClass: AskClass;
}

/** Tasks that got in line within this time are one batch, in which the larger go first: they leave smaller gaps. */
const batchMs = 1_000;

/**
 * By priority with ageing, then the earliest deadline, then batch by batch, in a batch the largest dominant share
 * first, then as they came. A waiting task gains a step at each whole `ageingStepMs` of the clock.
 */
export const byArrival: SteadyOrder = { before: goesFirst, isSteady: true };

function goesFirst(a: Standing, b: Standing): boolean {
  if (a.rank !== b.rank) return a.rank > b.rank;
  if (a.deadlineMs !== b.deadlineMs) return a.deadlineMs < b.deadlineMs;
  if (a.batch !== b.batch) return a.batch < b.batch;
  if (a.bulk !== b.bulk) return a.bulk > b.bulk;
  return a.order < b.order;
}

export function standingOf(task: Task, bulk: number): Standing {
  const { spec, enqueuedAtMs, enqueuedOrder } = task;
  return {
    task,
    order: enqueuedOrder,
    rank: spec.priority - Math.floor(enqueuedAtMs / ageingStepMs),
    deadlineMs: spec.deadlineMs ?? Number.POSITIVE_INFINITY,
    batch: Math.floor(enqueuedAtMs / batchMs),
    bulk,
  };
}

/** Is it the same task, in line since the same time? */
export const isWaiting = ({ task, order }: Pick<Standing, 'task' | 'order'>): boolean =>
  task.state === 'ready' && task.enqueuedOrder === order;
