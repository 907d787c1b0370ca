// What is counted while a run goes on, and the figures made of it.
import { ms, type QueueName } from '../../protocol/brands.ts';
import { whatIfNeverMax } from '../../protocol/limits.ts';
import type { TaskRecord } from '../../protocol/task.ts';
import type { SchedulerView } from '../../protocol/view.ts';
import type { QueueWaits, WhatIfOutcome } from '../../protocol/whatIf.ts';

const pageRows = 500;

export class Tally {
  placements = 0;
  submitted = 0;
  refused = 0;
  estimatedRuns = 0;
  #succeeded = 0;
  #deadLettered = 0;
  #cancelled = 0;
  #missed = 0;
  readonly #waits = new Map<QueueName, number[]>();
  #samples = 0;
  #cpuShare = 0;
  #memoryShare = 0;

  dispatched(queue: QueueName, waitedMs: number): void {
    const waits = this.#waits.get(queue);
    if (waits) waits.push(waitedMs);
    else this.#waits.set(queue, [waitedMs]);
  }

  ended({ state, spec, group, workflow, endedAtMs = ms(0) }: TaskRecord): void {
    // An array or a workflow as a whole: its tasks are counted.
    if (workflow ?? (spec.array && !group)) return;
    if (state === 'succeeded') this.#succeeded += 1;
    else if (state === 'dead_letter') this.#deadLettered += 1;
    else this.#cancelled += 1;
    const { deadlineMs } = spec;
    if (deadlineMs !== undefined && endedAtMs > deadlineMs) this.#missed += 1;
  }

  sample(view: SchedulerView): void {
    const { cpuTotal, cpuAllocated, memoryTotal, memoryAllocated } = view.fleetUse();
    this.#samples += 1;
    this.#cpuShare += cpuTotal === 0 ? 0 : cpuAllocated / cpuTotal;
    this.#memoryShare += memoryTotal === 0 ? 0 : memoryAllocated / memoryTotal;
  }

  /** To be called when the span has ended. O(live tasks). */
  outcome(
    view: SchedulerView,
    untilMs: number,
  ): Omit<WhatIfOutcome, 'drainedAfterMs' | 'digest' | 'timesRealTime'> {
    const left = new Map<QueueName, { waiting: number; longestWaitingMs: number }>();
    let liveAtEnd = 0;
    let neverFit = 0;
    let asked = 0;
    let missed = this.#missed;
    for (const { taskId, queue, waiting, attempt, submittedAtMs } of liveRows(view)) {
      liveAtEnd += 1;
      const deadlineMs = view.task(taskId)?.spec.deadlineMs;
      if (deadlineMs !== undefined && deadlineMs < untilMs) missed += 1;
      if (waiting === 'none' || attempt > 0) continue;
      const there = left.get(queue) ?? { waiting: 0, longestWaitingMs: 0 };
      there.waiting += 1;
      there.longestWaitingMs = Math.max(there.longestWaitingMs, untilMs - submittedAtMs);
      left.set(queue, there);
      asked += 1;
      if (asked <= whatIfNeverMax && view.why(taskId)?.verdict === 'never') neverFit += 1;
    }
    const queues = new Set([...this.#waits.keys(), ...left.keys()]);
    return {
      placements: this.placements,
      submitted: this.submitted,
      refused: this.refused,
      succeeded: this.#succeeded,
      deadLettered: this.#deadLettered,
      cancelled: this.#cancelled,
      missedDeadlines: missed,
      cpuAllocatedShare: share(this.#cpuShare, this.#samples),
      memoryAllocatedShare: share(this.#memoryShare, this.#samples),
      waits: [...queues].sort().map((queue) => waitsOf(queue, this.#waits.get(queue) ?? [], left.get(queue))),
      liveAtEnd,
      neverFit,
      estimatedRuns: this.estimatedRuns,
    };
  }
}

export function* liveRows(view: SchedulerView) {
  let before;
  for (;;) {
    const page = view.liveTasks({}, before, pageRows);
    yield* page.rows;
    if (page.nextBefore === undefined) return;
    before = page.nextBefore;
  }
}

function waitsOf(
  queue: QueueName,
  waits: readonly number[],
  left = { waiting: 0, longestWaitingMs: 0 },
): QueueWaits {
  const sorted = Float64Array.from(waits).sort();
  const at = (part: number): number => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
  return { queue, tasks: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1), ...left };
}

const share = (sum: number, samples: number): number =>
  samples === 0 ? 0 : Math.round((sum / samples) * 10_000) / 10_000;
