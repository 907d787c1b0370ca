// Whose fault an attempt's end was: the node's, which is set aside where it fails what others run; the task's, where it
// takes one node after the other down; or nobody's.
import type { NodeIndex } from '../../protocol/brands.ts';
import { type AttemptEnd, isSuccess } from '../../protocol/attempt.ts';
import { revokedKey } from '../../protocol/identity.ts';
import { setAsidePercentMax } from '../../protocol/limits.ts';
import { likeOf } from '../state/likes.ts';
import { blameWindowMs } from '../state/nodeBlame.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { LiveAttempt, Task } from '../state/taskTable.ts';
import type { Turn } from './turn.ts';

/** Ends that a bad node can cause, and that do not tell of the agent or of a person. */
const ownFailures: readonly AttemptEnd['reason'][] = [
  'exit',
  'signal',
  'timeout',
  'spawn_failed',
  'out_of_memory',
];

/**
 * May the task have taken its node or agent down? Not where others went at the same time, where the node was not well
 * before, or while the host itself has only just come back.
 */
export function isSuspect({ state, nowMs }: Turn, live: LiveAttempt, { reason }: AttemptEnd): boolean {
  if (reason !== 'lost' && reason !== 'agent_lost') return false;
  if (live.startedAtMs === undefined || nowMs <= state.rejoinUntilMs) return false;
  if (state.nodeKeys.get(live.nodeId) === revokedKey) return false; // an operator took it
  if (state.leavings.excused.has(live.node)) return false;
  // A long lease ends long after the node went: what went with it then is not known any more.
  if (reason === 'lost' && state.tasks.byToken(live.token)?.spec.offlineLimitMs !== undefined) return false;
  if (!state.leavings.wasAlone(live.node, nowMs)) return false;
  state.leavings.explain(live.node);
  return true;
}

/** Notes how an attempt ended, and sets its node aside where that shows it to be bad. */
export function weighNode(turn: Turn, task: Task, live: LiveAttempt, end: AttemptEnd): void {
  const { state, nowMs } = turn;
  const { node } = live;
  const { taskId, spec } = task;
  if (isSuccess(end)) {
    const runMs = end.runMs ?? nowMs - (live.startedAtMs ?? nowMs);
    state.blame.succeeded(node, likeOf(spec), { atMs: nowMs, runMs });
    for (const past of task.past) if (past.end && !isSuccess(past.end)) acquit(turn, task, past.nodeId);
    return;
  }
  if (!ownFailures.includes(end.reason) || task.state === 'cancelling') return;
  state.blame.failed(node, { taskId, like: likeOf(spec), atMs: nowMs });
  judge(turn, node);
}

/** The task ran after all: where it failed before, the node was at fault. */
function acquit(turn: Turn, task: Task, nodeId: LiveAttempt['nodeId']): void {
  const node = turn.state.nodes.indexOf(nodeId);
  if (node === undefined || nodeId === task.past.at(-1)?.nodeId) return;
  turn.state.blame.prove(node, task.taskId);
  judge(turn, node);
}

function judge(turn: Turn, node: NodeIndex): void {
  const { state, nowMs } = turn;
  const tasks = state.blame.verdict(node, nowMs);
  if (tasks === 0 || state.nodes.setAside.has(node) || !hasRoomToSetAside(state)) return;
  const minutes = String(blameWindowMs / 60_000);
  const reason = `${String(tasks)} tasks that run elsewhere failed on it within ${minutes} min`;
  state.blame.close(node);
  turn.emit({ kind: 'node_set_aside', nodeId: state.nodes.idOf(node), reason });
}

/** At least one node of any plant; its last one can never be blamed, since nothing runs elsewhere. */
const hasRoomToSetAside = ({ nodes }: SchedulerState): boolean =>
  nodes.setAside.size < Math.max(1, Math.floor((nodes.size * setAsidePercentMax) / 100));

/** Nodes that a task should rather not go to next; undefined where that is any: nearly always. */
export function avoidedBy(state: SchedulerState, task: Task): ReadonlySet<NodeIndex> | undefined {
  if (task.past.length === task.forgiven) return undefined;
  const avoid = new Set<NodeIndex>();
  for (const { nodeId, end } of task.past.slice(task.forgiven)) {
    if (end?.reason === 'preempted') continue; // nothing was wrong there
    const node = state.nodes.indexOf(nodeId);
    if (node !== undefined) avoid.add(node);
  }
  if (task.suspectNodes.length > 0) addSuspects(state, task, avoid);
  return avoid;
}

/** Looked at for one placement: past so many suspects it is no longer few tasks that are kept apart. */
const suspectsLookedAtMax = 1_024;

/** Tasks that may have taken a node down are kept apart, so that the next one to go tells which of them it was. */
function addSuspects({ tasks }: SchedulerState, task: Task, avoid: Set<NodeIndex>): void {
  let looked = 0;
  for (const { live, taskId } of tasks.suspects) {
    if ((looked += 1) > suspectsLookedAtMax) return;
    if (live && taskId !== task.taskId) avoid.add(live.node);
  }
}
