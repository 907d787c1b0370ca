// Keeps metrics over time, on the writer's connection: samples are summed in memory for one step, stored as a block of
// bytes per metric, and blocks of finer steps become coarser ones. What is older than its level keeps is dropped.
import { queueMetricIds, tracedMetricIds } from '../protocol/fleetFrames.ts';
import { numberIn, textIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { inTransaction } from '../sqlite/open.ts';
import { BlockStore } from './metricBlocks.ts';
import { metricLevels, type MetricSample, type Seat, stepOf } from './metricMessages.ts';
import { ByteSums, FloatSums } from './metricSums.ts';

/** `to_ms` of who sits there now. */
const stillSits = Number.MAX_SAFE_INTEGER;

interface Sitting {
  readonly fromMs: number;
  readonly key: string;
}
const keyOf = ({ node }: Seat): string =>
  node === undefined ? '' : JSON.stringify([node.nodeId, node.area, node.line, node.isSimulated ? 1 : 0]);

export class MetricWriter {
  readonly #database: Database;
  readonly #blocks: BlockStore;
  readonly #seats = new Map<number, Sitting>();
  readonly #queueIds = new Map<string, number>();
  readonly #nodeSums = new Map(tracedMetricIds.map((metric) => [metric, new ByteSums()]));
  readonly #queueSums = new Map(queueMetricIds.map((metric) => [metric, new FloatSums()]));
  #stepMs: number | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#blocks = new BlockStore(database);
    const sitting = 'SELECT row, from_ms, node_id, area, line, is_simulated FROM metric_seat WHERE to_ms = ?';
    for (const row of database.prepare(sitting).all(stillSits)) {
      const of = [
        textIn(row, 'node_id'),
        textIn(row, 'area'),
        textIn(row, 'line'),
        numberIn(row, 'is_simulated'),
      ];
      this.#seats.set(numberIn(row, 'row'), { fromMs: numberIn(row, 'from_ms'), key: JSON.stringify(of) });
    }
    for (const row of database.prepare('SELECT id, name FROM metric_queue').all())
      this.#queueIds.set(textIn(row, 'name'), numberIn(row, 'id'));
  }

  /** The step under way is stored again with each sample: a trace ends at the newest, and a crash takes little. */
  add(sample: MetricSample): void {
    const stepMs = stepOf(sample.atMs, metricLevels[0].stepMs);
    inTransaction(this.#database, () => {
      if (this.#stepMs !== stepMs) this.#beginStep(stepMs);
      this.#reseat(sample);
      this.#addQueues(sample);
      for (const [metric, sums] of this.#nodeSums) {
        sums.add(sample.nodes[metric]);
        this.#blocks.put(metric, stepMs, sums.block());
      }
      for (const [metric, sums] of this.#queueSums) this.#blocks.put(metric, stepMs, sums.block());
    });
  }

  /** Who was simulated was never there. What their rows hold in old blocks is nobody's from now on. */
  forgetSimulated(): void {
    this.#database.prepare('DELETE FROM metric_seat WHERE is_simulated = 1').run();
    for (const [row, { key }] of this.#seats) if (key.endsWith(',1]')) this.#seats.delete(row);
  }

  #beginStep(stepMs: number): void {
    this.#stepMs = stepMs;
    for (const sums of this.#nodeSums.values()) sums.clear();
    for (const sums of this.#queueSums.values()) sums.clear();
    this.#blocks.coarsen(stepMs);
    this.#blocks.dropOld(stepMs);
  }

  #reseat({ seats, isFirst, atMs }: MetricSample): void {
    const close = this.#database.prepare('UPDATE metric_seat SET to_ms = ? WHERE row = ? AND from_ms = ?');
    const open = this.#database.prepare('INSERT OR REPLACE INTO metric_seat VALUES (?, ?, ?, ?, ?, ?, ?)');
    const leave = (row: number): void => {
      const sitting = this.#seats.get(row);
      if (sitting) close.run(atMs, row, sitting.fromMs);
      this.#seats.delete(row);
      for (const sums of this.#nodeSums.values()) sums.forget(row);
    };
    if (isFirst) {
      const named = new Set(seats.map(({ row }) => row));
      for (const row of [...this.#seats.keys()]) if (!named.has(row)) leave(row);
    }
    for (const seat of seats) {
      const { row, node } = seat;
      const key = keyOf(seat);
      if (this.#seats.get(row)?.key === key) continue;
      leave(row);
      if (!node) continue;
      open.run(row, atMs, stillSits, node.nodeId, node.area, node.line, node.isSimulated ? 1 : 0);
      this.#seats.set(row, { fromMs: atMs, key });
    }
  }

  #addQueues({ queues }: MetricSample): void {
    for (const queue of queues) {
      const id = this.#queueIds.get(queue.queue) ?? this.#newQueue(queue.queue);
      for (const [metric, sums] of this.#queueSums) sums.add(id, queue[metric]);
    }
  }

  #newQueue(name: string): number {
    const id = this.#queueIds.size;
    this.#database.prepare('INSERT INTO metric_queue VALUES (?, ?)').run(id, name);
    this.#queueIds.set(name, id);
    return id;
  }
}
