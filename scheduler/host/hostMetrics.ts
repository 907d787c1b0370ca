// The host's numbers in Prometheus text, read from the parts that count them. Served at /metrics.
import type { Engine } from '../engine/engine.ts';
import type { History } from '../history/store.ts';
import type { EdgeHub } from '../hub/ports.ts';
import type { JournalPort } from '../journal/port.ts';
import type { Alarms } from '../observe/alarms.ts';
import type { Metrics } from '../observe/metrics.ts';
import { edgeMetrics } from './edgeMetrics.ts';
import type { OverloadWatch } from './overloadWatch.ts';
import { queueMetrics } from './queueMetrics.ts';

interface Measured {
  readonly engine: Engine;
  readonly hub: EdgeHub;
  readonly journal: JournalPort;
  readonly history: History;
  readonly watch: Pick<OverloadWatch, 'overload' | 'meters' | 'logGate'>;
  readonly alarms: Alarms;
  readonly clock: () => number;
  readonly version: string;
}

const taskStates = ['ready', 'backlog', 'blocked', 'held', 'backoff', 'dispatched', 'running'] as const;

/** Declares them; reading costs O(nodes + queues). */
export function hostMetrics(metrics: Metrics, measured: Measured): void {
  const { engine, journal, history, alarms, version } = measured;
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge(`millrace_${name}`, help, read);
  };
  const counter = (name: string, help: string, read: () => number): void => {
    metrics.gauge(`millrace_${name}_total`, help, read, 'counter');
  };
  metrics.each(
    { name: 'millrace_build_info', kind: 'gauge', help: 'Always 1', labelNames: ['version', 'node'] },
    () => [{ labels: { version, node: process.versions.node }, value: 1 }],
  );
  gauge('epoch', 'Number of the host’s life', () => engine.view.epoch());
  hubMetrics(gauge, counter, measured);
  hostileMetrics(gauge, counter, measured);
  overloadMetrics(metrics, gauge, measured);
  edgeMetrics(metrics, measured.hub);
  gauge('nodes_online', 'Nodes whose heartbeats arrive', () => engine.view.nodeCounts().online);
  gauge('nodes_lost', 'Nodes whose leases ran out', () => engine.view.nodeCounts().lost);
  for (const state of taskStates)
    gauge(`tasks_${state}`, `Live tasks, ${state}`, () => engine.view.taskCounts()[state]);
  queueMetrics(metrics, measured);
  gauge('commands_pending', 'Commands without an answer', () => engine.pending());
  counter('turns', 'Turns of the core', () => engine.stats().turns);
  counter('batches', 'Batches of events that became durable', () => engine.stats().batches);
  counter('placements', 'Dispatches released', () => engine.stats().placements);
  counter('wide_searches', 'Placements that looked at a whole class', () => engine.stats().wideSearches);
  const stale = 'Reports for attempts that were no longer the reporter’s';
  counter('stale_reports', stale, () => engine.stats().staleReports);
  gauge('slowest_turn_seconds', 'Longest turn of this life', () => engine.stats().slowestTurnMs / 1_000);
  const lastCommit = 'Newest group commit';
  gauge('journal_last_commit_seconds', lastCommit, () => journal.stats().lastCommitMs / 1_000);
  gauge('journal_pending_batches', 'Batches not yet durable', () => journal.stats().pending);
  gauge('journal_file_bytes', 'Journal and its write-ahead log', () => journal.stats().fileBytes);
  counter('journal_commits', 'Group commits', () => journal.stats().commits);
  gauge('history_tasks', 'Ended tasks kept', () => history.stats().tasks);
  gauge('history_pending', 'Batches that history has not stored', () => history.stats().pending);
  const active = (): number => alarms.rows().filter(({ isActive }) => isActive).length;
  gauge('alarms_active', 'Alarms whose condition holds', active);
}

type Declare = (name: string, help: string, read: () => number) => void;

function hubMetrics(gauge: Declare, counter: Declare, { hub }: Measured): void {
  gauge('agents', 'Connected agents', () => hub.stats().agents);
  gauge('consoles', 'Connected consoles over Socket.IO', () => hub.stats().consoles);
  counter('messages_in', 'Messages from agents and consoles', () => hub.stats().messagesIn);
  counter('messages_out', 'Messages to agents and consoles', () => hub.stats().messagesOut);
  counter('bad_messages', 'Messages refused by a decoder', () => hub.stats().badMessages);
  counter('refused_connections', 'Connections turned away', () => hub.stats().refusedConnections);
  counter('moved_connections', 'Agents sent to the port of an edge', () => hub.stats().movedConnections);
  counter('later_connections', 'Agents told when to join', () => hub.stats().laterConnections);
  const silent = 'Connections closed because they did not join';
  counter('never_joined', silent, () => hub.stats().neverJoined);
  tlsMetrics(counter, hub);
  gauge('loop_delay_p99_seconds', 'How late timers run, worst process', () => hub.stats().loopP99Ms / 1_000);
  gauge('loop_delay_max_seconds', 'The latest a timer ran, any process', () => hub.stats().loopMaxMs / 1_000);
  gauge('edges', 'Processes that are to hold agents’ sockets', () => hub.edges().wanted);
  gauge('edges_listening', 'Such processes that take agents', () => hub.edges().listening);
  counter('edge_ends', 'Such processes that ended unasked', () => hub.edges().ends);
  counter('edge_records_out', 'Records to edges', () => hub.edges().recordsOut);
  counter('edge_frames_out', 'Frames of records to edges', () => hub.edges().framesOut);
  gauge('edge_waiting_bytes', 'Bytes that edges have not read', () => hub.edges().waitingBytes);
}

function tlsMetrics(counter: Declare, hub: EdgeHub): void {
  counter('tls_handshakes', 'TLS handshakes that came to their end', () => hub.stats().tlsHandshakes);
  counter('tls_resumed', 'Such handshakes that resumed a session', () => hub.stats().tlsResumed);
  counter('tls_failures', 'TLS handshakes that failed', () => hub.stats().tlsFailures);
  counter('plain_text_refused', 'Connections without TLS', () => hub.stats().plainTextRefused);
}

function overloadMetrics(metrics: Metrics, gauge: Declare, { hub, watch }: Measured): void {
  gauge('joins_per_second', 'Joins begun per second, over the last second', () => hub.stats().joinsPerSecond);
  gauge('joins_waiting', 'Agents that were told their place', () => hub.stats().joinsWaiting);
  gauge('joins_in_flight', 'Joins begun and not ended', () => hub.stats().joinsInFlight);
  gauge('overload_level', '1 sheds measurements, 2 output waits, 3 no new tasks', () => watch.overload.level);
  gauge(
    'held_logs_turned_away',
    'Attempts whose output is fetched again later',
    () => watch.logGate.turnedAway,
  );
  const limit = (name: string, help: string, which: 'used' | 'limit'): void => {
    metrics.each({ name: `millrace_${name}`, kind: 'gauge', help, labelNames: ['limit'] }, () =>
      watch.meters.read().map((row) => ({ labels: { limit: row.name }, value: row[which] })),
    );
  };
  limit('limit_used', 'How much of a limit is used', 'used');
  limit('limit', 'Limits of what grows', 'limit');
}

/** Who is refused is in the audit trail and the alarms, not here: an address is no label. */
function hostileMetrics(gauge: Declare, counter: Declare, { hub }: Measured): void {
  counter('limited', 'Connections, messages and requests over a limit', () => hub.stats().limited);
  counter('slowed_reads', 'Pauses of connections above their rate', () => hub.stats().slowdowns);
  gauge('half_open_connections', 'Connections that are nobody’s yet', () => hub.stats().halfOpen);
  const often = 'Addresses refused often within this minute';
  gauge('addresses_refused_often', often, () => hub.stats().refusedOften.length);
}
