// Every metric there is, for the table of docs/OBSERVABILITY.md: run by itself it prints it.
import { hostMetrics } from '../../../scheduler/host/hostMetrics.ts';
import { spanMetrics } from '../../../scheduler/host/spanMetrics.ts';
import { taskMetrics } from '../../../scheduler/host/taskMetrics.ts';
import { Metrics } from '../../../scheduler/observe/metrics.ts';
import { ProcessWatch } from '../../../scheduler/observe/processMetrics.ts';

export function declaredMetrics(watched: Parameters<typeof hostMetrics>[1]) {
  const metrics = new Metrics();
  new ProcessWatch(metrics).close();
  taskMetrics(metrics);
  spanMetrics(metrics, { counts: { sent: 0, dropped: 0, waiting: 0 } });
  hostMetrics(metrics, watched);
  return metrics.declared();
}

if (import.meta.main) {
  const rows = declaredMetrics({} as never).map(
    ({ name, kind, labelNames, help }) =>
      `| \`${name}\` | ${kind} | ${labelNames.join(', ') || '-'} | ${help} |`,
  );
  process.stdout.write(`| name | kind | labels | what |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`);
}
