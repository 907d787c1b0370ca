// Tasks in a snapshot's parts: what repeats among them (their shape) is kept once, the rest in columns, so that a
// million of them are read back in seconds and lie in memory once.
import type { NodeId, TaskId } from '../../protocol/brands.ts';
import { liveStates, type TaskGroupRef, type TaskSpec } from '../../protocol/task.ts';
import { savedAttempt, type SavedAttempt, type SavedTask } from './savedState.ts';
import type { Task } from './taskTable.ts';

/**
 * A spec with what is each task's own left blank, in its place, so that fields keep their order. Any field that is
 * added to a spec later is part of it by itself.
 */
type Shape = TaskSpec;
/**
 * One array per field: numbers lie in it as they are, and a million tasks cost no object each on the way in. Times and
 * orders are small, counted from the part's own.
 */
interface TaskColumns {
  readonly shape: number[];
  readonly taskId: TaskId[];
  readonly bytes: number[];
  readonly submitter: number[];
  /** Submission, in ms after `fromMs`. */
  readonly submitted: number[];
  readonly name: string[];
  readonly argv: (string[] | 0)[];
  readonly labels: (TaskSpec['labels'] | 0)[];
  readonly key: (string | 0)[];
  readonly state: number[];
  /** `enqueuedOrder` after `fromOrder`. */
  readonly order: number[];
  /** `enqueuedAtMs`, in ms after the submission. */
  readonly enqueued: number[];
}
/** What few waiting tasks have. */
export interface Rest extends Pick<SavedTask, 'untilMs' | 'platformLosses' | 'forgiven' | 'past'> {
  readonly live?: SavedAttempt;
  readonly copy?: SavedAttempt;
  readonly cancelReason?: string;
  readonly checkpoint?: string;
  readonly suspectNodes?: readonly NodeId[];
  readonly group?: TaskGroupRef;
}
export interface TasksPart {
  readonly shapes: readonly Shape[];
  readonly submitters: readonly string[];
  readonly fromMs: number;
  readonly fromOrder: number;
  readonly columns: TaskColumns;
  /** By place in the columns. */
  readonly rest: readonly (readonly [at: number, rest: Rest])[];
}

/** About what the numbers of one task take in a part. */
const numberCharacters = 48;

/** Gathers tasks for one part. */
export class TasksWriter {
  readonly #shapes = new Map<string, number>();
  readonly #submitters = new Map<string, number>();
  #from: { readonly fromMs: number; readonly fromOrder: number } | undefined;
  #columns = noTasks();
  #rest: [number, Rest][] = [];
  /** Characters gathered, about. */
  size = 0;

  put(task: Task): void {
    const { spec, submittedAtMs, enqueuedOrder } = task;
    const { name, labels, key, work } = spec;
    const from = (this.#from ??= { fromMs: submittedAtMs, fromOrder: enqueuedOrder });
    const columns = this.#columns;
    const rest = restOf(task);
    if (rest) this.#rest.push([columns.name.length, rest]);
    columns.shape.push(this.#shapeOf(spec));
    columns.taskId.push(task.taskId);
    columns.bytes.push(task.bytes);
    columns.submitter.push(placeIn(this.#submitters, task.submitter));
    columns.submitted.push(submittedAtMs - from.fromMs);
    columns.name.push(name);
    columns.argv.push(work.kind === 'command' ? work.argv : 0);
    columns.labels.push(Object.keys(labels).length === 0 ? 0 : labels);
    columns.key.push(key ?? 0);
    columns.state.push(liveStates.indexOf(task.state));
    columns.order.push(enqueuedOrder - from.fromOrder);
    columns.enqueued.push(task.enqueuedAtMs - submittedAtMs);
    // What is each task's own is most of what its spec has.
    this.size += numberCharacters + Math.min(task.bytes, ownCharacters(spec)) + (rest ? restCharacters : 0);
  }

  /** The part, and begins the next one. */
  take(): string {
    const { fromMs = 0, fromOrder = 0 } = this.#from ?? {};
    const submitters = JSON.stringify([...this.#submitters.keys()]);
    const part =
      `{"shapes":[${[...this.#shapes.keys()].join(',')}],"submitters":${submitters},` +
      `"fromMs":${String(fromMs)},"fromOrder":${String(fromOrder)},` +
      `"columns":${JSON.stringify(this.#columns)},"rest":${JSON.stringify(this.#rest)}}`;
    this.#shapes.clear();
    this.#submitters.clear();
    this.#from = undefined;
    this.#columns = noTasks();
    this.#rest = [];
    this.size = 0;
    return part;
  }

  #shapeOf(spec: TaskSpec): number {
    const { work } = spec;
    const blank = { name: '', labels: {}, ...(spec.key !== undefined && { key: '' }) };
    const shape = { ...spec, ...blank, work: work.kind === 'command' ? { ...work, argv: [] } : work };
    const text = JSON.stringify(shape);
    if (!this.#shapes.has(text)) this.size += text.length;
    return placeIn(this.#shapes, text);
  }
}

/** About what an attempt takes. */
const restCharacters = 200;

function ownCharacters({ name, labels, key = '', work }: TaskSpec): number {
  const words = work.kind === 'command' ? work.argv : [];
  let sum = name.length + key.length;
  for (const word of words) sum += word.length + 3;
  for (const label in labels) sum += label.length + (labels[label]?.length ?? 0) + 6;
  return sum;
}

function placeIn(places: Map<string, number>, text: string): number {
  const known = places.get(text);
  if (known !== undefined) return known;
  places.set(text, places.size);
  return places.size - 1;
}

const noTasks = (): TaskColumns => ({
  shape: [],
  taskId: [],
  bytes: [],
  submitter: [],
  submitted: [],
  name: [],
  argv: [],
  labels: [],
  key: [],
  state: [],
  order: [],
  enqueued: [],
});

function restOf(task: Task): Rest | undefined {
  const { live, cancelReason, checkpoint, group, past, untilMs, platformLosses, forgiven } = task;
  const isPlain = !live && !group && past.length === 0 && untilMs === 0 && forgiven === 0;
  if (isPlain && cancelReason === undefined && checkpoint === undefined) return undefined;
  return {
    untilMs,
    platformLosses,
    forgiven,
    past,
    ...(live && { live: savedAttempt(live) }),
    ...(cancelReason !== undefined && { cancelReason }),
    ...(checkpoint !== undefined && { checkpoint }),
    ...rareOf(task),
    ...(group && { group }),
  };
}

const rareOf = ({ suspectNodes, copy }: Task): Pick<Rest, 'suspectNodes' | 'copy'> => ({
  ...(suspectNodes.length > 0 && { suspectNodes }),
  ...(copy && { copy: savedAttempt(copy) }),
});

/** The spec at a place: the shape with the task's own in the blanks. One copy, since there may be a million. */
export function specAt({ shapes, columns }: TasksPart, at: number): TaskSpec {
  const shape = shapes[columns.shape[at] ?? -1];
  const [name, argv, labels, key] = [columns.name[at], columns.argv[at], columns.labels[at], columns.key[at]];
  if (!shape || name === undefined) throw new Error(`snapshot: place ${String(at)} has no shape or name`);
  const spec = { ...shape };
  spec.name = name;
  if (labels) spec.labels = labels;
  if (key) spec.key = key;
  if (argv && shape.work.kind === 'command') spec.work = { ...shape.work, argv };
  return spec;
}
