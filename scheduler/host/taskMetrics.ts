// Histograms of what tasks and the journal take, fed by the engine as batches become durable.
import type { Metrics } from '../observe/metrics.ts';
import type { TaskRecord } from '../protocol/task.ts';

/** From far below a disk flush to what no plant should see. Fixed, so that sums over restarts and hosts are right. */
const quickBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const turnBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1] as const;
/** From a second to a day: how long people's work waits and lasts. */
const longBounds = [0.01, 0.1, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400] as const;

export interface TaskMetrics {
  readonly dispatched: (waitedMs: number) => void;
  readonly committed: (tookMs: number) => void;
  readonly placed: (turnMs: number) => void;
  readonly ended: (records: readonly TaskRecord[]) => void;
}

export function taskMetrics(metrics: Metrics): TaskMetrics {
  const histogram = metrics.histogram.bind(metrics);
  const dispatch = histogram(
    'millrace_dispatch_latency_seconds',
    'First dispatches: from getting into line to the frame sent',
    quickBounds,
  );
  const commit = histogram('millrace_journal_commit_seconds', 'Group commits of the journal', quickBounds);
  const turn = histogram('millrace_placement_turn_seconds', 'Turns of the core that placed', turnBounds);
  const queued = histogram(
    'millrace_queue_wait_seconds',
    'Ended tasks: from submit to the first placement',
    longBounds,
  );
  const run = histogram('millrace_attempt_run_seconds', 'Attempts: from start to end', longBounds);
  const whole = histogram('millrace_task_duration_seconds', 'Ended tasks: from submit to end', longBounds);
  const ends = {
    succeeded: metrics.counter(endsName, endsHelp, { state: 'succeeded' }),
    dead_letter: metrics.counter(endsName, endsHelp, { state: 'dead_letter' }),
    cancelled: metrics.counter(endsName, endsHelp, { state: 'cancelled' }),
  };
  return {
    dispatched: (waitedMs) => {
      dispatch.observe(waitedMs / 1_000);
    },
    committed: (tookMs) => {
      commit.observe(tookMs / 1_000);
    },
    placed: (turnMs) => {
      turn.observe(turnMs / 1_000);
    },
    ended: (records) => {
      for (const { state, submittedAtMs, endedAtMs, attempts } of records) {
        if (state in ends) ends[state as keyof typeof ends].add();
        if (endedAtMs !== undefined) whole.observe((endedAtMs - submittedAtMs) / 1_000);
        const [first] = attempts;
        if (first) queued.observe((first.placedAtMs - submittedAtMs) / 1_000);
        for (const { startedAtMs, endedAtMs: until } of attempts)
          if (startedAtMs !== undefined && until !== undefined) run.observe((until - startedAtMs) / 1_000);
      }
    },
  };
}

const endsName = 'millrace_tasks_ended_total';
const endsHelp = 'Tasks that ended, by how';
