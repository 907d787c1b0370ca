// How sending traces goes. There only where they are made.
import type { Metrics } from '../observe/metrics.ts';
import type { Tracing } from '../tracing/tracing.ts';

export function spanMetrics(metrics: Metrics, tracing: Pick<Tracing, 'counts'>): void {
  const counter = (name: string, help: string, read: () => number): void => {
    metrics.gauge(`millrace_spans_${name}_total`, help, read, 'counter');
  };
  counter('sent', 'Spans that the receiver took', () => tracing.counts.sent);
  counter('dropped', 'Spans that did not fit or were not taken', () => tracing.counts.dropped);
  metrics.gauge('millrace_spans_waiting', 'Spans not yet sent', () => tracing.counts.waiting);
}
