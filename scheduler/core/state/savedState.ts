// What a snapshot keeps of each table: the parts that cannot be worked out again. Tasks share what repeats among them
// (their shape), so that a million of them are read back in seconds and lie in memory once.
import type { NodeId, QueueName, TaskId } from '../../protocol/brands.ts';
import type { NodeSpec } from '../../protocol/node.ts';
import { type AttemptRecord, liveStates, type TaskSpec } from '../../protocol/task.ts';
import type { SchedulerState } from './schedulerState.ts';
import type { LiveAttempt, Task } from './taskTable.ts';

/** The parts of a task that cannot be worked out again. */
export interface SavedTask extends Pick<
  Task,
  | 'taskId'
  | 'submitter'
  | 'submittedAtMs'
  | 'state'
  | 'enqueuedOrder'
  | 'enqueuedAtMs'
  | 'untilMs'
  | 'platformLosses'
  | 'forgiven'
> {
  readonly spec: TaskSpec;
  readonly past: readonly AttemptRecord[];
  readonly live?: SavedAttempt;
  readonly cancelReason?: string;
}
export type SavedAttempt = Omit<LiveAttempt, 'leaseUntilMs' | 'node'>;
export interface SavedNode {
  readonly id: NodeId;
  readonly state: number;
  readonly cordoned: number;
  readonly spec: NodeSpec;
}
export interface SavedHead {
  readonly epoch: number;
  readonly sequence: number;
  readonly lastBatchAtMs: number;
  readonly nextTaskId: number;
  readonly nextToken: number;
  readonly nextOrder: number;
  readonly queues: readonly { readonly name: QueueName; readonly weight: number; readonly served: number }[];
}

export const savedHead = (state: SchedulerState): SavedHead => ({
  epoch: state.epoch,
  sequence: state.sequence,
  lastBatchAtMs: state.lastBatchAtMs,
  nextTaskId: state.nextTaskId,
  nextToken: state.nextToken,
  nextOrder: state.nextOrder,
  queues: [...state.ready.queues.values()].map(({ name, weight, served }) => ({ name, weight, served })),
});

export const savedNodes = ({ nodes }: SchedulerState): readonly SavedNode[] =>
  [...nodes.occupied()].map((node) => ({
    id: nodes.idOf(node),
    state: nodes.state[node] ?? 0,
    cordoned: nodes.cordoned[node] ?? 0,
    spec: nodes.specOf(node),
  }));

export function savedTask(task: Task): SavedTask {
  const { live } = task;
  return {
    taskId: task.taskId,
    submitter: task.submitter,
    submittedAtMs: task.submittedAtMs,
    state: task.state,
    enqueuedOrder: task.enqueuedOrder,
    enqueuedAtMs: task.enqueuedAtMs,
    untilMs: task.untilMs,
    platformLosses: task.platformLosses,
    forgiven: task.forgiven,
    spec: task.spec,
    past: task.past,
    ...(task.cancelReason === undefined ? {} : { cancelReason: task.cancelReason }),
    ...(live === undefined ? {} : { live: savedAttempt(live) }),
  };
}

const savedAttempt = (live: LiveAttempt): SavedAttempt => ({
  attempt: live.attempt,
  token: live.token,
  nodeId: live.nodeId,
  placedAtMs: live.placedAtMs,
  gpuMask: live.gpuMask,
  startedAtMs: live.startedAtMs,
});

/**
 * A spec with what is each task's own left blank, in its place, so that fields keep their order. Any field that is
 * added to a spec later is part of it by itself.
 */
type Shape = TaskSpec;
/**
 * `[shape, taskId, bytes, submitter, submittedAtMs, name, argv | 0, labels | 0, key | 0, state, enqueuedOrder,
 * enqueuedAtMs, rest | 0]`: numbers and texts by place are read three times as fast as named fields.
 */
export type TaskRow = readonly [
  shape: number,
  taskId: TaskId,
  bytes: number,
  submitter: string,
  submittedAtMs: Task['submittedAtMs'],
  name: string,
  argv: string[] | 0,
  labels: TaskSpec['labels'] | 0,
  key: string | 0,
  state: number,
  enqueuedOrder: number,
  enqueuedAtMs: Task['enqueuedAtMs'],
  rest: Rest | 0,
];
/** What few waiting tasks have. */
export interface Rest extends Pick<SavedTask, 'untilMs' | 'platformLosses' | 'forgiven' | 'past'> {
  readonly live?: SavedAttempt;
  readonly cancelReason?: string;
}
export interface TasksPart {
  readonly shapes: readonly Shape[];
  readonly tasks: readonly TaskRow[];
}

/** Gathers tasks for one part. */
export class TasksWriter {
  readonly #shapes = new Map<string, number>();
  #rows: string[] = [];
  /** Characters gathered, about. */
  size = 0;

  put(task: Task): void {
    const row = JSON.stringify(this.#rowOf(task));
    this.size += row.length;
    this.#rows.push(row);
  }

  /** The part, and begins the next one. */
  take(): string {
    const part = `{"shapes":[${[...this.#shapes.keys()].join(',')}],"tasks":[${this.#rows.join(',')}]}`;
    this.#shapes.clear();
    this.#rows = [];
    this.size = 0;
    return part;
  }

  #rowOf(task: Task): TaskRow {
    const { spec } = task;
    const { name, labels, key, work } = spec;
    return [
      this.#shapeOf(spec),
      task.taskId,
      task.bytes,
      task.submitter,
      task.submittedAtMs,
      name,
      work.kind === 'command' ? work.argv : 0,
      Object.keys(labels).length === 0 ? 0 : labels,
      key ?? 0,
      liveStates.indexOf(task.state),
      task.enqueuedOrder,
      task.enqueuedAtMs,
      restOf(task),
    ];
  }

  #shapeOf(spec: TaskSpec): number {
    const { work } = spec;
    const blank = { name: '', labels: {}, ...(spec.key !== undefined && { key: '' }) };
    const shape = { ...spec, ...blank, work: work.kind === 'command' ? { ...work, argv: [] } : work };
    const text = JSON.stringify(shape);
    const known = this.#shapes.get(text);
    if (known !== undefined) return known;
    this.size += text.length;
    this.#shapes.set(text, this.#shapes.size);
    return this.#shapes.size - 1;
  }
}

function restOf(task: Task): Rest | 0 {
  const { live, cancelReason, past, untilMs, platformLosses, forgiven } = task;
  if (!live && past.length === 0 && untilMs === 0 && forgiven === 0 && cancelReason === undefined) return 0;
  return {
    untilMs,
    platformLosses,
    forgiven,
    past,
    ...(live && { live: savedAttempt(live) }),
    ...(cancelReason !== undefined && { cancelReason }),
  };
}

/** The spec of a row: the shape with the task's own in the blanks. One copy, since there may be a million. */
export function specOfRow(
  [at, , , , , name, argv, labels, key]: TaskRow,
  shapes: readonly Shape[],
): TaskSpec {
  const shape = shapes[at];
  if (!shape) throw new Error(`snapshot: a task names shape ${String(at)} of ${String(shapes.length)}`);
  const spec = { ...shape };
  spec.name = name;
  if (labels !== 0) spec.labels = labels;
  if (key !== 0) spec.key = key;
  if (argv !== 0 && shape.work.kind === 'command') spec.work = { ...shape.work, argv };
  return spec;
}
