// One queue: its settings, what it has of the plant, and what waits in it, tenant by tenant.
import type { QueueName } from '../../protocol/brands.ts';
import type { QueueOrder, QueueSettings, TenantSettings } from '../../protocol/queue.ts';
import type { Task } from '../state/taskTable.ts';
import type { Plant } from '../state/plant.ts';
import { isBeyond, isBorrowing, lackOf, tenantGate } from './limits.ts';
import type { Lane } from './lane.ts';
import { type Choice, Line } from './line.ts';
import { RateGate } from './rateGate.ts';
import { Share } from './share.ts';
import { bySlowdown } from './slowdownOrder.ts';
import { byArrival, type Outlook, type TaskOrder } from './taskOrder.ts';
import { plainTenant, type Tenant } from './tenants.ts';

/** The order that a queue is set to. */
const orders: Readonly<Record<QueueOrder, TaskOrder>> = {
  arrival: byArrival,
  slowdown: bySlowdown,
};

/**
 * Candidates that all could be served stay within 1 of each other. One further behind was empty or blocked meanwhile:
 * what it missed then is gone, or it would keep the others out for as long when it comes back.
 */
const lagMax = 2;

/** What orders may know. */
export type Known = Pick<Outlook, 'runTimes' | 'openings'>;

export class Queue {
  readonly name: QueueName;
  settings: QueueSettings;
  readonly share = new Share();
  readonly rate = new RateGate();
  /**
   * Placements so far divided by weight (start-time fair queueing, Goyal 1996): decides between queues whose shares of
   * the plant are equal. A queue that was empty starts where the least of the others stands: it cannot save up.
   */
  served = 0;
  /** By tenant; a tenant that has nothing live in this queue has none. */
  readonly lines = new Map<string, Line>();
  /** Tasks in line, over all lanes. */
  waiting = 0;
  backoff = 0;

  readonly #known: Known;

  constructor(name: QueueName, settings: QueueSettings, known: Known) {
    this.name = name;
    this.settings = settings;
    this.#known = known;
  }

  /** Its tasks run about as long as expected. */
  get isTrusted(): boolean {
    return this.#known.runTimes.isTrusted(this.name);
  }

  get order(): TaskOrder {
    return orders[this.settings.order ?? 'arrival'];
  }

  /** So much waits in it of some tenant that the plant has to be packed. O(tenants). */
  get isPacking(): boolean {
    for (const { memory } of this.lines.values()) if (memory.isPacking) return true;
    return false;
  }

  *lanes(): IterableIterator<Lane> {
    for (const line of this.lines.values()) yield* line.lanes.values();
  }
  /** The tenant's line, made where it is new. */
  lineOf(tenant: Tenant): Line {
    let line = this.lines.get(tenant.name);
    if (!line) this.lines.set(tenant.name, (line = new Line(tenant)));
    return line;
  }

  /**
   * The task of this queue that goes next, as far as quotas and the tenants' gates let it. O(tenants + log lanes).
   * A task that a quota of the queue keeps back is waited for, or smaller ones would pass it for ever; only asks
   * without GPUs pass one that lacks no more than GPUs.
   */
  first(plant: Plant, nowMs: number): Task | undefined {
    const outlook = this.#outlookAt(nowMs);
    for (const withGpu of [true, false]) {
      const task = this.#firstOfTenants(plant, outlook, withGpu);
      const lack = task && lackOf(this.share, this.settings, task.askClass);
      if (!lack) return task;
      if (!lack.isGpuOnly) return undefined;
    }
    return undefined;
  }

  /** Tenants below their own first, then the least share by weight, then the least served. */
  #firstOfTenants(plant: Plant, outlook: Outlook, withGpu: boolean): Task | undefined {
    let best: Candidate | undefined;
    for (const line of this.lines.values()) {
      if (line.waiting === 0 || tenantGate(line.tenant)) continue;
      const { guaranteed, weight } = line.tenant.settings ?? plainTenant;
      const level = line.share.dominantOf(plant) / weight;
      if (!guaranteed && best && !isLess({ isOwn: false, level, served: line.served }, best)) continue;
      const task = this.#firstOfLine(line, outlook, withGpu);
      if (!task) continue;
      const candidate = { isOwn: isOwn(line.tenant, task), level, served: line.served, task };
      if (!best || isLess(candidate, best)) best = candidate;
    }
    return best?.task;
  }

  #firstOfLine(line: Line, outlook: Outlook, withGpu: boolean): Task | undefined {
    const bounds = line.tenant.settings ?? plainTenant;
    const isBeyond = this.#isBeyond(bounds);
    const task = line.first(this.order, { withGpu, isBeyond, outlook });
    const lack = task && lackOf(line.tenant.share, bounds, task.askClass);
    if (!lack) return task;
    if (!lack.isGpuOnly || !withGpu) return undefined;
    const other = line.first(this.order, { withGpu: false, isBeyond, outlook });
    return other && lackOf(line.tenant.share, bounds, other.askClass) ? undefined : other;
  }

  #outlookAt(nowMs: number): Outlook {
    const isTrusted = !this.order.isSteady && this.isTrusted; // nobody else asks
    return { nowMs, runTimes: this.#known.runTimes, openings: this.#known.openings, isTrusted };
  }

  #isBeyond(ofTenant: TenantSettings): Choice['isBeyond'] {
    const { settings } = this;
    if (!isBounded(settings) && !isBounded(ofTenant)) return never;
    return ({ askClass }) => isBeyond(settings, askClass) || isBeyond(ofTenant, askClass);
  }
}

const isBounded = ({ burst, runningMax }: TenantSettings): boolean =>
  burst !== undefined || runningMax !== undefined;
const isOwn = ({ settings, share }: Tenant, { askClass }: Task): boolean =>
  settings?.guaranteed !== undefined && !isBorrowing(share, settings, askClass);

const never = (): boolean => false;

/** What decides between queues, and between tenants of a queue. */
interface Standing {
  /** It would still be within what is guaranteed to it. */
  readonly isOwn: boolean;
  /** Dominant share by weight. */
  readonly level: number;
  readonly served: number;
}
interface Candidate extends Standing {
  readonly task: Task;
}
/** Does the first go before the second? Weighted dominant resource fairness; the earlier one on a tie. */
export function isLess(a: Standing, b: Standing): boolean {
  if (a.isOwn !== b.isOwn) return a.isOwn;
  return a.level < b.level || (a.level === b.level && a.served < b.served);
}

interface Served {
  served: number;
}
/** Counts a placement of one of them. */
export function charge<One extends Served>(one: One, all: Iterable<One>, weight: number): void {
  let most = 0;
  for (const { served } of all) most = Math.max(most, served);
  one.served = Math.max(one.served, most - lagMax) + 1 / weight;
}
/** The least served of those that have tasks in line; 0 where none has. */
export function leastServed(all: Iterable<Served & { readonly waiting: number }>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { served, waiting } of all) if (waiting > 0) least = Math.min(least, served);
  return least === Number.POSITIVE_INFINITY ? 0 : least;
}
