// A metric's value with its unit, and which metrics are shown beside which.
import { type MetricId, metrics, valueOf } from '../../scheduler/protocol/fleetFrames.ts';
import { formatCount } from '../format/quantity.ts';

/** `63 %`, `2`, `4.7 s`; a dash where there is no data. Units are not translated. */
export function metricText(metric: MetricId, value: number | undefined): string {
  if (value === undefined) return '–';
  const { unit } = metrics[metric];
  if (unit === '%') return `${Math.round(value)} %`;
  return unit === 's' ? `${value.toFixed(1)} s` : formatCount(value);
}

export const byteText = (metric: MetricId, byte: number): string =>
  metricText(metric, valueOf(byte, metrics[metric]));

/** What a reader wants to see beside a metric; a window may watch three. */
export const siblings: Readonly<Record<MetricId, readonly MetricId[]>> = {
  cpuUsed: ['cpuAllocated', 'memoryUsed'],
  memoryUsed: ['memoryAllocated', 'cpuUsed'],
  cpuAllocated: ['cpuUsed', 'tasks'],
  memoryAllocated: ['memoryUsed', 'tasks'],
  tasks: ['cpuUsed', 'cpuAllocated'],
  sampleAge: ['cpuUsed', 'tasks'],
};
