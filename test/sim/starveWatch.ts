// Does anybody wait for ever? Two bounds. Nobody whose ask was set aside may wait while a node would take him. And the
// first of each line, with nothing but room in its way, starts within the patience of the plant and the longest run in
// it: by then room has been kept for it, and what runs there has ended.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import { avoidedBy } from '../../scheduler/core/decide/blame.ts';
import { emptyFits } from '../../scheduler/core/place/everFits.ts';
import { gateOf } from '../../scheduler/core/queue/gates.ts';
import type { Line } from '../../scheduler/core/queue/line.ts';
import { nodeState } from '../../scheduler/core/state/nodeTable.ts';
import type { SchedulerState } from '../../scheduler/core/state/schedulerState.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import { ageingStepMs } from '../../scheduler/protocol/limits.ts';
import type { Report } from './audit.ts';

/** A queue that says nothing of backfill keeps room for a task that has waited this long. */
const patienceMs = 60_000;
/** Messages, leases of nodes that fall silent, turns that wait for the disk. */
const slackMs = 60_000;
/** Time between two turns that counts as waiting: beyond it the host was away. */
const stepMost = 5_000;
const lookEveryTurns = 8;
/** What comes within this time is one batch: its largest go first. */
const batchMs = 1_000;

interface Head {
  readonly task: Task;
  readonly order: number;
  readonly waitedMs: number;
}

export class StarveWatch {
  readonly counts = { longestMs: 0 };
  readonly #report: Report;
  /** Of each line the task that goes next, and for how long it has been that with a free way. */
  #heads = new Map<Line, Head>();
  #core: Core | undefined;
  #atMs = 0;
  #turns = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  turned(core: Core, { batch, hasMore }: TurnResult): void {
    const { state } = core;
    const isNews = core !== this.#core || (batch?.events.some(changesPlant) ?? false);
    this.#core = core;
    if (isNews) this.#heads.clear();
    this.#turns += 1;
    if (this.#turns % lookEveryTurns !== 0) return;
    if (!hasMore) this.#lookForRoom(state);
    const passedMs = Math.min(stepMost, Math.max(0, state.ready.nowMs - this.#atMs));
    this.#atMs = state.ready.nowMs;
    this.#lookAtHeads(state, passedMs);
  }

  /** Where room is kept, who may pass is judged by the very task, not by its ask. Gangs: see `gangsLeftWaiting`. */
  #lookForRoom(state: SchedulerState): void {
    const { classes, nodes, placer, ready, reservations } = state;
    reservations.lookFor(undefined);
    for (const ask of classes.askClasses) {
      if (!ask?.isBlocked || ask.gangSize > 0 || ask.isShortOfLicence) continue;
      const waiting = [...ready.lanesOf(ask)].map((lane) => lane.first());
      const [free] = waiting.filter((task) => task && !gateOf(state, task));
      if (!free) continue;
      const avoid = avoidedBy(state, free);
      for (const node of nodes.occupied())
        if (!reservations.first(node) && avoid?.has(node) !== true && placer.fits(node, ask)) {
          const name = `task ${String(free.taskId)}`;
          this.#report('left-waiting', `${name} is set aside, and ${nodes.idOf(node)} would take it`);
          return;
        }
    }
  }

  #waited(line: Line, task: Task, passedMs: number): number {
    const known = this.#heads.get(line);
    return known?.task === task && known.order === task.enqueuedOrder ? known.waitedMs + passedMs : 0;
  }

  #lookAtHeads(state: SchedulerState, passedMs: number): void {
    const heads = new Map<Line, Head>();
    let longestMs = 0;
    for (const task of state.tasks.all())
      longestMs = Math.max(longestMs, lengthOf(task), ageOf(task, state.ready.nowMs));
    let weights = 0;
    for (const { share, settings } of state.ready.queues.values())
      if (share.live > 0) weights += settings.weight;
    for (const queue of state.ready.queues.values()) {
      const { order, backfill } = queue.settings;
      const lines = order === 'slowdown' || backfill === 'off' ? [] : queue.lines.values();
      for (const line of lines) {
        const task = firstOf(line);
        if (!task || !isFreeToGo(state, task)) continue;
        const waitedMs = this.#waited(line, task, passedMs);
        heads.set(line, { task, order: task.enqueuedOrder, waitedMs });
        this.counts.longestMs = Math.max(this.counts.longestMs, waitedMs);
        // Room is kept for one task of a queue at a time: its lines take turns, and queues do by their weight.
        const most =
          ((patienceMs + longestMs + slackMs) * queue.lines.size * weights) / queue.settings.weight;
        if (waitedMs > most)
          this.#report(
            'starved',
            `task ${String(task.taskId)} was first of ${queue.name} for ${Math.round(waitedMs / 1_000)} s, with room for it on empty nodes`,
          );
      }
    }
    this.#heads = heads;
  }
}

const changesPlant = ({ kind }: Event): boolean =>
  kind.startsWith('node_') || kind.startsWith('window_') || kind === 'queue_put' || kind === 'tenant_put';
/** Some run longer than expected: on slow nodes twelve times. */
const ageOf = ({ live }: Task, nowMs: number): number => (live ? nowMs - live.placedAtMs : 0);
const lengthOf = ({ spec }: Task): number => Math.min(spec.expectedMs ?? spec.timeoutMs, spec.timeoutMs);

/** By priority with ageing, deadline, second of arrival, size, arrival. */
function firstOf(line: Line): Task | undefined {
  let best: { readonly task: Task; readonly rank: readonly number[] } | undefined;
  for (const lane of line.lanes.values())
    for (const task of lane.tasks()) {
      const { spec, enqueuedAtMs, enqueuedOrder } = task;
      const rank = [
        Math.floor(enqueuedAtMs / ageingStepMs) - spec.priority,
        spec.deadlineMs ?? Number.POSITIVE_INFINITY,
        Math.floor(enqueuedAtMs / batchMs),
        -lane.bulk,
        enqueuedOrder,
      ];
      if (!best || isBefore(rank, best.rank)) best = { task, rank };
    }
  return best?.task;
}
function isBefore(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, place) => value !== b[place]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

/** Nothing keeps it back but room, and some open node has enough of it when empty. */
function isFreeToGo(state: SchedulerState, task: Task): boolean {
  const { askClass } = task;
  if (askClass.rules || askClass.gangSize > 0 || askClass.licences.length > 0 || gateOf(state, task))
    return false;
  const { nodes } = state;
  for (const node of nodes.occupied()) {
    const isOpen = nodes.state[node] === nodeState.online && nodes.cordoned[node] === 0;
    if (isOpen && nodes.inWindow[node] === 0 && emptyFits(state, node, askClass)) return true;
  }
  return false;
}
