// The columns of one ended task: what lists filter by without reading the task itself, and its checksum.
import type { EndState, TaskRecord, TaskState } from '../protocol/task.ts';
import { endStates } from '../protocol/task.ts';
import { numberIn, type Row } from '../sqlite/columns.ts';
import { checksumOf } from './checksum.ts';
import { codeOfState, kindCodes } from './facets.ts';

/** Names (queue, tenant, node) are numbers of table `name`; node 0: none. State and kind are codes. */
export interface EndedRow {
  readonly taskId: number;
  /** Batch in which it ended. */
  readonly sequence: number;
  readonly state: number;
  readonly queue: number;
  readonly tenant: number;
  readonly node: number;
  readonly kind: number;
  readonly submittedMs: number;
  /** From submission to end. */
  readonly tookMs: number;
}

export const endedColumns = 'task_id, sequence, state, queue, tenant, node, kind, submitted_ms, took_ms, crc';

export const endedRowIn = (row: Row): EndedRow => ({
  taskId: numberIn(row, 'task_id'),
  sequence: numberIn(row, 'sequence'),
  state: numberIn(row, 'state'),
  queue: numberIn(row, 'queue'),
  tenant: numberIn(row, 'tenant'),
  node: numberIn(row, 'node'),
  kind: numberIn(row, 'kind'),
  submittedMs: numberIn(row, 'submitted_ms'),
  tookMs: numberIn(row, 'took_ms'),
});

/** Over the columns and the record together: a flipped bit in either is found. */
export function sealOf(row: EndedRow, record: string): number {
  const { taskId, sequence, state, queue, tenant, node, kind, submittedMs, tookMs } = row;
  return checksumOf(
    `${taskId} ${sequence} ${state} ${queue} ${tenant} ${node} ${kind} ${submittedMs} ${tookMs} ${record}`,
  );
}

/** `numberOf` gives the number of a name, and makes one where it is new. */
export function endedRowOf(
  record: TaskRecord,
  sequence: number,
  numberOf: (name: string) => number,
): EndedRow {
  const { spec, submittedAtMs, endedAtMs } = record;
  const nodeId = record.attempts.at(-1)?.nodeId;
  return {
    taskId: record.taskId,
    sequence,
    state: codeOfState(endStateOf(record.state)),
    queue: numberOf(spec.queue),
    tenant: numberOf(spec.tenant),
    node: nodeId === undefined ? 0 : numberOf(nodeId),
    kind: kindCodes.indexOf(spec.work.kind),
    submittedMs: submittedAtMs,
    tookMs: (endedAtMs ?? submittedAtMs) - submittedAtMs,
  };
}

function endStateOf(state: TaskState): EndState {
  const ended = endStates.find((name) => name === state);
  if (ended === undefined) throw new Error(`a task in state ${state} has not ended`);
  return ended;
}
