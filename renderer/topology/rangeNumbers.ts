// Numbers of one range of nodes: the spread of their load, their tasks, and those that need somebody.
import { fleetFlag, metrics, noData } from '../../scheduler/protocol/fleetFrames.ts';
import { byteFrom } from '../fleet/groupStats.ts';
import type { Group } from '../fleet/plantShape.ts';
import { type ExceptionKind, kindOf } from '../heat/heatNumbers.ts';

interface Columns {
  readonly cpu: Uint8Array;
  readonly memory: Uint8Array;
  /** On a scale from 0 to 254 a byte is the number of tasks itself. */
  readonly tasks: Uint8Array;
  readonly flags: Uint8Array;
  readonly isSimulated: Uint8Array;
}
interface RangeSpread {
  readonly min?: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly max?: number;
}
interface Worst {
  readonly node: number;
  readonly kind: ExceptionKind;
  readonly byte: number;
}
const worstMax = 12;
const limits = {
  warn: byteFrom(metrics.cpuUsed, metrics.cpuUsed.warn),
  crit: byteFrom(metrics.cpuUsed, metrics.cpuUsed.crit),
};
const severity: Readonly<Record<ExceptionKind, number>> = { crit: 0, offline: 1, stale: 2, warn: 3 };

export function rangeNumbers({ first, count }: Group, columns: Columns) {
  let tasks = 0;
  let simulated = 0;
  const worst: Worst[] = [];
  for (let node = first; node < first + count; node += 1) {
    const flag = columns.flags[node] ?? 0;
    const byte = columns.cpu[node] ?? noData;
    const running = columns.tasks[node] ?? noData;
    simulated += columns.isSimulated[node] ?? 0;
    if ((flag & fleetFlag.online) !== 0 && running !== noData) tasks += running;
    const kind = columns.cpu.length > 0 ? kindOf(flag, byte, limits) : undefined;
    if (kind !== undefined) worst.push({ node, kind, byte });
  }
  worst.sort((a, b) => severity[a.kind] - severity[b.kind] || b.byte - a.byte || a.node - b.node);
  return {
    tasks,
    simulated,
    cpu: spread(columns.cpu, first, count),
    memory: spread(columns.memory, first, count),
    worst: worst.slice(0, worstMax),
  };
}

function spread(values: Uint8Array, first: number, count: number): RangeSpread {
  const sorted = values
    .slice(first, first + count)
    .filter((byte) => byte !== noData)
    .sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  if (sorted.length === 0) return {};
  return { min: sorted[0] ?? 0, p50: at(0.5), p95: at(0.95), max: at(1) };
}
