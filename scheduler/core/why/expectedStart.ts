// When a waiting task should start: from a time that is set, from when enough room or quota should be free, or from how
// fast the tasks ahead of it start. An estimate with an interval; nothing where there is nothing to go by.
import { ms } from '../../protocol/brands.ts';
import type { ExpectedStart, WhyCause } from '../../protocol/why.ts';
import { preemptionOf } from '../preempt/nominations.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import type { NodeScan } from './nodeScan.ts';

interface Known {
  readonly scan: NodeScan;
  readonly causes: readonly WhyCause[];
  readonly ahead: number;
}

/** Half of the time that is expected earlier, twice of it later: run times vary about as much within a kind. */
const earlier = 0.5;
const later = 2;

export function expectedStart(state: SchedulerState, task: Task, known: Known): ExpectedStart | undefined {
  const nowMs = state.lastBatchAtMs;
  if (known.causes.some(({ reason }) => needsPerson.has(reason))) return undefined;
  if (task.untilMs > nowMs && (task.state === 'backoff' || task.state === 'held'))
    return { atMs: task.untilMs, fromMs: task.untilMs, untilMs: ms(task.untilMs + turnMs), basis: 'time' };
  const room = known.causes.some(({ reason }) => reason === 'NO_NODE_FITS')
    ? (reservedInMs(state, task) ?? roomInMs(state, task, known.scan))
    : 0;
  if (room === undefined) return undefined;
  const turn = turnInMs(state, task, known.ahead);
  if (turn === undefined) return room > 0 ? estimate(nowMs, room, 'ends') : undefined;
  return room > turn ? estimate(nowMs, room, 'ends') : estimate(nowMs, Math.max(turn, 1), 'rate');
}

/** Causes that end by a person's decision only. */
const needsPerson: ReadonlySet<string> = new Set(['QUEUE_PAUSED', 'NO_NODES', 'DEPENDENCY']);
/** Between a time that has come and the placement. */
const turnMs = 500;

const estimate = (nowMs: number, inMs: number, basis: ExpectedStart['basis']): ExpectedStart => ({
  atMs: ms(Math.round(nowMs + inMs)),
  fromMs: ms(Math.round(nowMs + inMs * earlier)),
  untilMs: ms(Math.round(nowMs + inMs * later)),
  basis,
});

/** Where room is made or kept for it: until then. */
function reservedInMs(state: SchedulerState, task: Task): number | undefined {
  const { reservations, lastBatchAtMs } = state;
  const made = preemptionOf(state, task);
  if (made) return Math.max(turnMs, made.graceUntilMs - lastBatchAtMs);
  const kept = reservations.of(task);
  return kept && Math.max(turnMs, kept.fromMs - lastBatchAtMs);
}

/** By how fast tasks of its queue end of late, and so make room for as many. Undefined where none did. */
function turnInMs(state: SchedulerState, { spec }: Task, ahead: number): number | undefined {
  if (ahead === 0) return 0;
  const perS = state.ready.mustGet(spec.queue).share.ends.perS(state.lastBatchAtMs);
  return perS > 0 ? (ahead / perS) * 1_000 : undefined;
}

/**
 * Until there is room for it, beside what is kept for others, on the node that is first to have it. Undefined where no
 * node will.
 */
function roomInMs(
  { reservations, lastBatchAtMs }: SchedulerState,
  task: Task,
  { wantRoom }: NodeScan,
): number | undefined {
  let leastMs = Number.POSITIVE_INFINITY;
  for (const node of wantRoom)
    leastMs = Math.min(leastMs, reservations.roomAtMs(node, task, leastMs) ?? leastMs);
  return Number.isFinite(leastMs) ? Math.max(turnMs, leastMs - lastBatchAtMs) : undefined;
}
