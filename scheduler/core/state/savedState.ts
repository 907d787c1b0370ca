// What a snapshot or a digest keeps of each table: the parts that cannot be worked out again.
import type { NodeId, QueueName } from '../../protocol/brands.ts';
import type { NodeSpec } from '../../protocol/node.ts';
import type { QueueSettings } from '../../protocol/queue.ts';
import type { TaskGroupRef, TaskSpec } from '../../protocol/task.ts';
import type { AttemptRecord } from '../../protocol/attempt.ts';
import type { Queue } from '../queue/queue.ts';
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
  readonly copy?: SavedAttempt;
  readonly cancelReason?: string;
  readonly checkpoint?: string;
  readonly suspectNodes?: readonly NodeId[];
  readonly group?: TaskGroupRef;
}
export type SavedAttempt = Omit<LiveAttempt, 'leaseUntilMs' | 'node'>;
export interface SavedNode {
  readonly id: NodeId;
  readonly state: number;
  readonly cordoned: number;
  readonly spec: NodeSpec;
}
interface SavedQueue {
  readonly name: QueueName;
  readonly weight: number;
  readonly served: number;
  /** Absent where the weight is all that was ever set. */
  readonly settings?: QueueSettings;
}
export interface SavedHead {
  readonly epoch: number;
  readonly sequence: number;
  readonly lastBatchAtMs: number;
  readonly nextTaskId: number;
  readonly nextToken: number;
  readonly nextOrder: number;
  readonly queues: readonly SavedQueue[];
}

export const savedHead = (state: SchedulerState): SavedHead => ({
  epoch: state.epoch,
  sequence: state.sequence,
  lastBatchAtMs: state.lastBatchAtMs,
  nextTaskId: state.nextTaskId,
  nextToken: state.nextToken,
  nextOrder: state.nextOrder,
  queues: [...state.ready.queues.values()].map(savedQueue),
});

function savedQueue({ name, settings, served }: Queue): SavedQueue {
  const { weight } = settings;
  const isPlain = settings.mode === 'open' && Object.keys(settings).length === plainSettings;
  return { name, weight, served, ...(isPlain ? {} : { settings }) };
}
/** Weight and mode. */
const plainSettings = 2;

export const savedNodes = ({ nodes }: SchedulerState): readonly SavedNode[] =>
  [...nodes.occupied()].map((node) => ({
    id: nodes.idOf(node),
    state: nodes.state[node] ?? 0,
    cordoned: nodes.cordoned[node] ?? 0,
    spec: nodes.specOf(node),
  }));

export function savedTask(task: Task): SavedTask {
  const { live, copy } = task;
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
    ...(task.checkpoint === undefined ? {} : { checkpoint: task.checkpoint }),
    ...(task.suspectNodes.length > 0 && { suspectNodes: task.suspectNodes }),
    ...(task.group === undefined ? {} : { group: task.group }),
    ...(live === undefined ? {} : { live: savedAttempt(live) }),
    ...(copy && { copy: savedAttempt(copy) }),
  };
}

export const savedAttempt = (live: LiveAttempt): SavedAttempt => ({
  attempt: live.attempt,
  token: live.token,
  nodeId: live.nodeId,
  placedAtMs: live.placedAtMs,
  gpuMask: live.gpuMask,
  startedAtMs: live.startedAtMs,
  ...(live.preemptedBy !== undefined && { preemptedBy: live.preemptedBy }),
  ...(live.isReclaimed === true && { isReclaimed: true as const }),
});
