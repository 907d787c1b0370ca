// Admission: repeated keys answered with the first task, unknown queues and full tables refused, all else taken in.
import { formatTaskId, taskId, type TaskId } from '../../protocol/brands.ts';
import type { SubmitAnswer } from '../../protocol/consoleAnswers.ts';
import type { SubmitTasks } from '../../protocol/events.ts';
import {
  arraysMax,
  askClassesMax,
  liveTasksMax,
  liveWorkBytesMax,
  watchedLabelsMax,
} from '../../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import type { TaskSpec } from '../../protocol/task.ts';
import type { Queue } from '../queue/queue.ts';
import { labelSetsOf } from '../state/askRules.ts';
import { leaderOf } from '../state/gangTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { awaitTime } from './delay.ts';
import { admitGang } from './gang.ts';
import { whyNotLicensed } from './maintenance.ts';
import type { Turn } from './turn.ts';

/** One answer per spec, in order. A refused spec does not refuse the others. */
export function submitTasks(turn: Turn, command: SubmitTasks): readonly SubmitAnswer[] {
  return command.specs.map((spec) => {
    const admitted = admit(turn, spec, command.actor);
    return admitted.ok ? { ok: true, taskId: admitted.value } : { ok: false, refusal: admitted.reason };
  });
}

/** Takes one task in, or says why not. */
export function admit(turn: Turn, spec: TaskSpec, actor: string): Outcome<TaskId, Refusal> {
  const { state } = turn;
  const repeated = spec.key === undefined ? undefined : state.tasks.byKey(spec.key);
  if (repeated !== undefined) return repeat(state, spec, repeated);
  const reason = whyNotTakenIn(state, spec);
  if (reason) return refused(reason);
  if (spec.gang) return accepted(admitGang(turn, spec, actor));
  const id = taskId(state.nextTaskId);
  const { array } = spec;
  if (array) {
    const lastTaskId = taskId(id + array.count);
    turn.emit({ kind: 'array_admitted', taskId: id, lastTaskId, spec, submitter: actor });
  } else turn.emit({ kind: 'task_admitted', taskId: id, spec, submitter: actor });
  if (spec.notBeforeMs !== undefined) awaitTime(turn, id);
  return accepted(id);
}

/** The same key again: the same task, unless it plainly asks for something else. */
function repeat(state: SchedulerState, spec: TaskSpec, first: TaskId): Outcome<TaskId, Refusal> {
  const gang = state.gangs.get(first);
  const known = gang ? leaderOf(gang) : (state.tasks.get(first) ?? state.arrays.get(first));
  if (!known || JSON.stringify(known.spec) === JSON.stringify(spec)) return accepted(first);
  const said = `key "${spec.key ?? ''}" belongs to ${formatTaskId(first)}, which asks for something else`;
  return refused(refusal('key_conflict', `${said}; use another key`, { field: 'key' }));
}

/** The reason why a task cannot be taken in now, or undefined where it can. */
export function whyNotTakenIn(state: SchedulerState, spec: TaskSpec): Refusal | undefined {
  const queue = state.ready.queues.get(spec.queue);
  if (!queue) {
    const known = [...state.ready.queues.keys()].slice(0, 5).join(', ');
    const said = `queue ${spec.queue} does not exist (there are: ${known}); create it first or use one of these`;
    return refusal('unknown_queue', said, { field: 'queue' });
  }
  if (queue.settings.mode === 'draining') {
    const said = `queue ${queue.name} is draining: it takes no more tasks; use another, or resume it first`;
    return refusal('wrong_state', said, { field: 'queue' });
  }
  if (spec.array && state.arrays.size >= arraysMax) {
    const said = `${String(arraysMax)} arrays have not ended; wait for one of them`;
    return refusal('too_many', said, { field: 'array' });
  }
  const isFull = whyFull(state, queue, spec);
  if (isFull) return isFull;
  if (!state.classes.hasRoomForAsk(spec)) {
    const said = `${String(askClassesMax)} different asks are live; round the resources or selectors to common values`;
    return refusal('class_limit', said, { field: 'ask' });
  }
  if (spec.placement && !state.neighbours.hasRoomFor(labelSetsOf(spec.placement))) {
    const most = String(watchedLabelsMax);
    const said = `placement rules of live tasks name ${most} different labels; use one of those`;
    return refusal('class_limit', said, { field: 'placement' });
  }
  return spec.licences ? whyNotLicensed(state, spec.licences) : undefined;
}

function whyFull(state: SchedulerState, queue: Queue, spec: TaskSpec): Refusal | undefined {
  const added = spec.gang?.size ?? 1;
  const { nowMs } = state.ready;
  if (state.tasks.size + state.arrays.size + added > liveTasksMax)
    return full(state.ends.perS(nowMs), liveTasksMax, `${String(liveTasksMax)} tasks are waiting or running`);
  if (state.tasks.bytes >= liveWorkBytesMax) {
    const said = `waiting tasks hold ${String(liveWorkBytesMax / 1_048_576)} MiB of work`;
    return full(state.ends.perS(nowMs), liveTasksMax, said);
  }
  const ofQueue = queue.settings.depthMax;
  if (ofQueue !== undefined && queue.share.live + added > ofQueue)
    return full(
      queue.share.ends.perS(nowMs),
      ofQueue,
      `queue ${queue.name} holds its ${String(ofQueue)} tasks`,
    );
  const tenant = state.tenants.get(spec.tenant);
  const ofTenant = tenant?.settings?.depthMax;
  if (tenant && ofTenant !== undefined && tenant.share.live + added > ofTenant)
    return full(
      tenant.share.ends.perS(nowMs),
      ofTenant,
      `tenant ${tenant.name} has its ${String(ofTenant)} tasks`,
    );
  return undefined;
}

const retryAfterLeastMs = 1_000;
const retryAfterMostMs = 60_000;
/** Come back when about this many places are free, */
const roomWanted = 1_000;
/** or, where there are fewer, this share of them. */
const roomShare = 0.1;

/** `queue_full` with a wait worked out from how fast tasks of that kind end. */
function full(endedPerS: number, places: number, what: string): Refusal {
  const wanted = Math.min(roomWanted, Math.ceil(places * roomShare));
  const wait = endedPerS > 0 ? (wanted / endedPerS) * 1_000 : retryAfterMostMs;
  const retryAfterMs = Math.round(Math.min(retryAfterMostMs, Math.max(retryAfterLeastMs, wait)));
  return refusal('queue_full', `${what}; retry after ${String(retryAfterMs / 1_000)} s`, { retryAfterMs });
}
