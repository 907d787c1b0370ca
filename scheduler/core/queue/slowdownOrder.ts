// The order `slowdown`: what a task gains by going first, beside what it costs to make it wait. Tasks that have waited
// long go first, the more so the shorter they are; of long ones the larger, since small ones fill the gaps they leave.
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
/** A task of this length gains as much by its shortness as one of the whole plant and an hour does by its size. */
const shortMs = 60 * secondMs;
/** While less than this is waiting, shortness counts for so much more: the plant is full anyhow only after that. */
const lightMs = 22 * hourMs;
const lightShortMs = 28 * hourMs;
const lightSteep = 16;
/**
 * Nobody waits without end: past so long, or past so many times what all that waits would take, tasks go as they came.
 */
const overdueMs = 3 * dayMs;
const overdueTimes = 8;
const overdueScore = 1e15;

export const bySlowdown: ScoredOrder = {
  isSteady: false,
  scoreAsOf: (lanes, nowMs) => {
    const backlogMs = backlogOf(lanes);
    const patienceMs = Math.max(overdueMs, overdueTimes * backlogMs);
    const lightness = lightShortMs / (1 + (backlogMs / lightMs) ** lightSteep);
    return (task, bulk) => {
      const waitedMs = Math.max(0, nowMs - task.enqueuedAtMs);
      if (waitedMs > patienceMs) return overdueScore + waitedMs;
      const lengthMs = runLengthOf(task.spec);
      const countedMs = Math.max(shortestMs, lengthMs);
      const worth = bulk * Math.sqrt(lengthMs / hourMs) + (shortMs / countedMs) ** 2 + lightness / countedMs;
      return Math.sqrt(waitedMs + headStartMs) * worth * weightOf(task);
    };
  },
};

/** Each step of priority doubles what a task counts for. */
const weightOf = ({ spec }: Task): number => 2 ** spec.priority;

/** How long the whole plant would work on what waits. */
function backlogOf(lanes: Iterable<LaneView>): number {
  let sum = 0;
  for (const { size, bulk, askClass } of lanes) sum += size * bulk * askClass.boundMs;
  return sum;
}
