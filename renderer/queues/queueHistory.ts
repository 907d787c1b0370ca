// What a queue's traces say: how many waited, and at which rates tasks come and go now.
import type { MetricTrace } from '../../scheduler/protocol/fleetFrames.ts';

export interface QueueHistory {
  readonly waiting: readonly (number | null)[];
  readonly inPerS: number;
  readonly outPerS: number;
}
/** Points that a rate is taken over. */
const recent = 6;

export function historyOf(waiting: MetricTrace, started: MetricTrace): QueueHistory {
  const known = (values: readonly (number | null)[]) =>
    values.slice(-recent).filter((value) => value !== null);
  const rates = known(started.mean);
  const outPerS = rates.length > 0 ? rates.reduce((sum, rate) => sum + rate, 0) / rates.length : 0;
  const counts = known(waiting.mean);
  const spanS = ((counts.length - 1) * waiting.stepMs) / 1_000;
  const grownPerS = spanS > 0 ? ((counts.at(-1) ?? 0) - (counts[0] ?? 0)) / spanS : 0;
  // What waits more than before came in beside what was started.
  return { waiting: waiting.mean, outPerS, inPerS: Math.max(0, outPerS + grownPerS) };
}
