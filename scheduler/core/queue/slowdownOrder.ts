// The order `slowdown`: what a task gains by going first, beside what it costs the others. Those go first that have
// waited long, the more so the shorter they are; once much is waiting, of long ones the larger: small ones fill gaps.
import type { Task } from '../state/taskTable.ts';
import type { LaneView, OrderMemory, Outlook, ScoredOrder } from './taskOrder.ts';

const secondMs = 1_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Slowdown is reckoned of at least this length, or the shortest tasks alone would decide. */
const shortestMs = 10 * secondMs;
/** A task that has just come counts as if it had waited so long. */
const headStartMs = 60 * secondMs;
/**
 * With less work waiting than this, over the last days, the plant is not full for long, and all that counts is that the
 * short go first. A burst does not change that: packing pays where there is always more than there is room for.
 */
const lightMs = dayMs;
const recentMs = 3 * dayMs;
/**
 * With more, the plant has to be packed: a task so short counts as much as one of the whole plant and an hour. A short
 * one costs next to nothing and is let through at once, as far as it can be told from others.
 */
const shortMs = 60 * secondMs;
/** Where it cannot, since few are as long as expected, all that may be short count for more. */
const doubtfulMs = hourMs;
/** Exactly filling what is free counts so much: what would be left beside another is often too small for anyone. */
const fillWorth = 3;
/** So does ending shortly before what is kept for others begins: past so large a part of the time until then. */
const lastingWorth = 2;
const lastingPart = 0.7;
/** Lengths are rounded up to half an octave: this much of it is true, on average. */
const boundShare = 0.8;
/** Nobody waits without end: past so long, or so many times what all that waits would take, tasks go as they came. */
const overdueMs = 3 * dayMs;
const overdueTimes = 8;
const overdueScore = 1e15;

export const bySlowdown: ScoredOrder = {
  isSteady: false,
  scoreAsOf: ({ lanes, memory }, outlook) => {
    const { nowMs, runTimes } = outlook;
    const backlogMs = backlogOf(lanes);
    const patienceMs = Math.max(overdueMs, overdueTimes * backlogMs);
    memory.isPacking = recentOf(memory, backlogMs, nowMs) > lightMs;
    const worthOf = memory.isPacking ? packedBy(outlook) : quick;
    return (task, bulk) => {
      const waitedMs = Math.max(0, nowMs - task.enqueuedAtMs);
      if (waitedMs > patienceMs) return overdueScore + waitedMs;
      const lengthMs = Math.max(shortestMs, runTimes.lengthOf(task.spec));
      return Math.sqrt(waitedMs + headStartMs) * worthOf(task, { lengthMs, bulk }) * weightOf(task);
    };
  },
};

interface Size {
  readonly lengthMs: number;
  /** Its dominant share of the plant. */
  readonly bulk: number;
}
type Worth = (task: Task, size: Size) => number;

/** A wide one a little before a narrow one as long: it has fewer chances to start. */
const quick: Worth = (_task, { lengthMs, bulk }) => bulk ** 0.25 / lengthMs;

function packedBy({ isTrusted, openings, nowMs }: Outlook): Worth {
  const shortWorth = isTrusted
    ? (lengthMs: number): number => (shortMs / lengthMs) ** 2
    : (lengthMs: number): number => doubtfulMs / lengthMs;
  const untilKeptMs = openings.keptFromMs - nowMs;
  return ({ spec }, { lengthMs, bulk }) => {
    let worth = bulk ** 1.5 * (lengthMs / hourMs) ** 0.75 + shortWorth(lengthMs);
    if (openings.areFilledBy(spec.ask)) worth *= fillWorth;
    if (lengthMs <= untilKeptMs && lengthMs > lastingPart * untilKeptMs) worth *= lastingWorth;
    return worth;
  };
}

/** Mean of the backlog, the newest counting most. After a restart it begins with what is there. */
function recentOf(memory: OrderMemory, backlogMs: number, nowMs: number): number {
  const weight = memory.atMs === 0 ? 0 : Math.exp((memory.atMs - nowMs) / recentMs);
  memory.backlogMs = weight * memory.backlogMs + (1 - weight) * backlogMs;
  memory.atMs = nowMs;
  return memory.backlogMs;
}

/** Each step of priority doubles what a task counts for. */
const weightOf = ({ spec }: Task): number => 2 ** spec.priority;

/** How long the whole plant would work on what waits. */
function backlogOf(lanes: Iterable<LaneView>): number {
  let sum = 0;
  for (const { size, bulk, askClass } of lanes) sum += size * bulk * askClass.boundMs;
  return sum * boundShare;
}
