// Nodes as an engine's own columns, and how a column becomes the bytes of a frame: no object per node on the way.
import type { NodeId } from './brands.ts';
import { metrics, type MetricId, noData, quantise } from './fleetFrames.ts';
import type { NodeSpec } from './node.ts';

/** Any typed array, to be read only. */
export interface Column {
  readonly [row: number]: number;
}

/** Values of `FleetColumns.state`. Rows with `free` belong to no node. */
export const rowState = { free: 0, online: 1, disconnected: 2, lost: 3 } as const;

/** The columns themselves, not copies: to be read within the turn in which they were asked for, and not kept. */
export interface FleetColumns {
  /** Rows in use or once used: the bound of every scan. A row is reused after its node was forgotten. */
  readonly rows: number;
  readonly ids: readonly (NodeId | undefined)[];
  readonly specs: readonly (NodeSpec | undefined)[];
  readonly state: Column;
  readonly cordoned: Column;
  readonly cpuTotal: Column;
  readonly cpuFree: Column;
  /** As measured by agents; -1 until the first heartbeat. */
  readonly cpuUsed: Column;
  readonly memoryTotal: Column;
  readonly memoryFree: Column;
  readonly memoryUsed: Column;
  readonly slotsTotal: Column;
  readonly slotsFree: Column;
  /** 0: not seen in this life of the host. */
  readonly lastSeenMs: Column;
  readonly attempts: readonly { readonly size: number }[];
}

/** Seconds after which a node's numbers are no longer believed: a heartbeat of 10 s was missed. */
export const staleAfterMs = 15_000;

type Reader = (row: number) => number;
const nothing = Number.NaN;

/** The value of a metric by row, in the metric's unit; NaN where there is none. */
export function metricReader(columns: FleetColumns, metric: MetricId, nowMs: number): Reader {
  const { cpuTotal, cpuFree, cpuUsed, memoryTotal, memoryFree, memoryUsed } = columns;
  const { state, lastSeenMs, attempts, slotsTotal, slotsFree } = columns;
  switch (metric) {
    case 'cpuUsed':
      return usedReader(state, cpuUsed, cpuTotal);
    case 'memoryUsed':
      return usedReader(state, memoryUsed, memoryTotal);
    case 'cpuAllocated':
      return allocatedReader(cpuFree, cpuTotal);
    case 'memoryAllocated':
      return allocatedReader(memoryFree, memoryTotal);
    case 'tasks':
      // Every attempt takes a slot: where at most one is taken, the set, far away in memory, need not be asked.
      return (row) => {
        const slots = (slotsTotal[row] ?? 0) - (slotsFree[row] ?? 0);
        return slots <= 1 ? slots : (attempts[row]?.size ?? 0);
      };
    case 'sampleAge':
      return (row) => {
        const seenMs = lastSeenMs[row] ?? 0;
        return seenMs === 0 ? nothing : Math.max(0, nowMs - seenMs) / 1_000;
      };
  }
}

/** What a silent node measured last says nothing about now. */
function usedReader(state: Column, used: Column, total: Column): Reader {
  return (row) => {
    const value = used[row] ?? -1;
    if (value < 0 || state[row] !== rowState.online) return nothing;
    return (value * 100) / Math.max(1, total[row] ?? 0);
  };
}

function allocatedReader(free: Column, total: Column): Reader {
  return (row) => {
    const all = total[row] ?? 0;
    return all === 0 ? 0 : ((all - (free[row] ?? 0)) * 100) / all;
  };
}

/** Byte of a value under the metric's descriptor; precomputed, since it is asked once per node. */
export function byteOf(metric: MetricId): (value: number) => number {
  const descriptor = metrics[metric];
  if (descriptor.curve === 'log') return (value) => quantise(value, descriptor);
  const { min, max } = descriptor;
  const top = noData - 1;
  const scale = top / (max - min);
  return (value) => {
    const byte = (value - min) * scale;
    if (byte >= top) return top;
    if (byte > 0) return (byte + 0.5) | 0;
    return Number.isNaN(byte) ? noData : 0;
  };
}
