// Gauges of each queue, bounded in number.
import type { Engine } from '../engine/engine.ts';
import type { Metrics } from '../observe/metrics.ts';
import { QueueSeries, queueSeriesMax } from '../observe/queueSeries.ts';
import type { QueueRow } from '../protocol/view.ts';

interface Queues {
  readonly engine: Pick<Engine, 'view'>;
  readonly clock: () => number;
}

export function queueMetrics(metrics: Metrics, { engine, clock }: Queues): void {
  const series = new QueueSeries();
  const rows = (): readonly QueueRow[] => engine.view.queues();
  const others = `; the ${String(queueSeriesMax)} first queues by name, all others as one`;
  const gauge = (name: string, help: string, valueOf: (row: QueueRow) => number): void => {
    const declared = { name: `millrace_queue_${name}`, kind: 'gauge' as const, labelNames: ['queue'] };
    metrics.each({ ...declared, help: `${help}${others}` }, () => series.sum(rows(), valueOf));
  };
  gauge('ready_tasks', 'Tasks in line', ({ ready }) => ready);
  gauge('backlog_tasks', 'Tasks behind the line', ({ backlog }) => backlog);
  gauge('blocked_tasks', 'Tasks that no node fits now', ({ blocked }) => blocked);
  gauge('backoff_tasks', 'Tasks that wait to be tried again', ({ backoff }) => backoff);
  gauge('active_tasks', 'Tasks on nodes', ({ active }) => active);
  gauge('missed_deadlines', 'Live tasks past their deadline', ({ missed }) => missed ?? 0);
  gauge('allocated_millicores', 'CPU that its tasks hold', ({ allocated }) => allocated.cpu);
  const oldest = {
    name: 'millrace_queue_oldest_wait_seconds',
    kind: 'gauge' as const,
    help: `Age of the oldest waiting task${others}, the longest of them`,
    labelNames: ['queue'],
  };
  metrics.each(oldest, () => series.largest(rows(), (row) => ageS(row, clock())));
}

const ageS = ({ oldestSubmittedAtMs }: QueueRow, nowMs: number): number =>
  oldestSubmittedAtMs === undefined ? 0 : Math.max(0, nowMs - oldestSubmittedAtMs) / 1_000;
