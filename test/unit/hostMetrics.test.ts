// The metrics of the host: well-formed, bounded in number, each moved by its own thing, and in the manual.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Alarms } from '../../scheduler/observe/alarms.ts';
import { Metrics } from '../../scheduler/observe/metrics.ts';
import { ProcessWatch } from '../../scheduler/observe/processMetrics.ts';
import { queueSeriesMax } from '../../scheduler/observe/queueSeries.ts';
import { hostMetrics } from '../../scheduler/host/hostMetrics.ts';
import { taskMetrics } from '../../scheduler/host/taskMetrics.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import { declaredMetrics } from './support/declaredMetrics.ts';
import { readPrometheus } from './support/prometheusText.ts';

/** What the parts count, each number changeable by its name. */
function openStage() {
  const counts: Record<string, number> = {};
  const numbers = new Proxy(counts, { get: (all, name) => all[String(name)] ?? 0 });
  const hubStats = new Proxy(counts, {
    get: (all, name) =>
      name === 'refusedOften' ? new Array(all['refusedOften'] ?? 0).fill({}) : (all[String(name)] ?? 0),
  });
  const stage = { queues: [queueRow('default')], counts };
  const alarms = new Alarms(() => ms(0));
  const watched = {
    engine: {
      view: {
        epoch: () => numbers['epoch'],
        nodeCounts: () => numbers,
        taskCounts: () => numbers,
        queues: () => stage.queues,
      },
      pending: () => numbers['commands'],
      stats: () => numbers,
    },
    hub: {
      stats: () => hubStats,
      edges: () => numbers,
      eachEdge: () => [
        { edge: 0, isListening: numbers['up'] === 1, agents: numbers['agents'], stats: numbers },
      ],
    },
    journal: { stats: () => numbers },
    history: { stats: () => numbers },
    alarms,
    clock: () => 60_000,
    watch: {
      overload: {
        get level() {
          return numbers['level'];
        },
      },
      logGate: {
        get turnedAway() {
          return numbers['turnedAway'];
        },
      },
      meters: { read: () => [{ name: 'nodes', used: numbers['used'], limit: numbers['limit'] }] },
    },
    version: '1.2"3',
  } as unknown as Parameters<typeof hostMetrics>[1];
  const metrics = new Metrics();
  hostMetrics(metrics, watched);
  return { ...stage, stage, alarms, watched, metrics };
}

const queueRow = (queue: string, more: object = {}) =>
  ({
    queue,
    ready: 0,
    backlog: 0,
    blocked: 0,
    backoff: 0,
    active: 0,
    allocated: { cpu: 0 },
    ...more,
  }) as never;

const valuesIn = (text: string): ReadonlyMap<string, string> =>
  new Map(Array.from(readPrometheus(text), ([name, { samples }]) => [name, JSON.stringify(samples)]));

test('all that the host exposes is well-formed, with a help and a kind', () => {
  const { metrics } = openStage();
  const watch = new ProcessWatch(metrics);
  const families = readPrometheus(metrics.text());
  watch.close();
  expect(families.get('millrace_build_info')?.samples).toMatchObject([
    { labels: { version: '1.2"3' }, value: 1 },
  ]);
  expect(families.get('process_resident_memory_bytes')?.samples[0]?.value).toBeGreaterThan(1e6);
  expect(families.size).toBeGreaterThan(60);
});

/** Number of a part -> metrics that show it. All others must stay as they are. */
const moved: readonly (readonly [string, readonly string[]])[] = [
  ['epoch', ['epoch']],
  ['agents', ['agents', 'edge_agents']],
  ['consoles', ['consoles']],
  ['messagesIn', ['messages_in_total', 'edge_messages_in_total']],
  ['messagesOut', ['messages_out_total', 'edge_messages_out_total']],
  ['badMessages', ['bad_messages_total', 'edge_bad_messages_total']],
  ['refusedConnections', ['refused_connections_total', 'edge_refused_connections_total']],
  ['movedConnections', ['moved_connections_total']],
  ['laterConnections', ['later_connections_total']],
  ['neverJoined', ['never_joined_total']],
  ['tlsHandshakes', ['tls_handshakes_total']],
  ['tlsResumed', ['tls_resumed_total']],
  ['tlsFailures', ['tls_failures_total']],
  ['plainTextRefused', ['plain_text_refused_total']],
  ['limited', ['limited_total']],
  ['slowdowns', ['slowed_reads_total']],
  ['halfOpen', ['half_open_connections']],
  ['refusedOften', ['addresses_refused_often']],
  ['joinsPerSecond', ['joins_per_second']],
  ['joinsWaiting', ['joins_waiting']],
  ['joinsInFlight', ['joins_in_flight']],
  ['level', ['overload_level']],
  ['turnedAway', ['held_logs_turned_away']],
  ['used', ['limit_used']],
  ['limit', ['limit']],
  ['loopP99Ms', ['loop_delay_p99_seconds', 'edge_loop_delay_p99_seconds']],
  ['loopMaxMs', ['loop_delay_max_seconds']],
  ['wanted', ['edges']],
  ['listening', ['edges_listening']],
  ['ends', ['edge_ends_total']],
  ['recordsOut', ['edge_records_out_total']],
  ['framesOut', ['edge_frames_out_total']],
  ['waitingBytes', ['edge_waiting_bytes']],
  ['up', ['edge_up']],
  ['online', ['nodes_online']],
  ['lost', ['nodes_lost']],
  ...['ready', 'backlog', 'blocked', 'held', 'backoff', 'dispatched', 'running'].map(
    (state) => [state, [`tasks_${state}`]] as const,
  ),
  ['commands', ['commands_pending']],
  ['turns', ['turns_total']],
  ['batches', ['batches_total']],
  ['placements', ['placements_total']],
  ['wideSearches', ['wide_searches_total']],
  ['staleReports', ['stale_reports_total']],
  ['slowestTurnMs', ['slowest_turn_seconds']],
  ['lastCommitMs', ['journal_last_commit_seconds']],
  ['pending', ['journal_pending_batches', 'history_pending']],
  ['fileBytes', ['journal_file_bytes']],
  ['commits', ['journal_commits_total']],
  ['tasks', ['history_tasks']],
];
test.each(moved)('%s moves %j and nothing else', (count, names) => {
  const { metrics, counts } = openStage();
  const before = valuesIn(metrics.text());
  counts[count] = 1;
  const after = valuesIn(metrics.text());
  const changed = [...after].filter(([name, value]) => before.get(name) !== value).map(([name]) => name);
  expect(changed.sort()).toEqual(names.map((name) => `millrace_${name}`).sort());
});

test('each number of a queue moves its own gauge', () => {
  for (const [more, name] of [
    [{ ready: 1 }, 'ready_tasks'],
    [{ backlog: 1 }, 'backlog_tasks'],
    [{ blocked: 1 }, 'blocked_tasks'],
    [{ backoff: 1 }, 'backoff_tasks'],
    [{ active: 1 }, 'active_tasks'],
    [{ missed: 1 }, 'missed_deadlines'],
    [{ allocated: { cpu: 1 } }, 'allocated_millicores'],
    [{ oldestSubmittedAtMs: 59_000 }, 'oldest_wait_seconds'],
  ] as const) {
    const { metrics, stage } = openStage();
    const before = valuesIn(metrics.text());
    stage.queues = [queueRow('default', more)];
    const changed = [...valuesIn(metrics.text())].filter(([family, value]) => before.get(family) !== value);
    expect(changed.map(([family]) => family)).toEqual([`millrace_queue_${name}`]);
  }
});

test('a raised alarm is counted until it is cleared', () => {
  const { metrics, alarms } = openStage();
  const active = () => readPrometheus(metrics.text()).get('millrace_alarms_active')?.samples[0]?.value;
  alarms.raise({ code: 'LOG_FAILED', source: 'host' });
  expect(active()).toBe(1);
  alarms.clear('LOG_FAILED', 'host');
  expect(active()).toBe(0);
});

test('queues beyond the bound are one series, which holds their sum', () => {
  const { metrics, stage } = openStage();
  stage.queues = Array.from({ length: 500 }, (_, at) => queueRow(`q${String(at)}`, { ready: 1 }));
  const ready = readPrometheus(metrics.text()).get('millrace_queue_ready_tasks')?.samples ?? [];
  expect(ready).toHaveLength(queueSeriesMax + 1);
  expect(ready.at(-1)).toMatchObject({ labels: { queue: 'other' }, value: 500 - queueSeriesMax });
});

test('an ended task, a dispatch, a commit and a turn fall into their histograms', () => {
  const metrics = new Metrics();
  const tasks = taskMetrics(metrics);
  const record = {
    state: 'succeeded',
    submittedAtMs: 1_000,
    endedAtMs: 11_000,
    attempts: [{ placedAtMs: 3_000, startedAtMs: 3_500, endedAtMs: 11_000 }],
  } as unknown as TaskRecord;
  tasks.ended([record]);
  tasks.dispatched(4);
  tasks.committed(0.7);
  tasks.placed(2);
  const families = readPrometheus(metrics.text());
  const sumOf = (name: string): unknown =>
    families.get(`millrace_${name}`)?.samples.find((sample) => sample.name.endsWith('_sum'))?.value;
  expect(sumOf('queue_wait_seconds')).toBe(2);
  expect(sumOf('task_duration_seconds')).toBe(10);
  expect(sumOf('attempt_run_seconds')).toBe(7.5);
  expect(sumOf('dispatch_latency_seconds')).toBe(0.004);
  expect(sumOf('journal_commit_seconds')).toBe(0.0007);
  expect(sumOf('placement_turn_seconds')).toBe(0.002);
  expect(families.get('millrace_tasks_ended_total')?.samples.map(({ value }) => value)).toEqual([1, 0, 0]);
});

test('the manual has every metric as it is', () => {
  const manual = readFileSync('docs/OBSERVABILITY.md', 'utf8');
  const told = new Map(
    [...manual.matchAll(/^\| `(\w+)` +\| (\w+) +\| ([^|]*?) *\| ([^|]*?) *\|$/gm)].map(
      ([, name = '', ...rest]) => [name, rest],
    ),
  );
  const { watched } = openStage();
  const there = declaredMetrics(watched).map(
    ({ name, kind, labelNames, help }) => [name, [kind, labelNames.join(', ') || '-', help]] as const,
  );
  expect(told).toEqual(new Map(there));
});
