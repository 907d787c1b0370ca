// The host's numbers in Prometheus text, read from the parts that count them. Served at /metrics.
import type { Engine } from '../engine/engine.ts';
import type { History } from '../history/store.ts';
import type { EdgeHub } from '../hub/ports.ts';
import type { JournalPort } from '../journal/port.ts';
import { Metrics } from '../observe/metrics.ts';

export interface Measured {
  readonly engine: Engine;
  readonly hub: EdgeHub;
  readonly journal: JournalPort;
  readonly history: History;
}

/** Makes the text when called; reading costs O(nodes). */
export function hostMetrics({ engine, hub, journal, history }: Measured): () => string {
  const metrics = new Metrics();
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge(`millrace_${name}`, help, read);
  };
  const counter = (name: string, help: string, read: () => number): void => {
    metrics.gauge(`millrace_${name}_total`, help, read, 'counter');
  };
  gauge('agents', 'connected agents', () => hub.stats().agents);
  gauge('consoles', 'connected consoles over Socket.IO', () => hub.stats().consoles);
  counter('messages_in', 'messages from agents and consoles', () => hub.stats().messagesIn);
  counter('messages_out', 'messages to agents and consoles', () => hub.stats().messagesOut);
  counter('bad_messages', 'messages refused by a decoder', () => hub.stats().badMessages);
  counter('refused_connections', 'connections turned away', () => hub.stats().refusedConnections);
  counter('moved_connections', 'agents sent to the port of an edge', () => hub.stats().movedConnections);
  counter('later_connections', 'agents told when to join', () => hub.stats().laterConnections);
  counter('never_joined', 'connections closed because they did not join', () => hub.stats().neverJoined);
  gauge('loop_delay_p99_ms', 'how late timers run, host and edges', () => hub.stats().loopP99Ms);
  gauge('loop_delay_max_ms', 'how late timers run at most', () => hub.stats().loopMaxMs);
  gauge('edges', 'processes that are to hold agents’ sockets', () => hub.edges().wanted);
  gauge('edges_listening', 'such processes that take agents', () => hub.edges().listening);
  counter('edge_ends', 'such processes that ended unasked', () => hub.edges().ends);
  counter('edge_records_out', 'records to edges', () => hub.edges().recordsOut);
  counter('edge_frames_out', 'frames of records to edges', () => hub.edges().framesOut);
  gauge('edge_waiting_bytes', 'bytes that edges have not read', () => hub.edges().waitingBytes);
  gauge('nodes_online', 'nodes whose heartbeats arrive', () => engine.view.nodeCounts().online);
  for (const state of ['ready', 'backlog', 'blocked', 'held', 'backoff', 'dispatched', 'running'] as const)
    gauge(`tasks_${state}`, `live tasks, ${state}`, () => engine.view.taskCounts()[state]);
  gauge('commands_pending', 'commands without an answer', () => engine.pending());
  counter('turns', 'turns of the core', () => engine.stats().turns);
  counter('placements', 'dispatches released', () => engine.stats().placements);
  counter('wide_searches', 'placements that looked at a whole class', () => engine.stats().wideSearches);
  counter(
    'stale_reports',
    'reports for attempts that were no longer the reporter’s',
    () => engine.stats().staleReports,
  );
  gauge('slowest_turn_ms', 'longest turn of this life', () => engine.stats().slowestTurnMs);
  gauge('journal_last_commit_ms', 'newest group commit', () => journal.stats().lastCommitMs);
  gauge('journal_pending_batches', 'batches not yet durable', () => journal.stats().pending);
  counter('journal_commits', 'group commits', () => journal.stats().commits);
  gauge('history_tasks', 'ended tasks kept', () => history.stats().tasks);
  gauge('history_pending', 'batches that history has not stored', () => history.stats().pending);
  return () => metrics.text();
}
