// What bounds on history mean: how many days they hold at the present rate, and what would go at once.
import type { Retention, StorageState } from '../../scheduler/protocol/storage.ts';

const dayMs = 86_400_000;
/** A shorter past says nothing of the days to come. */
const spanLeastMs = 3_600_000;

/** How far back history reaches, in days; undefined while that is too little to reckon with. */
function spanDays({ oldestEndedAtMs }: StorageState['history'], nowMs: number): number | undefined {
  if (oldestEndedAtMs === undefined || nowMs - oldestEndedAtMs < spanLeastMs) return undefined;
  return (nowMs - oldestEndedAtMs) / dayMs;
}

/** Days that each bound holds, were the future as the past; absent where it cannot be said. */
export function daysKept(
  bounds: Retention,
  history: StorageState['history'],
  nowMs: number,
): Readonly<Partial<Record<keyof Retention, number>>> {
  const span = spanDays(history, nowMs);
  if (span === undefined) return {};
  const days = (bound: number | undefined, used: number) =>
    bound === undefined || used === 0 ? undefined : (bound / used) * span;
  const all = {
    tasksMax: days(bounds.tasksMax, history.tasks),
    historyBytesMax: days(bounds.historyBytesMax, history.bytes),
    logBytesMax: days(bounds.logBytesMax, history.logBytes),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

export interface Loss {
  readonly tasks: number;
  readonly logBytes: number;
}

/** What the bounds would let go of what is there. By age it assumes that tasks ended evenly. */
export function lossUnder(bounds: Retention, history: StorageState['history'], nowMs: number): Loss {
  const beyond = (bound: number | undefined, used: number) =>
    bound === undefined || used <= bound ? 0 : 1 - bound / used;
  const share = Math.max(
    beyond(bounds.tasksMax, history.tasks),
    beyond(bounds.daysMax, spanDays(history, nowMs) ?? 0),
    beyond(bounds.historyBytesMax, history.bytes),
  );
  return {
    tasks: Math.ceil(history.tasks * share),
    logBytes: Math.max(0, history.logBytes - bounds.logBytesMax),
  };
}
