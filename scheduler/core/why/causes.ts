// Everything that holds a waiting task back, as a tree: its own state, the gates of its queue and tenant, the nodes.
import type { TaskPendingReason } from '../../protocol/reasons.ts';
import type { WhyCause, WhyFacts } from '../../protocol/why.ts';
import { gateOf } from '../queue/gates.ts';
import { roomIn } from '../state/arrayTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import { funnelOf, type NodeScan } from './nodeScan.ts';

interface Known {
  readonly scan: NodeScan;
  readonly ahead: number;
}

const cause = (
  reason: WhyCause['reason'],
  facts: WhyFacts = {},
  causes: readonly WhyCause[] = [],
): WhyCause => ({ reason, facts, causes });

/** The nearest to the task first. Those of one answer all have to go before it starts. */
export function causesOf(state: SchedulerState, task: Task, { scan, ahead }: Known): readonly WhyCause[] {
  const causes = [...ownCauses(state, task), ...gateCauses(state, task), ...nodeCauses(state, scan)];
  return causes.length > 0 ? causes : [cause('BEHIND_OTHERS', { ahead })];
}

/** What lies with the task itself. */
function ownCauses(state: SchedulerState, task: Task): readonly WhyCause[] {
  if (task.state === 'backoff') return [cause('BACKOFF', { untilMs: task.untilMs })];
  if (task.state !== 'held') return [];
  if (task.untilMs > 0) return [cause('DELAYED', { untilMs: task.untilMs })];
  const array = state.arrays.of(task.group) ?? state.arrays.get(task.taskId);
  if (array && roomIn(array, state.tasks.groups.of(array.groupId)) <= 0)
    return [cause('ARRAY_RUNNING_MAX', { runningMax: array.spec.array?.runningMax ?? 0 })];
  return [];
}

/** What its queue, its tenant or the plant's licences do not allow now. */
function gateCauses(state: SchedulerState, task: Task): readonly WhyCause[] {
  const { queue, tenant } = task.spec;
  const gate = gateOf(state, task);
  return gate ? [cause(gate, gate.startsWith('QUEUE') ? { queue } : { tenant })] : [];
}

function nodeCauses(state: SchedulerState, { fitsNow, removed }: NodeScan): readonly WhyCause[] {
  if (fitsNow) return [];
  const registered = state.nodes.size;
  if (registered === 0) return [cause('NO_NODES')];
  const parts = funnelOf(registered, removed).map(({ reason, removed: nodes, remaining }) =>
    cause(asSeen(state, reason), { nodes, remaining }),
  );
  return [cause('NO_NODE_FITS', { registered }, parts)];
}

/** Nodes that are not back yet after a restart are not simply away. */
function asSeen(state: SchedulerState, reason: TaskPendingReason): TaskPendingReason {
  const isRejoining = state.lastBatchAtMs < state.rejoinUntilMs;
  return reason === 'NODE_NOT_ONLINE' && isRejoining ? 'REJOINING' : reason;
}
