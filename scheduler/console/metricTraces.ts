// getTrace: which metrics each scope has, and where their history comes from.
import { type MetricTrace, queueMetricIds, tracedMetricIds } from '../protocol/fleetFrames.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { ConsoleHistory, TraceQuery } from './ports.ts';

/** Refuses `bad_message` for a metric that is not kept for this scope. A name nobody knows gives an empty trace. */
export async function getTrace(
  query: TraceQuery,
  history: ConsoleHistory,
): Promise<Outcome<MetricTrace, Refusal>> {
  const kept: readonly string[] = query.scope === 'queue' ? queueMetricIds : tracedMetricIds;
  if (kept.includes(query.metric)) return accepted(await history.trace(query));
  const reason = `${query.metric} is not kept for a ${query.scope}; there are: ${kept.join(', ')}`;
  return refused(refusal('bad_message', reason, { field: 'metric' }));
}
