// TaskRecord -> TaskRow and the text that filters look into: what live lists (core) and ended lists (history) share.
import type { TaskRecord, TaskSpec } from './task.ts';
import type { Grouping, TaskRow, Waiting } from './view.ts';

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

/** Key of the group that a task is counted in. */
export function groupOf(record: TaskRecord, by: Grouping): string {
  switch (by) {
    case 'state':
      return record.state;
    case 'queue':
      return record.spec.queue;
    case 'tenant':
      return record.spec.tenant;
    case 'node':
      return record.attempts.at(-1)?.nodeId ?? '';
    case 'kind':
      return record.spec.work.kind;
    case 'hour':
      return timeGroupOf(record.submittedAtMs, 'hour');
    case 'day':
      return timeGroupOf(record.submittedAtMs, 'day');
  }
}

/** `2026-11-23T10` or `2026-11-23`, in UTC. */
export function timeGroupOf(atMs: number, by: 'hour' | 'day'): string {
  return new Date(atMs).toISOString().slice(0, by === 'hour' ? 13 : 10);
}
