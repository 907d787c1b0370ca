// What becomes of a gang: taken in as one, given up where no room was found in time, stopped as a whole where a member
// fails, tried again as a whole.
import { formatTaskId, type TaskId, taskId } from '../../protocol/brands.ts';
import { type AttemptEnd, isSuccess } from '../../protocol/attempt.ts';
import type { Actor } from '../../protocol/events.ts';
import type { TaskSpec } from '../../protocol/task.ts';
import { type Gang, leaderOf } from '../state/gangTable.ts';
import type { Task } from '../state/taskTable.ts';
import { awaitTime } from './delay.ts';
import { backoffUntil, describe, whyNoRetry } from './retry.ts';
import type { Turn } from './turn.ts';

/** The id of the group. Its members' follow it. */
export function admitGang(turn: Turn, spec: TaskSpec, actor: Actor): TaskId {
  const groupId = taskId(turn.state.nextTaskId);
  turn.emit({ kind: 'gang_admitted', groupId, spec, submitter: actor });
  const gang = turn.state.gangs.mustGet(groupId);
  awaitTime(turn, leaderOf(gang).taskId);
  watch(turn, gang, turn.nowMs);
  return groupId;
}

function watch({ state }: Turn, gang: Gang, fromMs: number): void {
  state.timers.add({ dueMs: fromMs + placeWithin(gang), kind: 'gang', id: gang.groupId });
}
const placeWithin = (gang: Gang): number => leaderOf(gang).spec.gang?.placeWithinMs ?? 0;

/** The gang has stood in line for as long as it may, unless it has left it meanwhile, or came back to it later. */
export function gangTimer(turn: Turn, groupId: TaskId): void {
  const gang = turn.state.gangs.get(groupId);
  if (!gang || gang.active > 0) return;
  const leader = leaderOf(gang);
  const isInLine = leader.state === 'ready';
  const dueMs = (isInLine ? leader.enqueuedAtMs : turn.nowMs) + placeWithin(gang);
  if (!isInLine || dueMs > turn.nowMs) {
    turn.state.timers.add({ dueMs, kind: 'gang', id: groupId });
    return;
  }
  const size = String(gang.members.length);
  const reason = `no room for all ${size} members at once within ${String(placeWithin(gang) / 1_000)} s`;
  for (const { taskId } of [...gang.members]) turn.emit({ kind: 'task_dead_lettered', taskId, reason });
}

/** A member's attempt has ended. It stays until all others' have: only then is the end of the gang known. */
export function settleMember(turn: Turn, gang: Gang, { task, end }: { task: Task; end: AttemptEnd }): void {
  if (gang.active === 0) {
    conclude(turn, gang, task);
    return;
  }
  const breaks = !isSuccess(end) && gang.brokenBy === undefined && task.state !== 'cancelling';
  turn.emit({ kind: 'gang_member_ended', taskId: task.taskId });
  if (!breaks) return;
  turn.emit({ kind: 'gang_broken', groupId: gang.groupId, taskId: task.taskId });
  stopMembers(turn, gang);
}

export function cancelGang(
  turn: Turn,
  gang: Gang,
  { actor, reason }: { actor: Actor; reason: string },
): void {
  const isWaiting = gang.active === 0;
  for (const { taskId, live, state } of [...gang.members])
    if (isWaiting) turn.emit({ kind: 'task_cancelled', taskId, reason });
    else if (live && state !== 'cancelling')
      turn.emit({ kind: 'task_cancel_requested', taskId, actor, reason });
  if (!isWaiting) stopMembers(turn, gang);
}

function stopMembers(turn: Turn, { members }: Gang): void {
  for (const { live } of members)
    if (live) turn.effect({ kind: 'stop', nodeId: live.nodeId, token: live.token });
}

/** No member runs any more. `last`: the one whose attempt ended now. */
function conclude(turn: Turn, gang: Gang, last: Task): void {
  const members = [...gang.members];
  if (members.every((member) => isSuccess(endOf(member)))) {
    for (const { taskId } of members) turn.emit({ kind: 'task_succeeded', taskId });
    return;
  }
  if (last.state === 'cancelling') {
    const reason = last.cancelReason ?? '';
    for (const { taskId } of members) turn.emit({ kind: 'task_cancelled', taskId, reason });
    return;
  }
  const cause = gang.brokenBy === undefined ? last : turn.state.tasks.mustGet(gang.brokenBy);
  const why = whyNoGangRetry(gang, cause);
  if (why === undefined) {
    backOff(turn, gang, cause);
    return;
  }
  const said = `${why}: ${describe(endOf(cause))}`;
  for (const member of members) {
    const reason = member === cause ? said : `its gang: member ${formatTaskId(cause.taskId)} ${said}`;
    turn.emit({ kind: 'task_dead_lettered', taskId: member.taskId, reason });
  }
}

/** By the member that broke it; at most once holds for every member. */
function whyNoGangRetry({ members }: Gang, cause: Task): string | undefined {
  const { delivery } = cause.spec;
  if (delivery === 'at_most_once' && members.some((member) => endOf(member).reason !== 'refused'))
    return 'runs at most once and may have run';
  return whyNoRetry(cause, endOf(cause));
}

function backOff(turn: Turn, gang: Gang, cause: Task): void {
  const { groupId } = gang;
  const untilMs = backoffUntil(turn, cause, endOf(cause));
  turn.emit({ kind: 'gang_backed_off', groupId, taskId: cause.taskId, untilMs });
  turn.state.timers.add({ dueMs: untilMs, kind: 'backoff', id: leaderOf(gang).taskId });
  watch(turn, gang, untilMs);
}

const endOf = ({ past }: Task): AttemptEnd => past.at(-1)?.end ?? { reason: 'lost' };
