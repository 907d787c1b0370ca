// A snapshot's parts -> the state that it was taken of. Reads the formats of all versions so far.
import { epoch, ms, type NodeId, type TaskId } from '../../protocol/brands.ts';
import { liveStates, type TaskSpec, tenantDefault } from '../../protocol/task.ts';
import { addTask, countStop, holdPlace, newTask } from './taskMaking.ts';
import { holdCapacity } from './capacity.ts';
import { nodeState } from './nodeTable.ts';
import type { AskClass } from './classTable.ts';
import type { SavedAttempt, SavedHead, SavedNode, SavedTask } from './savedState.ts';
import { type Rest, specAt, type TasksPart } from './savedTasks.ts';
import { restoreTable, type SavedTablePart } from './savedTables.ts';
import type { SchedulerState } from './schedulerState.ts';
import { snapshotFormat } from './snapshot.ts';
import { attemptsOf, type LiveAttempt, noNodes, type Task } from './taskTable.ts';

type Part =
  | ({ readonly version: 1 } & SavedHead & WholeTables)
  | ({ readonly version: number } & SavedHead)
  | { readonly nodes: readonly SavedNode[] }
  | { readonly nodeKeys: WholeTables['nodeKeys'] }
  | { readonly keys: WholeTables['keys'] }
  | SavedTablePart
  | TasksPart;
/** Format 1 was one text with everything in it. Its tasks had no tenant. */
interface WholeTables {
  readonly nodes: readonly SavedNode[];
  readonly nodeKeys: readonly (readonly [NodeId, string])[];
  readonly keys: readonly (readonly [string, TaskId])[];
  readonly tasks: readonly (SavedTask & { readonly spec: Omit<TaskSpec, 'tenant'> })[];
}

/** Fills an empty state. Throws on parts that no version made: the journal has checked that they are as written. */
export class Restoring {
  readonly #state: SchedulerState;
  #head: SavedHead | undefined;
  readonly #tasks: Task[] = [];
  readonly #keys: (readonly [string, TaskId])[] = [];

  constructor(state: SchedulerState) {
    this.#state = state;
  }

  /** Parts in the order in which they were made. */
  take(text: string): void {
    const part = JSON.parse(text) as Part;
    const state = this.#state;
    if ('version' in part) this.#takeHead(part);
    if ('nodes' in part) for (const node of part.nodes) restoreNode(state, node);
    if ('nodeKeys' in part) for (const [nodeId, key] of part.nodeKeys) state.nodeKeys.set(nodeId, key);
    if ('keys' in part) this.#keys.push(...part.keys);
    if ('columns' in part) this.#takeColumns(part);
    else if ('table' in part) restoreTable(this.#state, part);
    else if ('tasks' in part)
      for (const { spec, ...task } of part.tasks)
        this.#takeSaved({ ...task, spec: { ...spec, tenant: tenantDefault } });
  }

  /** All parts were taken. In the order in which tasks stood in line, so that every lane is as it was. */
  finish(): void {
    const state = this.#state;
    if (!this.#head) throw new Error('snapshot: it has no head');
    this.#tasks.sort((a, b) => a.enqueuedOrder - b.enqueuedOrder);
    for (const task of this.#tasks) standInLine(state, task);
    // Format 1 has the keys of live tasks among them.
    for (const [key, taskId] of this.#keys)
      if (!state.tasks.get(taskId)) state.tasks.rememberKey(key, taskId);
    for (const node of state.nodes.occupied()) state.nodes.markOverheld(node);
    for (const queue of this.#head.queues) state.ready.setServed(queue.name, queue.served);
    state.nextTaskId = this.#head.nextTaskId;
    state.nextToken = this.#head.nextToken;
    state.nextOrder = this.#head.nextOrder;
  }

  #takeHead(head: SavedHead & { readonly version: number }): void {
    if (head.version > snapshotFormat)
      throw new Error(
        `snapshot has format ${String(head.version)}; this program reads up to ${String(snapshotFormat)}`,
      );
    this.#head = head;
    this.#state.epoch = epoch(head.epoch);
    this.#state.sequence = head.sequence;
    this.#state.lastBatchAtMs = head.lastBatchAtMs;
    for (const { name, weight, settings } of head.queues)
      this.#state.ready.put(name, settings ?? { weight, mode: 'open' });
  }

  /** Tasks of one shape have the same ask class: it is looked up once. */
  #takeColumns(part: TasksPart): void {
    const askClasses: AskClass[] = [];
    const tasks: Task[] = [];
    for (const [at, shape] of part.columns.shape.entries()) {
      const task = taskAt(this.#state, part, { at, known: askClasses[shape] });
      askClasses[shape] = task.askClass;
      tasks.push(task);
    }
    for (const [at, rest] of part.rest) {
      const task = tasks[at];
      if (task) this.#takeRest(task, rest);
    }
    for (const task of tasks) this.#list(task);
  }

  /** Format 1. */
  #takeSaved(from: SavedTask): void {
    const task = newTask(this.#state, from, from.submittedAtMs);
    task.state = from.state;
    task.enqueuedOrder = from.enqueuedOrder;
    task.enqueuedAtMs = from.enqueuedAtMs;
    this.#takeRest(task, from);
    this.#list(task);
  }

  #takeRest(task: Task, rest: Rest): void {
    task.untilMs = rest.untilMs;
    task.platformLosses = rest.platformLosses;
    task.forgiven = rest.forgiven;
    task.cancelReason = rest.cancelReason;
    task.past = rest.past;
    task.checkpoint = rest.checkpoint;
    task.suspectNodes = rest.suspectNodes ?? noNodes;
    task.group = rest.group;
    if (rest.live) task.live = attemptAt(this.#state, rest.live);
    if (task.live) holdPlace(this.#state, task);
    if (rest.copy) task.copy = attemptAt(this.#state, rest.copy);
    for (const live of attemptsOf(task)) holdAttempt(this.#state, task, live);
  }

  #list(task: Task): void {
    addTask(this.#state, task);
    this.#tasks.push(task);
  }
}

/** The task at a place, as it stood in line; `known`: the ask class of its shape, once that is known. */
function taskAt(
  state: SchedulerState,
  part: TasksPart,
  { at, known }: { readonly at: number; readonly known: AskClass | undefined },
): Task {
  const { columns, submitters, fromMs, fromOrder } = part;
  const taskId = columns.taskId[at];
  const stateWord = liveStates[columns.state[at] ?? -1];
  if (taskId === undefined || !stateWord) throw new Error(`snapshot: place ${String(at)} has no id or state`);
  const submittedAtMs = ms(fromMs + (columns.submitted[at] ?? 0));
  const submitter = submitters[columns.submitter[at] ?? -1] ?? '';
  const origin = { taskId, spec: specAt(part, at), submitter, bytes: columns.bytes[at], askClass: known };
  const task = newTask(state, origin, submittedAtMs);
  task.state = stateWord;
  task.enqueuedOrder = fromOrder + (columns.order[at] ?? 0);
  task.enqueuedAtMs = ms(submittedAtMs + (columns.enqueued[at] ?? 0));
  return task;
}

function standInLine({ ready }: SchedulerState, task: Task): void {
  if (task.state === 'ready') ready.push(task);
  else if (task.state === 'backoff') ready.mustGet(task.spec.queue).backoff += 1;
}

function restoreNode(state: SchedulerState, saved: SavedNode): void {
  const node = state.nodes.add(saved.id);
  state.nodes.nodeClass[node] = state.classes.nodeClassOf(saved.spec).row;
  state.nodes.describe(node, saved.spec);
  state.nodes.cordoned[node] = saved.cordoned;
  state.nodes.lastSeenMs[node] = state.lastBatchAtMs; // not later than this; leases of the old life are not kept
  state.nodes.state[node] = saved.state === nodeState.free ? nodeState.lost : saved.state;
  state.index.update(node);
  state.plant.update(node);
}

function attemptAt(state: SchedulerState, saved: SavedAttempt): LiveAttempt {
  const node = state.nodes.indexOf(saved.nodeId);
  if (node === undefined) throw new Error(`snapshot has an attempt on unknown node ${saved.nodeId}`);
  return { ...saved, node, startedAtMs: saved.startedAtMs, leaseUntilMs: 0 };
}

function holdAttempt(state: SchedulerState, task: Task, live: LiveAttempt): void {
  const { node, token, gpuMask, preemptedBy } = live;
  state.nodes.attemptsOn(node).add(token);
  state.preemption.preemptibles.add(task, { node });
  holdCapacity(state, node, task.spec.ask, gpuMask);
  state.ready.hold(task);
  if (preemptedBy !== undefined) countStop(state, task, 1);
}
