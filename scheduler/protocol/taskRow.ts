// TaskRecord -> TaskRow and the text that filters look into: what live lists (core) and ended lists (history) share.
import { ms } from './brands.ts';
import type { TaskRecord, TaskSpec } from './task.ts';
import type { TaskRow } from './view.ts';
import type { Waiting } from './reasons.ts';
import { workLine } from './work.ts';

/** The row of a task as lists show it. Node, start and exit code are those of its newest attempt; 0 attempts: none. */
export function rowOfRecord(record: TaskRecord, waiting: Waiting): TaskRow {
  const { spec } = record;
  return {
    taskId: record.taskId,
    name: spec.name,
    kind: record.workflow ? 'workflow' : spec.work.kind,
    queue: spec.queue,
    tenant: spec.tenant,
    priority: spec.priority,
    state: record.state,
    waiting,
    attemptsMax: spec.retry.attemptsMax,
    ...newestOf(record),
    submitter: record.submitter,
    submittedAtMs: record.submittedAtMs,
    ...(record.endedAtMs !== undefined && { endedAtMs: record.endedAtMs }),
    ...(record.reason !== undefined && { reason: record.reason }),
    labels: spec.labels,
    ...(record.group && { group: record.group }),
    ...(spec.deadlineMs !== undefined && { deadlineMs: ms(spec.deadlineMs) }),
    ...(spec.work.kind === 'simulated' && { isSimulated: true }),
  };
}

function newestOf({
  attempts,
}: TaskRecord): Pick<TaskRow, 'attempt' | 'nodeId' | 'startedAtMs' | 'exitCode'> {
  const newest = attempts.at(-1);
  if (!newest) return { attempt: 0 };
  const { attempt, nodeId, startedAtMs, end } = newest;
  return {
    attempt,
    nodeId,
    ...(startedAtMs !== undefined && { startedAtMs }),
    ...(end?.exitCode !== undefined && { exitCode: end.exitCode }),
  };
}

/** By how much a task missed its deadline, in milliseconds: at its end, or by now while it is live. 0: it did not. */
export function lateByMs(
  { deadlineMs, endedAtMs }: Pick<TaskRow, 'deadlineMs' | 'endedAtMs'>,
  nowMs: number,
): number {
  return deadlineMs === undefined ? 0 : Math.max(0, (endedAtMs ?? nowMs) - deadlineMs);
}

/** Of a task that has ended. */
export const hasMissedDeadline = ({ spec, endedAtMs = ms(0) }: TaskRecord): boolean =>
  spec.deadlineMs !== undefined && endedAtMs > spec.deadlineMs;

/** Name, program line and labels, in lower case: what `TaskFilter.text` is part of. */
export function searchTextOf({ name, work, labels }: TaskSpec): string {
  const labelTexts = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return [name, workLine(work), ...labelTexts].join(' ').toLowerCase();
}
