// Admission: repeated keys answered with the first task, unknown queues and full tables refused, all else taken in.
import { formatTaskId, taskId, type TaskId } from '../../protocol/brands.ts';
import type { SubmitAnswer } from '../../protocol/consoleAnswers.ts';
import type { SubmitTasks } from '../../protocol/events.ts';
import { askClassesMax, liveTasksMax, liveWorkBytesMax, watchedLabelsMax } from '../../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import type { TaskSpec } from '../../protocol/task.ts';
import { labelSetsOf } from '../state/askRules.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Turn } from './turn.ts';

/** One answer per spec, in order. A refused spec does not refuse the others. */
export function submitTasks(turn: Turn, command: SubmitTasks): readonly SubmitAnswer[] {
  return command.specs.map((spec) => {
    const admitted = admit(turn, spec, command.actor);
    return admitted.ok ? { ok: true, taskId: admitted.value } : { ok: false, refusal: admitted.reason };
  });
}

function admit(turn: Turn, spec: TaskSpec, actor: string): Outcome<TaskId, Refusal> {
  const { state } = turn;
  const repeated = spec.key === undefined ? undefined : state.tasks.byKey(spec.key);
  if (repeated !== undefined) return repeat(state, spec, repeated);
  const reason = whyNotTakenIn(state, spec);
  if (reason) return refused(reason);
  const id = taskId(state.nextTaskId);
  turn.emit({ kind: 'task_admitted', taskId: id, spec, submitter: actor });
  return accepted(id);
}

/** The same key again: the same task, unless it plainly asks for something else. */
function repeat(state: SchedulerState, spec: TaskSpec, first: TaskId): Outcome<TaskId, Refusal> {
  const task = state.tasks.get(first);
  if (!task || JSON.stringify(task.spec) === JSON.stringify(spec)) return accepted(first);
  const said = `key "${spec.key ?? ''}" belongs to ${formatTaskId(first)}, which asks for something else`;
  return refused(refusal('key_conflict', `${said}; use another key`, { field: 'key' }));
}

/** The reason why a task cannot be taken in now, or undefined where it can. */
export function whyNotTakenIn(state: SchedulerState, spec: TaskSpec): Refusal | undefined {
  if (!state.ready.queues.has(spec.queue)) {
    const known = [...state.ready.queues.keys()].slice(0, 5).join(', ');
    const said = `queue ${spec.queue} does not exist (there are: ${known}); create it first or use one of these`;
    return refusal('unknown_queue', said, { field: 'queue' });
  }
  if (state.tasks.size >= liveTasksMax)
    return full(state, `${String(liveTasksMax)} tasks are waiting or running`);
  if (state.tasks.bytes >= liveWorkBytesMax)
    return full(state, `waiting tasks hold ${String(liveWorkBytesMax / 1_048_576)} MiB of work`);
  if (!state.classes.hasRoomForAsk(spec)) {
    const said = `${String(askClassesMax)} different asks are live; round the resources or selectors to common values`;
    return refusal('class_limit', said, { field: 'ask' });
  }
  if (spec.placement && !state.neighbours.hasRoomFor(labelSetsOf(spec.placement))) {
    const most = String(watchedLabelsMax);
    const said = `placement rules of live tasks name ${most} different labels; use one of those`;
    return refusal('class_limit', said, { field: 'placement' });
  }
  return undefined;
}

const retryAfterLeastMs = 1_000;
const retryAfterMostMs = 60_000;
const roomWanted = 1_000; // come back when about this many places are free

/** `queue_full` with a wait worked out from how fast tasks end. */
function full(state: SchedulerState, what: string): Refusal {
  const perS = state.endedPerS();
  const wait = perS > 0 ? (roomWanted / perS) * 1_000 : retryAfterMostMs;
  const retryAfterMs = Math.round(Math.min(retryAfterMostMs, Math.max(retryAfterLeastMs, wait)));
  const said = `${what}; retry after ${String(retryAfterMs / 1_000)} s`;
  return refusal('queue_full', said, { retryAfterMs });
}
