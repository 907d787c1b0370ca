// Traces of metrics over time, on the reader's connection: one row, or all rows of a line, out of each block.
import {
  metrics,
  type MetricTrace,
  noData,
  traceRanges,
  type TracedMetric,
  valueOf,
} from '../protocol/fleetFrames.ts';
import { numberIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { levelOfRange, metricLevels, stepOf, type TraceAsk } from './metricMessages.ts';
import { blockIn, damagedBlockMessage } from './metricSeal.ts';
import { floatsOf } from './metricSums.ts';

interface Point {
  readonly atMs: number;
  readonly mean: number;
  readonly max: number;
}
interface SeatSpan {
  readonly row: number;
  readonly fromMs: number;
  readonly toMs: number;
}
/** What a block says for the asked name: nothing, where nobody of it sat there or was measured. */
type Reading = (mean: Uint8Array, max: Uint8Array, endMs: number) => Omit<Point, 'atMs'> | undefined;

/** The step under way is the last point, made of what is stored of it. */
export function traceOf(
  database: Database,
  ask: TraceAsk,
  onDamage: (message: string) => void = () => undefined,
): MetricTrace {
  const { scope, name, metric, range, nowMs } = ask;
  const level = levelOfRange[range];
  const { stepMs } = metricLevels[level] ?? metricLevels[0];
  const count = traceRanges[range] / stepMs;
  const startMs = stepOf(nowMs, stepMs) - (count - 1) * stepMs;
  const reading = scope === 'queue' ? queueReading(database, name) : nodeReading(database, ask, startMs);
  const points = reading ? pointsFrom(database, { metric, level, startMs, onDamage }, reading) : [];
  const mean: (number | null)[] = [];
  const max: (number | null)[] = [];
  let next = 0;
  for (let atMs = startMs; atMs <= nowMs; atMs += stepMs) {
    const within: Point[] = [];
    for (; (points[next]?.atMs ?? Infinity) < atMs + stepMs; next += 1) {
      const point = points[next];
      if (point) within.push(point);
    }
    mean.push(within.length === 0 ? null : hundredths(sumOf(within) / within.length));
    max.push(within.length === 0 ? null : hundredths(Math.max(...within.map((point) => point.max))));
  }
  return { scope, name, metric, startMs, stepMs, mean, max };
}

const hundredths = (value: number): number => Math.round(value * 100) / 100;
const sumOf = (points: readonly Point[]): number => points.reduce((sum, { mean }) => sum + mean, 0);

interface Wanted {
  readonly metric: string;
  readonly level: number;
  readonly startMs: number;
  readonly onDamage: (message: string) => void;
}

/** In order of time: blocks of the level, then finer ones from where it ends. */
function pointsFrom(
  database: Database,
  { metric, level, startMs, onDamage }: Wanted,
  reading: Reading,
): Point[] {
  const steps = database.prepare(
    'SELECT at_ms FROM metric_block WHERE level = ? AND metric = ? AND at_ms >= ? ORDER BY at_ms',
  );
  const block = database.prepare(
    'SELECT mean, max, crc FROM metric_block WHERE level = ? AND metric = ? AND at_ms = ?',
  );
  const points: Point[] = [];
  let fromMs = startMs;
  for (let finer = level; finer >= 0; finer -= 1) {
    const { stepMs } = metricLevels[finer] ?? metricLevels[0];
    for (const step of steps.all(finer, metric, fromMs)) {
      const atMs = numberIn(step, 'at_ms');
      fromMs = atMs + stepMs;
      // One at a time: a week of 50,000 nodes is 34 MB.
      const row = block.get(finer, metric, atMs);
      const name = { level: finer, metric, atMs };
      const stored = row && blockIn(row, name);
      if (!stored) onDamage(damagedBlockMessage(name));
      const read = stored && reading(stored.mean, stored.max, fromMs);
      if (read) points.push({ atMs, ...read });
    }
  }
  return points;
}

function nodeReading(
  database: Database,
  { scope, name, metric }: TraceAsk,
  sinceMs: number,
): Reading | undefined {
  const seats =
    scope === 'node' ? seatsOfNode(database, name, sinceMs) : seatsOfLine(database, name, sinceMs);
  if (seats.length === 0) return undefined;
  const descriptor = metrics[metric as TracedMetric];
  return (means, maxima, endMs) => {
    let sum = 0;
    let count = 0;
    let top = -1;
    for (const { row, fromMs, toMs } of seats) {
      const byte = means[row] ?? noData;
      // Who sits there at the end of a step owns its numbers.
      if (byte === noData || fromMs >= endMs || toMs < endMs) continue;
      sum += valueOf(byte, descriptor) ?? 0;
      count += 1;
      top = Math.max(top, maxima[row] ?? 0);
    }
    return count === 0 ? undefined : { mean: sum / count, max: valueOf(top, descriptor) ?? 0 };
  };
}

const seatColumns = 'SELECT row, from_ms, to_ms FROM metric_seat WHERE to_ms >= ? AND';

function seatsOfNode(database: Database, name: string, sinceMs: number): SeatSpan[] {
  return database.prepare(`${seatColumns} node_id = ?`).all(sinceMs, name).map(seatIn);
}

/** `line`, or `area/line` where several areas have a line of that name. */
function seatsOfLine(database: Database, name: string, sinceMs: number): SeatSpan[] {
  const plain = database.prepare(`${seatColumns} line = ?`).all(sinceMs, name).map(seatIn);
  const slash = name.indexOf('/');
  if (plain.length > 0 || slash < 0) return plain;
  return database
    .prepare(`${seatColumns} area = ? AND line = ?`)
    .all(sinceMs, name.slice(0, slash), name.slice(slash + 1))
    .map(seatIn);
}

const seatIn = (row: Parameters<typeof numberIn>[0]): SeatSpan => ({
  row: numberIn(row, 'row'),
  fromMs: numberIn(row, 'from_ms'),
  toMs: numberIn(row, 'to_ms'),
});

function queueReading(database: Database, name: string): Reading | undefined {
  const found = database.prepare('SELECT id FROM metric_queue WHERE name = ?').get(name);
  if (!found) return undefined;
  const id = numberIn(found, 'id');
  return (means, maxima) => {
    const mean = floatsOf(means)[id] ?? Number.NaN;
    const max = floatsOf(maxima)[id] ?? Number.NaN;
    return Number.isNaN(mean) ? undefined : { mean, max };
  };
}
