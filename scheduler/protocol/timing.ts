// The times that decide when silence means loss. One place, so that tests may run a plant with shorter ones.
import { attemptLeaseMs, heartbeatMs, nodeLeaseMs, rejoinWindowMs } from './limits.ts';

export interface Timing {
  /** Between two signs of life of an agent; it is told at its join. */
  readonly heartbeatMs: number;
  /** Silence after which a node is lost. */
  readonly nodeLeaseMs: number;
  /** Silence after which an attempt's work is given elsewhere. */
  readonly attemptLeaseMs: number;
  /** After a restart of the host: how long agents have to come back. */
  readonly rejoinWindowMs: number;
  /** A longer gap between two turns means that the host itself stood still. */
  readonly stallMs: number;
  /** After a restart of the host nothing is stopped for other tasks for so long: nobody knows how much was before. */
  readonly preemptAfterMs: number;
}

export const plantTiming: Timing = {
  heartbeatMs,
  nodeLeaseMs,
  attemptLeaseMs,
  rejoinWindowMs,
  stallMs: 2_000,
  preemptAfterMs: 60_000,
};

/** All times times `scale`. For tests that must wait for losses: what they print says that they were scaled. */
export function scaledTiming(scale: number): Timing {
  const scaled = (plain: number): number => Math.max(1, Math.round(plain * scale));
  return {
    heartbeatMs: scaled(plantTiming.heartbeatMs),
    nodeLeaseMs: scaled(plantTiming.nodeLeaseMs),
    attemptLeaseMs: scaled(plantTiming.attemptLeaseMs),
    rejoinWindowMs: scaled(plantTiming.rejoinWindowMs),
    stallMs: scaled(plantTiming.stallMs),
    preemptAfterMs: scaled(plantTiming.preemptAfterMs),
  };
}
