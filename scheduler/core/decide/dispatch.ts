// What an agent is told of an attempt that is its to run.
import type { Dispatch } from '../../protocol/agentWire.ts';
import type { NodeId } from '../../protocol/brands.ts';
import type { Effect } from '../effects.ts';
import { type Gang, leaderOf } from '../state/gangTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { LiveAttempt, Task } from '../state/taskTable.ts';

export function dispatchOf(state: SchedulerState, task: Task, live: LiveAttempt): Effect {
  const gang = state.gangs.of(task);
  const dispatch: Dispatch = {
    token: live.token,
    taskId: task.taskId,
    attempt: live.attempt,
    epoch: state.epoch,
    work: task.spec.work,
    timeoutMs: task.spec.timeoutMs,
    graceMs: task.spec.graceMs,
    cpu: task.spec.ask.cpu,
    memory: task.spec.ask.memory,
    gpuMask: live.gpuMask,
    ...(task.spec.offlineLimitMs !== undefined && { offlineLimitMs: task.spec.offlineLimitMs }),
    ...(task.checkpoint !== undefined && { checkpoint: task.checkpoint }),
    ...(task.group && { group: gang ? { ...task.group, nodes: nodesOf(gang) } : task.group }),
  };
  return {
    kind: 'dispatch',
    nodeId: live.nodeId,
    dispatch,
    waitedSinceMs: (gang ? leaderOf(gang) : task).enqueuedAtMs,
  };
}

/** By index: how members find each other. One that has ended was there too. */
const nodesOf = ({ members }: Gang): readonly NodeId[] =>
  members.flatMap(({ live, past }) => live?.nodeId ?? past.at(-1)?.nodeId ?? []);
