// Numbers of each edge. `hub.stats()` has their sums; at most `edgesMax` edges, so the number of series is bounded.
import type { EdgeHub, EdgeStats } from '../hub/ports.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Kind } from '../observe/metricText.ts';

export function edgeMetrics(metrics: Metrics, hub: Pick<EdgeHub, 'eachEdge'>): void {
  const each = (name: string, help: string, kind: Kind, read: (edge: EdgeStats) => number): void => {
    metrics.each({ name: `millrace_edge_${name}`, kind, help, labelNames: ['edge'] }, () =>
      hub.eachEdge().map((edge) => ({ labels: { edge: String(edge.edge) }, value: read(edge) })),
    );
  };
  each('up', '1 while this edge takes agents', 'gauge', ({ isListening }) => (isListening ? 1 : 0));
  each('agents', 'Agents of this edge', 'gauge', ({ agents }) => agents);
  each('messages_in_total', 'Messages to this edge', 'counter', ({ stats }) => stats?.messagesIn ?? 0);
  each('messages_out_total', 'Messages of this edge', 'counter', ({ stats }) => stats?.messagesOut ?? 0);
  each('bad_messages_total', 'Messages that it refused', 'counter', ({ stats }) => stats?.badMessages ?? 0);
  const refused = 'Connections that it turned away';
  each('refused_connections_total', refused, 'counter', ({ stats }) => stats?.refusedConnections ?? 0);
  const late = 'How late its timers run, 99 %';
  each('loop_delay_p99_seconds', late, 'gauge', ({ stats }) => (stats?.loopP99Ms ?? 0) / 1_000);
}
