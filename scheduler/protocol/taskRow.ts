// TaskRecord -> TaskRow: the one derivation that live lists (core) and ended lists (history) share.
import type { TaskRecord } from './task.ts';
import type { TaskRow, Waiting } from './view.ts';

/** The row of a task as lists show it. Node, start and exit code are those of its newest attempt; 0 attempts: none. */
export function rowOfRecord(record: TaskRecord, waiting: Waiting): TaskRow {
  const { spec } = record;
  const newest = record.attempts.at(-1);
  return {
    taskId: record.taskId,
    name: spec.name,
    kind: spec.work.kind,
    queue: spec.queue,
    priority: spec.priority,
    state: record.state,
    waiting,
    attempt: newest?.attempt ?? 0,
    attemptsMax: spec.retry.attemptsMax,
    ...(newest && { nodeId: newest.nodeId }),
    submitter: record.submitter,
    submittedAtMs: record.submittedAtMs,
    ...(newest?.startedAtMs !== undefined && { startedAtMs: newest.startedAtMs }),
    ...(record.endedAtMs !== undefined && { endedAtMs: record.endedAtMs }),
    ...(newest?.end?.exitCode !== undefined && { exitCode: newest.end.exitCode }),
    ...(record.reason !== undefined && { reason: record.reason }),
    labels: spec.labels,
  };
}
