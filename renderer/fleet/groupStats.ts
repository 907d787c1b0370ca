// What the nodes of each group add up to, for all groups at once: one pass over the bytes, then sums upwards.
import { fleetFlag, type MetricDescriptor, noData, valueOf } from '../../scheduler/protocol/fleetFrames.ts';
import { type Group, groupOf, type Level, type PlantShape } from './plantShape.ts';

export interface GroupStats {
  readonly total: number;
  readonly offline: number;
  readonly cordoned: number;
  readonly stale: number;
  readonly warn: number;
  readonly crit: number;
  /** Most urgent active alarm of any node inside, 1 to 4; 0 for none. */
  readonly alarm: number;
}
const fields = ['total', 'offline', 'cordoned', 'stale', 'warn', 'crit'] as const;
type Columns = Readonly<Record<(typeof fields)[number] | 'alarm', Uint32Array>>;
export interface PlantStats {
  readonly of: (group: Group) => GroupStats;
}

/** First byte that is `limit` or beyond on the bad side; 255 where no byte is. */
export function byteFrom(descriptor: MetricDescriptor, limit: number): number {
  for (let byte = 0; byte < noData; byte += 1)
    if ((valueOf(byte, descriptor) ?? 0) >= limit - 1e-9) return byte;
  return noData;
}

export function plantStats(
  shape: PlantShape,
  values: Uint8Array,
  flags: Uint8Array,
  descriptor: MetricDescriptor,
): PlantStats {
  const cells = columns(shape.cells.length);
  const limits = { warn: byteFrom(descriptor, descriptor.warn), crit: byteFrom(descriptor, descriptor.crit) };
  for (let index = 0; index < shape.count; index += 1) {
    const cell = shape.cellOf[index] ?? 0;
    addFlags(cells, cell, flags[index] ?? 0);
    addValue(cells, cell, values[index] ?? noData, limits);
  }
  const byLevel: Record<Level, Columns> = {
    cell: cells,
    line: raise(shape, 'line', cells),
    area: raise(shape, 'area', cells),
    plant: raise(shape, 'plant', cells),
  };
  return {
    of({ level, at }) {
      const from = byLevel[level];
      const get = (field: keyof Columns) => from[field][at] ?? 0;
      return {
        total: get('total'),
        offline: get('offline'),
        cordoned: get('cordoned'),
        stale: get('stale'),
        warn: get('warn'),
        crit: get('crit'),
        alarm: get('alarm'),
      };
    },
  };
}

function columns(length: number): Columns {
  const make = () => new Uint32Array(length);
  return {
    total: make(),
    offline: make(),
    cordoned: make(),
    stale: make(),
    warn: make(),
    crit: make(),
    alarm: make(),
  };
}
const add = (column: Uint32Array, at: number, amount: number): void => {
  column[at] = (column[at] ?? 0) + amount;
};
const mostUrgent = (a: number, b: number): number => (a === 0 ? b : b === 0 ? a : Math.min(a, b));

function addFlags(into: Columns, at: number, flag: number): void {
  add(into.total, at, 1);
  if ((flag & fleetFlag.online) === 0) add(into.offline, at, 1);
  if ((flag & fleetFlag.stale) !== 0) add(into.stale, at, 1);
  if ((flag & fleetFlag.cordoned) !== 0) add(into.cordoned, at, 1);
  into.alarm[at] = mostUrgent(into.alarm[at] ?? 0, (flag & fleetFlag.alarmMask) >> fleetFlag.alarmShift);
}
function addValue(into: Columns, at: number, byte: number, limits: { warn: number; crit: number }): void {
  if (byte === noData || byte < limits.warn) return;
  add(byte >= limits.crit ? into.crit : into.warn, at, 1);
}

function raise(shape: PlantShape, level: 'line' | 'area' | 'plant', cells: Columns): Columns {
  const length = { line: shape.lines.length, area: shape.areas.length, plant: 1 }[level];
  const into = columns(length);
  for (const cell of shape.cells) {
    const at = groupOf(shape, cell.first, level)?.at ?? 0;
    for (const field of fields) add(into[field], at, cells[field][cell.at] ?? 0);
    into.alarm[at] = mostUrgent(into.alarm[at] ?? 0, cells.alarm[cell.at] ?? 0);
  }
  return into;
}
