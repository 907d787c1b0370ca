// Everything that holds a waiting task back, as a tree: its own state, the gates of its queue and tenant, the nodes.
import type { TaskPendingReason } from '../../protocol/reasons.ts';
import { whyNearMissesMax } from '../../protocol/limits.ts';
import type { WhyAnswer, WhyCause, WhyFacts } from '../../protocol/why.ts';
import { gateOf } from '../queue/gates.ts';
import { preemptionOf } from '../preempt/nominations.ts';
import { roomIn } from '../state/arrayTable.ts';
import { memberIdOf } from '../state/workflowTable.ts';
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
  const causes = [...ownCauses(state, task), ...gateCauses(state, task), ...nodeCauses(state, task, scan)];
  return causes.length > 0 ? causes : [cause('BEHIND_OTHERS', { ahead })];
}

/** What lies with the task itself. */
function ownCauses(state: SchedulerState, task: Task): readonly WhyCause[] {
  if (task.state === 'backoff') return [cause('BACKOFF', { untilMs: task.untilMs })];
  if (task.state === 'held') return heldCauses(state, task);
  const room = preemptionOf(state, task);
  if (!room) return [];
  const { nodeId, victims, graceUntilMs } = room;
  return [cause('MAKING_ROOM', { node: nodeId, attempts: victims.length, graceUntilMs })];
}

/** Not in line yet. */
function heldCauses(state: SchedulerState, task: Task): readonly WhyCause[] {
  if (task.untilMs > 0) return [cause('DELAYED', { untilMs: task.untilMs })];
  if (task.group?.kind === 'gang') return [cause('GANG', { size: task.group.size })];
  if (task.group?.kind === 'workflow')
    return [cause('DEPENDENCY', { tasks: waitsFor(state, task).waitsFor?.length ?? 0 })];
  return arrayCauses(state, task);
}

function arrayCauses(state: SchedulerState, task: Task): readonly WhyCause[] {
  const array = state.arrays.of(task.group) ?? state.arrays.get(task.taskId);
  if (array && roomIn(array, state.tasks.groups.of(array.groupId)) <= 0)
    return [cause('ARRAY_RUNNING_MAX', { runningMax: array.spec.array?.runningMax ?? 0 })];
  return [];
}

/** Tasks of its workflow that a held one comes after and that have not ended. */
export function waitsFor({ workflows }: SchedulerState, task: Task): Pick<WhyAnswer, 'waitsFor'> {
  const found = workflows.of(task.group);
  if (!found || task.state !== 'held' || task.untilMs > 0) return {};
  const open = found.member.after.flatMap((at) => {
    const { ref, ended } = found.row.members[at] ?? {};
    return ref === undefined || ended !== undefined ? [] : [{ taskId: memberIdOf(found.row, at), ref }];
  });
  return { waitsFor: open.slice(0, whyNearMissesMax) };
}

/** What its queue, its tenant or the plant's licences do not allow now. */
function gateCauses(state: SchedulerState, task: Task): readonly WhyCause[] {
  const { queue, tenant } = task.spec;
  const gate = gateOf(state, task);
  const licence = licenceCauses(state, task);
  return gate ? [cause(gate, gate.startsWith('QUEUE') ? { queue } : { tenant }), ...licence] : licence;
}

/** For ever where the plant has too few of it even when nobody holds one. */
function licenceCauses({ licences }: SchedulerState, { askClass }: Task): readonly WhyCause[] {
  const times = Math.max(1, askClass.gangSize);
  const short = licences.shortOf(askClass.licences, times);
  if (short === undefined) return [];
  const facts = { licence: short, needs: (new Map(askClass.licences).get(short) ?? 0) * times };
  return [cause('LICENCE', licences.isNever(askClass.licences, times) ? { ...facts, isForEver: 1 } : facts)];
}

function nodeCauses(state: SchedulerState, task: Task, scan: NodeScan): readonly WhyCause[] {
  const { fitsNow, removed, seatsEver } = scan;
  const { gangSize, isBlocked } = task.askClass;
  if (gangSize > seatsEver) return [cause('GANG', { size: gangSize, seats: seatsEver, isForEver: 1 })];
  if (fitsNow) return gangSize > 0 && isBlocked ? [cause('GANG', { size: gangSize })] : [];
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
