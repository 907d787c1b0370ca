// Why a task waits, as a tree of causes, what would help, and when it should start; or why a placed one is where it is.
// The rules are those of placement itself, so that an explanation cannot drift from the decision.
import type { TaskId } from '../../protocol/brands.ts';
import type { TaskPendingReason } from '../../protocol/reasons.ts';
import type { WhyAnswer, WhyCause } from '../../protocol/why.ts';
import { arrayAsTask, heldElement } from '../groupView.ts';
import { waitingOf } from '../queue/waiting.ts';
import { leaderOf } from '../state/gangTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import { causesOf, waitsFor } from './causes.ts';
import { expectedStart } from './expectedStart.ts';
import { helpsOf } from './helps.ts';
import { funnelOf, nearMissesOf, type NodeScan, scanNodes } from './nodeScan.ts';

/** O(nodes x rules), and O(tasks of its lane) where it waits in one. Undefined where the task is not live. */
export function why(state: SchedulerState, taskId: TaskId): WhyAnswer | undefined {
  const task = asTask(state, taskId);
  if (!task) return undefined;
  if (!waits(task)) return placed(state, task);
  state.reservations.lookFor(task);
  const scan = scanNodes(state, task.askClass);
  state.reservations.lookFor(undefined);
  const lane = state.ready.laneOf(task);
  const ahead = task.state === 'ready' ? (lane?.ahead(task) ?? 0) : 0;
  const causes = causesOf(state, task, { scan, ahead });
  const verdict = verdictOf(causes, scan);
  const expected = verdict === 'never' ? undefined : expectedStart(state, task, { scan, causes, ahead });
  return {
    taskId,
    waiting: waitingOf(state, task),
    dominant: dominantOf(causes),
    verdict,
    causes,
    helps: helpsOf(state, task, { scan, causes }),
    ...(expected && { expected }),
    registered: state.nodes.size,
    funnel: funnelOf(state.nodes.size, scan.removed),
    nearMisses: nearMissesOf(state, task.askClass, scan),
    ahead,
    ...waitsFor(state, task),
    ...(task.untilMs > 0 && task.state !== 'ready' && { untilMs: task.untilMs }),
  };
}

/** What waits under this id: a gang waits as its leader does, an array as the first of its elements. */
function asTask(state: SchedulerState, taskId: TaskId): Task | undefined {
  const task = state.tasks.get(taskId);
  const gang = task ? state.gangs.of(task) : state.gangs.get(taskId);
  if (gang && (!task || gang.active === 0)) return leaderOf(gang);
  return task ?? arrayAsTask(state, taskId) ?? heldElement(state, taskId);
}

const waits = ({ state }: Task): boolean => state === 'ready' || state === 'held' || state === 'backoff';

function placed(state: SchedulerState, task: Task): WhyAnswer {
  const { taskId, live } = task;
  const there = live && state.placer.choices.of(live.token, state.nodes);
  return {
    taskId,
    waiting: waitingOf(state, task),
    dominant: 'NOT_WAITING',
    verdict: 'now',
    causes: [],
    helps: [],
    registered: state.nodes.size,
    funnel: [],
    nearMisses: [],
    ahead: 0,
    ...(live && { placedOn: live.nodeId }),
    ...(there && { there }),
  };
}

/** Nothing but its turn is missing: it may be placed by the next cycle. */
const isTurn = ({ reason }: WhyCause): boolean => reason === 'BEHIND_OTHERS';

function verdictOf(causes: readonly WhyCause[], { fitsEver }: NodeScan): WhyAnswer['verdict'] {
  if (!fitsEver || causes.some(({ facts }) => facts['isForEver'] === 1)) return 'never';
  return causes.every(isTurn) ? 'now' : 'later';
}

/** The first cause; of nodes that do not fit, the rule that stopped the last ones: it is what would have to change. */
function dominantOf(causes: readonly WhyCause[]): TaskPendingReason {
  const first = causes[0];
  if (!first) return 'BEHIND_OTHERS';
  if (first.reason !== 'NO_NODE_FITS') return first.reason;
  const last = first.causes.at(-1)?.reason;
  return last === undefined || last === 'NO_NODE_FITS' ? 'NO_NODES' : last;
}
