// What the host measures every few seconds, on its way to the history thread, and the steps in which it is kept.
import type { Ms, NodeId, QueueName } from '../protocol/brands.ts';
import type {
  MetricTrace,
  QueueMetric,
  TracedMetric,
  TraceRange,
  TraceScope,
} from '../protocol/fleetFrames.ts';

/** Who sits in a row of the sample from now on. */
export interface Seat {
  readonly row: number;
  /** Undefined: nobody. */
  readonly node?: {
    readonly nodeId: NodeId;
    readonly area: string;
    readonly line: string;
    readonly isSimulated: boolean;
  };
}
export type QueueSample = { readonly queue: QueueName } & Readonly<Record<QueueMetric, number>>;
export interface MetricSample {
  readonly atMs: Ms;
  /** One byte per row of the engine's node columns, as in a frame. */
  readonly nodes: Readonly<Record<TracedMetric, Uint8Array>>;
  /** What changed since the last sample. */
  readonly seats: readonly Seat[];
  /** First of this life of the host: rows that are not named are empty. */
  readonly isFirst: boolean;
  readonly queues: readonly QueueSample[];
}
export interface TraceAsk {
  readonly scope: TraceScope;
  readonly name: string;
  readonly metric: MetricTrace['metric'];
  readonly range: TraceRange;
  readonly nowMs: Ms;
}

const minute = 60_000;
/**
 * Finest first: each is made of the one before it. At 50,000 nodes a block holds 50 kB of means and as much of maxima,
 * so 4 metrics take 24 MB, 38 MB and 135 MB; 1,000 nodes take 4 MB in all.
 */
export const metricLevels = [
  { stepMs: minute, keepMs: 60 * minute },
  { stepMs: 5 * minute, keepMs: 8 * 60 * minute },
  { stepMs: 30 * minute, keepMs: 7 * 24 * 60 * minute },
] as const;
export const levelOfRange: Readonly<Record<TraceRange, number>> = { '1h': 0, '8h': 1, '7d': 2 };
export const stepOf = (atMs: number, stepMs: number): number => Math.floor(atMs / stepMs) * stepMs;
