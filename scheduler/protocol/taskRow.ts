// TaskRecord -> TaskRow and the text that filters look into: what live lists (core) and ended lists (history) share.
import type { TaskRecord, TaskSpec } from './task.ts';
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
    tenant: spec.tenant,
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
    ...(spec.work.kind === 'simulated' && { isSimulated: true }),
  };
}

/** Name, program line and labels, in lower case: what `TaskFilter.text` is part of. */
export function searchTextOf({ name, work, labels }: TaskSpec): string {
  const program = work.kind === 'command' ? work.argv.join(' ') : work.kind;
  const labelTexts = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return [name, program, ...labelTexts].join(' ').toLowerCase();
}
