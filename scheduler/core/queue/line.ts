// What one tenant has waiting in one queue: its lanes, those sorted by their heads that may be served. A lane whose ask
// is blocked is not among them and costs nothing until it is woken.
import { priorityMax } from '../../protocol/limits.ts';
import type { Task } from '../state/taskTable.ts';
import { Heap } from '../heap.ts';
import type { Candidate, Contender } from './contest.ts';
import { Lane } from './lane.ts';
import { Share } from './share.ts';
import {
  byArrival,
  type OrderMemory,
  type Outlook,
  type ScoredOrder,
  type Standing,
  type TaskOrder,
} from './taskOrder.ts';
import type { Tenant } from './tenants.ts';

/** A lane by its head. It counts while the lane says that it is listed by this task. */
interface Listed extends Standing {
  readonly lane: Lane;
}
/** What may be served of a line now. */
export interface Choice {
  readonly withGpu: boolean;
  /** No quota lets this lane through whatever ends: its ask alone is larger. */
  readonly isBeyond: (lane: Lane) => boolean;
  readonly outlook: Outlook;
}

export class Line implements Contender {
  readonly tenant: Tenant;
  readonly place: number;
  candidate: Candidate | undefined;
  staleAt = -1;
  /** What the tenant has in this queue. */
  readonly share = new Share();
  /** Placements so far by weight, among the tenants of the queue: decides between equal shares. Soft state. */
  served = 0;
  /** Tasks in line, over all lanes. */
  waiting = 0;
  readonly lanes = new Map<number, Lane>();
  /** To be called where anything has changed that decides when it goes next. */
  readonly touch: () => void;
  readonly memory: OrderMemory = { backlogMs: 0, atMs: 0, isPacking: false };
  /** Lanes without and with GPUs: those with can be passed over where a quota of GPUs is used up. */
  readonly #sorted = { plain: new Heap<Listed>(before), gpu: new Heap<Listed>(before) };

  /** `onChange`: something that decides when it goes next may have changed. */
  constructor(tenant: Tenant, place: number, onChange: () => void) {
    this.tenant = tenant;
    this.place = place;
    this.touch = onChange;
  }

  /** The lane of a task, made where it is new. */
  laneFor(task: Task): Lane {
    const key = laneKey(task);
    let lane = this.lanes.get(key);
    if (!lane) this.lanes.set(key, (lane = new Lane(this, task)));
    return lane;
  }
  laneOf(task: Task): Lane | undefined {
    return this.lanes.get(laneKey(task));
  }
  remove(lane: Lane, task: Task): void {
    this.lanes.delete(laneKey(task));
    lane.listed = 0;
  }

  /** To be called where a lane may be served now, or has another head. O(log lanes). */
  list(lane: Lane): void {
    this.touch();
    this.relist(lane);
  }
  /** Lists a lane by its head, unless it is listed so already, or blocked. O(log lanes). */
  relist(lane: Lane): void {
    if (lane.askClass.isBlocked) return;
    const task = lane.first();
    if (!task || lane.listed === task.enqueuedOrder) return;
    lane.listed = task.enqueuedOrder;
    this.#sortedOf(lane).push({ lane, ...lane.standing(task) });
  }
  /** All lanes anew: their asks' bulk, blocks or quotas have changed. O(lanes log lanes). */
  listAll(): void {
    this.touch();
    this.#sorted.plain.clear();
    this.#sorted.gpu.clear();
    for (const lane of this.lanes.values()) {
      lane.listed = 0;
      this.relist(lane);
    }
  }

  /** The task that goes next, of all lanes or of those without GPUs. O(log lanes); O(lanes) for an unsteady order. */
  first(order: TaskOrder, choice: Choice): Task | undefined {
    if (!order.isSteady) return this.#firstOfAll(order, choice);
    const plain = topOf(this.#sorted.plain, choice.isBeyond);
    const gpu = choice.withGpu ? topOf(this.#sorted.gpu, choice.isBeyond) : undefined;
    if (!plain || !gpu) return (plain ?? gpu)?.task;
    return order.before(plain, gpu, choice.outlook.nowMs) ? plain.task : gpu.task;
  }

  #firstOfAll(order: ScoredOrder, { withGpu, isBeyond, outlook }: Choice): Task | undefined {
    let best: Task | undefined;
    let most = Number.NEGATIVE_INFINITY;
    const scoreOf = order.scoreAsOf({ lanes: this.lanes.values(), memory: this.memory }, outlook);
    for (const lane of this.lanes.values()) {
      if (lane.askClass.isBlocked || (!withGpu && lane.askClass.ask.gpu) || isBeyond(lane)) continue;
      const task = lane.first();
      if (!task) continue;
      const score = scoreOf(task, lane.bulk);
      if (score < most || (score === most && best && best.enqueuedOrder < task.enqueuedOrder)) continue;
      [best, most] = [task, score];
    }
    return best;
  }

  #sortedOf(lane: Lane): Heap<Listed> {
    return lane.askClass.ask.gpu ? this.#sorted.gpu : this.#sorted.plain;
  }
}

const before = (a: Listed, b: Listed): boolean => byArrival.before(a, b, 0);

/** The lane that goes first; what is listed wrongly by now is put right on the way. */
function topOf(sorted: Heap<Listed>, isBeyond: Choice['isBeyond']): Listed | undefined {
  for (;;) {
    const top = sorted.top();
    if (!top) return undefined;
    const { lane } = top;
    const isListed = lane.listed === top.order;
    if (isListed && !lane.askClass.isBlocked && !isBeyond(lane)) {
      if (lane.first()?.enqueuedOrder === top.order) return top;
      sorted.pop();
      lane.line.relist(lane);
      continue;
    }
    sorted.pop();
    if (isListed) lane.listed = 0;
  }
}

/** Priority, ask and whether there is a deadline, in one number. */
const laneKey = ({ askClass, spec }: Task): number =>
  (askClass.row * (priorityMax + 1) + spec.priority) * 2 + (spec.deadlineMs === undefined ? 0 : 1);
