// The order `slowdown`: what a task gains by going first, beside what it costs the others. Those go first that have
// waited long, the more so the shorter they are; once much is waiting, of long ones the larger: small ones fill gaps.
import { runLengthOf } from '../state/classTable.ts';
import type { Task } from '../state/taskTable.ts';
import type { LaneView, ScoredOrder } from './taskOrder.ts';

const secondMs = 1_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Slowdown is reckoned of at least this length, or the shortest tasks alone would decide. */
const shortestMs = 10 * secondMs;
/** A task that has just come counts as if it had waited so long. */
const headStartMs = 60 * secondMs;
/** With less work waiting than this the plant is not full for long, and all that counts is that the short go first. */
const lightMs = 24 * hourMs;
/** With more, the plant has to be packed: a task so short counts as much as one of the whole plant and an hour. */
const shortMs = 60 * secondMs;
/** Lengths are rounded up to half an octave: this much of it is true, on average. */
const boundShare = 0.8;
/** Nobody waits without end: past so long, or so many times what all that waits would take, tasks go as they came. */
const overdueMs = 3 * dayMs;
const overdueTimes = 8;
const overdueScore = 1e15;

export const bySlowdown: ScoredOrder = {
  isSteady: false,
  scoreAsOf: (lanes, nowMs) => {
    const backlogMs = backlogOf(lanes);
    const patienceMs = Math.max(overdueMs, overdueTimes * backlogMs);
    const worthOf = backlogMs > lightMs ? worthPacked : worthQuick;
    return (task, bulk) => {
      const waitedMs = Math.max(0, nowMs - task.enqueuedAtMs);
      if (waitedMs > patienceMs) return overdueScore + waitedMs;
      return Math.sqrt(waitedMs + headStartMs) * worthOf(runLengthOf(task.spec), bulk) * weightOf(task);
    };
  },
};

/** A wide one a little before a narrow one as long: it has fewer chances to start. */
const worthQuick = (lengthMs: number, bulk: number): number => bulk ** 0.25 / Math.max(shortestMs, lengthMs);

const worthPacked = (lengthMs: number, bulk: number): number =>
  bulk ** 1.5 * Math.sqrt(lengthMs / hourMs) + (shortMs / Math.max(shortestMs, lengthMs)) ** 2;

/** Each step of priority doubles what a task counts for. */
const weightOf = ({ spec }: Task): number => 2 ** spec.priority;

/** How long the whole plant would work on what waits. */
function backlogOf(lanes: Iterable<LaneView>): number {
  let sum = 0;
  for (const { size, bulk, askClass } of lanes) sum += size * bulk * askClass.boundMs;
  return sum * boundShare;
}
