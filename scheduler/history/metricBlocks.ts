// Blocks of metrics in SQLite: put, made coarser, dropped when their level keeps them no longer.
import {
  type QueueMetric,
  queueMetricIds,
  type TracedMetric,
  tracedMetricIds,
} from '../protocol/fleetFrames.ts';
import { numberIn } from '../sqlite/columns.ts';
import type { Database, Statement } from '../sqlite/driver.ts';
import { blockIn, sealOfBlock } from './metricSeal.ts';
import { metricLevels, stepOf } from './metricMessages.ts';
import { type Block, ByteSums, floatsOf, FloatSums } from './metricSums.ts';

type Metric = TracedMetric | QueueMetric;
const everyMetric: readonly Metric[] = [...tracedMetricIds, ...queueMetricIds];
const isQueueMetric = (metric: Metric): boolean => (queueMetricIds as readonly string[]).includes(metric);
/** Who left longer ago than the coarsest level reaches is in no trace. */
const seatsKeptMs = metricLevels[2].keepMs;

export class BlockStore {
  readonly #put: Statement;
  readonly #read: Statement;
  readonly #drop: Statement;
  readonly #dropSeats: Statement;
  /** Step of the newest block of each level. */
  readonly #newestMs: (number | undefined)[];

  constructor(database: Database) {
    this.#put = database.prepare('INSERT OR REPLACE INTO metric_block VALUES (?, ?, ?, ?, ?, ?)');
    this.#read = database.prepare(
      'SELECT at_ms, mean, max, crc FROM metric_block WHERE level = ? AND metric = ? AND at_ms >= ? AND at_ms < ?',
    );
    this.#drop = database.prepare('DELETE FROM metric_block WHERE level = ? AND at_ms < ?');
    this.#dropSeats = database.prepare('DELETE FROM metric_seat WHERE to_ms < ?');
    const newest = database.prepare('SELECT max(at_ms) AS at_ms FROM metric_block WHERE level = ?');
    this.#newestMs = metricLevels.map((_, level) => {
      const row = newest.get(level);
      return row?.['at_ms'] === null || row === undefined ? undefined : numberIn(row, 'at_ms');
    });
  }

  put(metric: Metric, atMs: number, { mean, max }: Block): void {
    this.#putAt(0, metric, atMs, { mean, max });
  }

  /** A new step of the finest level begins at `atMs`: makes the coarser blocks of the steps that ended before it. */
  coarsen(atMs: number): void {
    let fineMs = atMs;
    for (let level = 1; level < metricLevels.length; level += 1) {
      const { stepMs } = metricLevels[level] ?? metricLevels[0];
      const beforeMs = this.#newestMs[level - 1];
      this.#newestMs[level - 1] = fineMs;
      if (beforeMs === undefined || stepOf(beforeMs, stepMs) === stepOf(fineMs, stepMs)) return;
      fineMs = stepOf(beforeMs, stepMs);
      for (const metric of everyMetric) this.#merge(level, metric, fineMs);
    }
    this.#newestMs[metricLevels.length - 1] = fineMs;
  }

  dropOld(nowMs: number): void {
    for (const [level, { stepMs, keepMs }] of metricLevels.entries())
      this.#drop.run(level, nowMs - keepMs - stepMs);
    this.#dropSeats.run(nowMs - seatsKeptMs);
  }

  #merge(level: number, metric: Metric, atMs: number): void {
    const { stepMs } = metricLevels[level] ?? metricLevels[0];
    // A damaged block is left out, as it is in traces, which name it.
    const finer = this.#read
      .all(level - 1, metric, atMs, atMs + stepMs)
      .flatMap((row) => blockIn(row, { level: level - 1, metric, atMs: numberIn(row, 'at_ms') }) ?? []);
    if (finer.length === 0) return;
    const sum = isQueueMetric(metric) ? sumFloats : sumBytes;
    const mean = sum(finer.map((block) => block.mean)).mean;
    const max = sum(finer.map((block) => block.max)).max;
    this.#putAt(level, metric, atMs, { mean, max });
  }

  #putAt(level: number, metric: Metric, atMs: number, { mean, max }: Block): void {
    this.#put.run(level, metric, atMs, mean, max, sealOfBlock({ level, metric, atMs }, { mean, max }));
  }
}

function sumBytes(blocks: readonly Uint8Array[]): Block {
  const sums = new ByteSums();
  for (const block of blocks) sums.add(block);
  return sums.block();
}

function sumFloats(blocks: readonly Uint8Array[]): Block {
  const sums = new FloatSums();
  for (const block of blocks) for (const [row, value] of floatsOf(block).entries()) sums.add(row, value);
  return sums.block();
}
