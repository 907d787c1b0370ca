// One ended task as a line of an export: its columns, in their order, and what each is in a Parquet file.
import type { TaskRecord } from '../protocol/task.ts';
import { workLine } from '../protocol/work.ts';

/** `time`: milliseconds since 1970 in memory and Parquet, ISO 8601 in text formats. */
const exportColumnKinds = {
  task_id: 'whole',
  name: 'text',
  kind: 'text',
  queue: 'text',
  tenant: 'text',
  priority: 'whole',
  state: 'text',
  submitter: 'text',
  submitted_at: 'time',
  started_at: 'time',
  ended_at: 'time',
  wait_ms: 'whole',
  run_ms: 'whole',
  node: 'text',
  attempts: 'whole',
  exit_code: 'whole',
  reason: 'text',
  labels: 'json',
  program: 'text',
} as const;
export type ExportColumn = keyof typeof exportColumnKinds;
export const exportColumns = Object.keys(exportColumnKinds) as ExportColumn[];
export const kindOfColumn = (column: ExportColumn): 'whole' | 'text' | 'time' | 'json' =>
  exportColumnKinds[column];

/** `null`: there is none, such as a start of a task that never started. */
export type ExportRow = Readonly<Record<ExportColumn, string | number | null>>;

/** `wait_ms`: from submission to the start of the newest attempt. `run_ms`: of that attempt. */
export function exportRowOf(record: TaskRecord): ExportRow {
  const { spec, submittedAtMs, endedAtMs, reason } = record;
  const { work } = spec;
  return {
    task_id: record.taskId,
    name: spec.name,
    kind: work.kind,
    queue: spec.queue,
    tenant: spec.tenant,
    priority: spec.priority,
    state: record.state,
    submitter: record.submitter,
    submitted_at: submittedAtMs,
    ended_at: endedAtMs ?? null,
    attempts: record.attempts.length,
    reason: reason ?? null,
    labels: JSON.stringify(spec.labels),
    program: work.kind === 'simulated' ? '' : workLine(work),
    ...newestOf(record),
  };
}

type OfAttempt = 'started_at' | 'wait_ms' | 'run_ms' | 'node' | 'exit_code';

function newestOf({ attempts, submittedAtMs, endedAtMs }: TaskRecord): Pick<ExportRow, OfAttempt> {
  const newest = attempts.at(-1);
  if (!newest) return { started_at: null, wait_ms: null, run_ms: null, node: null, exit_code: null };
  const { startedAtMs, nodeId, end } = newest;
  const isStarted = startedAtMs !== undefined;
  return {
    started_at: startedAtMs ?? null,
    wait_ms: isStarted ? startedAtMs - submittedAtMs : null,
    run_ms: end?.runMs ?? (isStarted && endedAtMs !== undefined ? endedAtMs - startedAtMs : null),
    node: nodeId,
    exit_code: end?.exitCode ?? null,
  };
}

/** With times as text. */
export function readableRow(row: ExportRow): ExportRow {
  const readable: Record<ExportColumn, string | number | null> = { ...row };
  for (const column of exportColumns) {
    const value = row[column];
    if (kindOfColumn(column) === 'time' && typeof value === 'number')
      readable[column] = new Date(value).toISOString();
  }
  return readable;
}
