// The whole fleet as columns for windows (CONSOLE 1.2): structure once, then one byte per node and metric, 4 times a
// second. Node `index` (0..N-1, sorted by area, line, cell, node) is the id used everywhere in a window.
import type { NodeId } from './brands.ts';

/** Names of groups and where their nodes lie: each group is a contiguous range of indexes. */
export interface GroupRange {
  readonly name: string;
  readonly first: number;
  readonly count: number;
}
export interface Topology {
  /** Grows whenever a node joins the plant or leaves it, or moves. Frames of another epoch are not for this one. */
  readonly topologyEpoch: number;
  readonly plant: string;
  readonly nodes: readonly NodeId[];
  readonly areas: readonly GroupRange[];
  /** In order; `area` of a line is the area whose range holds it. */
  readonly lines: readonly GroupRange[];
  readonly cells: readonly GroupRange[];
  /** 1: the node is simulated. One byte per node. */
  readonly simulated: Uint8Array;
}

export const metricIds = [
  'cpuUsed',
  'memoryUsed',
  'cpuAllocated',
  'memoryAllocated',
  'tasks',
  'sampleAge',
] as const;
export type MetricId = (typeof metricIds)[number];

/** How a value becomes a byte: 0..254 over min..max, linear or logarithmic; 255 is no data. */
export interface MetricDescriptor {
  readonly metric: MetricId;
  readonly unit: '%' | 'tasks' | 's';
  readonly min: number;
  readonly max: number;
  readonly curve: 'lin' | 'log';
  readonly warn: number;
  readonly crit: number;
  /** Which side is bad. */
  readonly direction: 'high' | 'low';
}
export const metrics: Readonly<Record<MetricId, MetricDescriptor>> = {
  cpuUsed: {
    metric: 'cpuUsed',
    unit: '%',
    min: 0,
    max: 100,
    curve: 'lin',
    warn: 85,
    crit: 95,
    direction: 'high',
  },
  memoryUsed: {
    metric: 'memoryUsed',
    unit: '%',
    min: 0,
    max: 100,
    curve: 'lin',
    warn: 85,
    crit: 95,
    direction: 'high',
  },
  cpuAllocated: {
    metric: 'cpuAllocated',
    unit: '%',
    min: 0,
    max: 100,
    curve: 'lin',
    warn: 101,
    crit: 102,
    direction: 'high',
  },
  memoryAllocated: {
    metric: 'memoryAllocated',
    unit: '%',
    min: 0,
    max: 100,
    curve: 'lin',
    warn: 101,
    crit: 102,
    direction: 'high',
  },
  tasks: {
    metric: 'tasks',
    unit: 'tasks',
    min: 0,
    max: 254,
    curve: 'lin',
    warn: 255,
    crit: 256,
    direction: 'high',
  },
  sampleAge: {
    metric: 'sampleAge',
    unit: 's',
    min: 0,
    max: 60,
    curve: 'lin',
    warn: 15,
    crit: 30,
    direction: 'high',
  },
};
export const noData = 255;

/** Bits of one byte per node. */
export const fleetFlag = {
  online: 1,
  stale: 2,
  cordoned: 4,
  draining: 8,
  alarmShift: 4,
  alarmMask: 0x70,
} as const;

/** Roll-up of one group for the frame's metric, in the metric's unit. All 0 where no node has data. */
export interface GroupRollup {
  /** Nodes with data: what `min` to `crit` are taken over. */
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  /** Nodes at `warn` or beyond, those at `crit` not counted. */
  readonly warn: number;
  readonly crit: number;
  /** Of all nodes of the group, with data or without. */
  readonly offline: number;
  readonly cordoned: number;
}

export interface FleetFrame {
  readonly push: 'fleet';
  readonly topologyEpoch: number;
  /** Counts frames of this connection and metric. */
  readonly sequence: number;
  readonly atMs: number;
  readonly metric: MetricId;
  /** One byte per node, by index. */
  readonly values: Uint8Array;
  readonly flags: Uint8Array;
  /** Age of the newest heartbeat of any node, in milliseconds: how fresh the newest value is. */
  readonly newestSampleAgeMs: number;
  /** Oldest among online nodes. */
  readonly oldestSampleAgeMs: number;
  /** Once a second, by line and by area in the topology's order; absent in between. */
  readonly lines?: readonly GroupRollup[];
  readonly areas?: readonly GroupRollup[];
}

/** Byte of a value under a descriptor. */
export function quantise(value: number, { min, max, curve }: MetricDescriptor): number {
  if (!Number.isFinite(value)) return noData;
  const share =
    curve === 'lin'
      ? (value - min) / (max - min)
      : Math.log(Math.max(value, min) / min) / Math.log(max / min);
  return Math.max(0, Math.min(noData - 1, Math.round(share * (noData - 1))));
}
/** Value of a byte, or undefined where it means no data. */
export function valueOf(byte: number, { min, max, curve }: MetricDescriptor): number | undefined {
  if (byte >= noData) return undefined;
  const share = byte / (noData - 1);
  return curve === 'lin' ? min + share * (max - min) : min * (max / min) ** share;
}

/** Where a trace belongs. */
export type TraceScope = 'node' | 'line' | 'queue';
/** How far a trace reaches back. */
export const traceRanges = { '1h': 3_600_000, '8h': 28_800_000, '7d': 604_800_000 } as const;
export type TraceRange = keyof typeof traceRanges;
/** Metrics kept over time, by scope. Queues have their own. */
export const queueMetricIds = ['waiting', 'active', 'oldestWaitS', 'startedPerS'] as const;
export type QueueMetric = (typeof queueMetricIds)[number];
/** Of nodes and lines. */
export const tracedMetricIds = ['cpuUsed', 'memoryUsed', 'cpuAllocated', 'tasks'] as const;
export type TracedMetric = (typeof tracedMetricIds)[number];
/** Evenly spaced points, oldest first; null where nothing was measured. `max` beside `mean` keeps peaks visible. */
export interface MetricTrace {
  readonly scope: TraceScope;
  readonly name: string;
  readonly metric: MetricId | QueueMetric;
  readonly startMs: number;
  readonly stepMs: number;
  readonly mean: readonly (number | null)[];
  readonly max: readonly (number | null)[];
}
