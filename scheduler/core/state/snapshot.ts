// The journalled state as text, and back: what a restart begins from. Canonical, so that equal states give equal text
// and the digest is a hash of it.
import { epoch, type NodeId, type QueueName, type TaskId } from '../../protocol/brands.ts';
import type { NodeSpec } from '../../protocol/node.ts';
import type { AttemptRecord, TaskSpec } from '../../protocol/task.ts';
import { newTask } from './apply.ts';
import { holdCapacity } from './capacity.ts';
import { nodeState } from './nodeTable.ts';
import type { SchedulerState } from './schedulerState.ts';
import type { LiveAttempt, Task } from './taskTable.ts';

const formatVersion = 1;

/** The parts of a task that cannot be worked out again. */
interface SavedTask extends Pick<
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
  readonly live?: Omit<LiveAttempt, 'leaseUntilMs' | 'node'>;
  readonly cancelReason?: string;
}
interface Saved {
  readonly version: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly lastBatchAtMs: number;
  readonly nextTaskId: number;
  readonly nextToken: number;
  readonly nextOrder: number;
  readonly queues: readonly { readonly name: QueueName; readonly weight: number; readonly served: number }[];
  readonly nodes: readonly {
    readonly id: NodeId;
    readonly state: number;
    readonly cordoned: number;
    readonly spec: NodeSpec;
  }[];
  readonly nodeKeys: readonly (readonly [NodeId, string])[];
  readonly tasks: readonly SavedTask[];
  readonly keys: readonly (readonly [string, TaskId])[];
}

export function snapshotOf(state: SchedulerState): string {
  const { nodes } = state;
  const saved: Saved = {
    version: formatVersion,
    epoch: state.epoch,
    sequence: state.sequence,
    lastBatchAtMs: state.lastBatchAtMs,
    nextTaskId: state.nextTaskId,
    nextToken: state.nextToken,
    nextOrder: state.nextOrder,
    queues: [...state.ready.queues.values()].map(({ name, weight, served }) => ({ name, weight, served })),
    nodes: [...nodes.occupied()]
      .map((node) => ({
        id: nodes.idOf(node),
        state: nodes.state[node] ?? 0,
        cordoned: nodes.cordoned[node] ?? 0,
        spec: nodes.specOf(node),
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    nodeKeys: [...state.nodeKeys].sort(([a], [b]) => (a < b ? -1 : 1)),
    tasks: [...state.tasks.all()].sort((a, b) => a.taskId - b.taskId).map(savedTask),
    keys: [...state.tasks.keys()],
  };
  return JSON.stringify(saved);
}

/** Fills an empty state. Throws on text that `snapshotOf` of this version did not make: the journal checks first. */
export function restoreState(state: SchedulerState, text: string): void {
  const saved = JSON.parse(text) as Saved;
  if (saved.version !== formatVersion)
    throw new Error(
      `snapshot has format ${String(saved.version)}; this program reads ${String(formatVersion)}`,
    );
  state.epoch = epoch(saved.epoch);
  state.sequence = saved.sequence;
  state.lastBatchAtMs = saved.lastBatchAtMs;
  for (const queue of saved.queues) state.ready.put(queue.name, queue.weight);
  for (const node of saved.nodes) restoreNode(state, node);
  for (const [nodeId, keyHash] of saved.nodeKeys) state.nodeKeys.set(nodeId, keyHash);
  for (const [key, taskId] of saved.keys) state.tasks.rememberKey(key, taskId);
  restoreTasks(state, saved.tasks);
  for (const queue of saved.queues) state.ready.mustGet(queue.name).served = queue.served;
  state.nextTaskId = saved.nextTaskId;
  state.nextToken = saved.nextToken;
  state.nextOrder = saved.nextOrder;
}

/** 53-bit hash (cyrb53, by bryc, public domain) of the canonical text, hexadecimal. Not for security. */
export function digestOf(state: SchedulerState): string {
  const text = snapshotOf(state);
  let h1 = 0xdeadbeef;
  let h2 = 0x41c6ce57;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    h1 = Math.imul(h1 ^ code, 2_654_435_761);
    h2 = Math.imul(h2 ^ code, 1_597_334_677);
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2_246_822_507) ^ Math.imul(h2 ^ (h2 >>> 13), 3_266_489_909);
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2_246_822_507) ^ Math.imul(h1 ^ (h1 >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & h2) + (h1 >>> 0)).toString(16);
}

function savedTask(task: Task): SavedTask {
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
    ...(live === undefined
      ? {}
      : {
          live: {
            attempt: live.attempt,
            token: live.token,
            nodeId: live.nodeId,
            placedAtMs: live.placedAtMs,
            gpuMask: live.gpuMask,
            startedAtMs: live.startedAtMs,
          },
        }),
  };
}

function restoreNode(state: SchedulerState, saved: Saved['nodes'][number]): void {
  const node = state.nodes.add(saved.id);
  state.nodes.nodeClass[node] = state.classes.nodeClassOf(saved.spec).row;
  state.nodes.describe(node, saved.spec);
  state.nodes.cordoned[node] = saved.cordoned;
  state.nodes.lastSeenMs[node] = state.lastBatchAtMs; // not later than this; leases of the old life are not kept
  state.nodes.state[node] = saved.state === nodeState.free ? nodeState.lost : saved.state;
  state.index.update(node);
}

/** In the order in which they stood in line, so that every lane is as it was. */
function restoreTasks(state: SchedulerState, saved: readonly SavedTask[]): void {
  for (const from of [...saved].sort((a, b) => a.enqueuedOrder - b.enqueuedOrder)) {
    const task = newTask(state, from, from.submittedAtMs);
    task.state = from.state;
    task.enqueuedOrder = from.enqueuedOrder;
    task.enqueuedAtMs = from.enqueuedAtMs;
    task.untilMs = from.untilMs;
    task.platformLosses = from.platformLosses;
    task.forgiven = from.forgiven;
    task.cancelReason = from.cancelReason;
    task.past.push(...from.past);
    if (from.live) restoreAttempt(state, task, from.live);
    state.tasks.add(task);
    const queue = state.ready.mustGet(task.spec.queue);
    if (task.state === 'ready') state.ready.push(task);
    else if (task.state === 'backoff') queue.backoff += 1;
    else queue.active += 1;
  }
}

function restoreAttempt(state: SchedulerState, task: Task, saved: NonNullable<SavedTask['live']>): void {
  const node = state.nodes.indexOf(saved.nodeId);
  if (node === undefined) throw new Error(`snapshot has an attempt on unknown node ${saved.nodeId}`);
  task.live = { ...saved, node, startedAtMs: saved.startedAtMs, leaseUntilMs: 0 };
  state.nodes.attemptsOn(node).add(saved.token);
  holdCapacity(state, node, task.spec.ask, saved.gpuMask);
}
