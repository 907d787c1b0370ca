// When a waiting task should start: from a time that is set, from when enough room or quota should be free, or from how
// fast the tasks ahead of it start. An estimate with an interval; nothing where there is nothing to go by.
import { ms, type NodeIndex } from '../../protocol/brands.ts';
import { gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import type { ExpectedStart, WhyCause } from '../../protocol/why.ts';
import { preemptionOf } from '../preempt/nominations.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { attemptOf, type LiveAttempt, type Task } from '../state/taskTable.ts';
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

/** Until enough has ended on the node that is first to have room for it. Undefined where no node will. */
function roomInMs(state: SchedulerState, task: Task, { wantRoom }: NodeScan): number | undefined {
  let least: number | undefined;
  for (const node of wantRoom) {
    const inMs = nodeRoomInMs(state, task, node);
    if (inMs !== undefined && (least === undefined || inMs < least)) least = inMs;
  }
  return least;
}

/** Attempts of the node in the order in which they should end, until what they give back is enough. */
function nodeRoomInMs(state: SchedulerState, task: Task, node: NodeIndex): number | undefined {
  const { nodes } = state;
  const { ask } = task.spec;
  const free = {
    cpu: nodes.cpuFree[node] ?? 0,
    memory: nodes.memoryFree[node] ?? 0,
    slots: nodes.slotsFree[node] ?? 0,
  };
  let gpuMissing = task.askClass.ask.gpu ? gpuOf(ask.gpu) : 0;
  const ends = [...nodes.attemptsOn(node)]
    .flatMap((token) => {
      const holder = state.tasks.byToken(token);
      const live = attemptOf(holder, token);
      return holder && live ? [{ holder, inMs: endsInMs(holder, live, state.lastBatchAtMs) }] : [];
    })
    .sort((a, b) => a.inMs - b.inMs);
  for (const { holder, inMs } of ends) {
    free.cpu += holder.spec.ask.cpu;
    free.memory += holder.spec.ask.memory;
    free.slots += holder.spec.ask.slots;
    gpuMissing -= gpuOf(holder.spec.ask.gpu);
    const isEnough = free.cpu >= ask.cpu && free.memory >= ask.memory && free.slots >= ask.slots;
    if (isEnough && gpuMissing <= 0) return inMs;
  }
  return undefined;
}

const gpuOf = (gpu: Task['spec']['ask']['gpu']): number =>
  gpu ? gpu.devices * (gpu.thousandths || gpuThousandthsPerDevice) : 0;

/** By what the task says of itself, or else by its timeout; one that is over its time should end at any moment. */
function endsInMs({ spec }: Task, { startedAtMs, placedAtMs }: LiveAttempt, nowMs: number): number {
  const runMs = Math.min(spec.expectedMs ?? spec.timeoutMs, spec.timeoutMs);
  return Math.max(turnMs, (startedAtMs ?? placedAtMs) + runMs - nowMs);
}
