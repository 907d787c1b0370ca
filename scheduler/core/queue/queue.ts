// One queue: its settings, what it has of the plant, and what waits in it, tenant by tenant.
import type { QueueName } from '../../protocol/brands.ts';
import type { QueueOrder, QueueSettings, TenantSettings } from '../../protocol/queue.ts';
import type { Task } from '../state/taskTable.ts';
import type { Plant } from '../state/plant.ts';
import { isBeyond, isBorrowing, lackOf, tenantGate } from './limits.ts';
import { type Candidate, type Contender, Contest, isLess, levelOf } from './contest.ts';
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

/** What orders may know. */
export type Known = Pick<Outlook, 'runTimes' | 'openings'>;

export interface QueuePlace {
  /** Among all queues ever made: decides between equals. */
  readonly place: number;
  readonly known: Known;
  /** Something that decides when it goes next may have changed. */
  readonly onChange: (queue: Queue) => void;
}

export class Queue implements Contender {
  readonly name: QueueName;
  readonly place: number;
  settings: QueueSettings;
  candidate: Candidate | undefined;
  staleAt = -1;
  readonly share = new Share();
  readonly rate = new RateGate();
  /**
   * Placements so far divided by weight (start-time fair queueing, Goyal 1996): decides between queues whose shares of
   * the plant are equal. A queue that was empty starts where the least of the others stands: it cannot save up.
   */
  served = 0;
  /** By tenant; a tenant that has nothing live in this queue has none. */
  readonly lines = new Map<string, Line>();
  readonly #contest = new Contest<Line>();
  readonly #onChange: () => void;
  #linesMade = 0;
  /** Version of the plant that the tenants' standings are of. */
  #plantSeen = 0;
  /** Tasks in line, over all lanes. */
  waiting = 0;
  backoff = 0;

  readonly #known: Known;

  constructor(name: QueueName, settings: QueueSettings, { place, known, onChange }: QueuePlace) {
    this.name = name;
    this.settings = settings;
    this.place = place;
    this.#known = known;
    this.#onChange = () => {
      onChange(this);
    };
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
    const known = this.lines.get(tenant.name);
    if (known) return known;
    this.#linesMade += 1;
    const line: Line = new Line(tenant, this.#linesMade, () => {
      this.#contest.touch(line);
      this.#onChange();
    });
    this.lines.set(tenant.name, line);
    tenant.lines.add(line);
    return line;
  }
  forget(line: Line): void {
    this.lines.delete(line.tenant.name);
    line.tenant.lines.delete(line);
    this.#contest.forget(line);
  }
  /** Counts a placement against the tenant's turn. */
  charge(line: Line): void {
    this.#contest.charge(line, this.lines.values(), weightOf(line));
  }
  /** After a restart nobody was served. O(tenants). */
  forgetTurns(): void {
    for (const line of this.lines.values()) {
      line.served = 0;
      line.touch();
    }
    this.#contest.recount();
  }

  /**
   * The task of this queue that goes next, as far as quotas and the tenants' gates let it. O(log tenants + log lanes)
   * for each tenant of which something has changed; O(tenants + lanes) for an unsteady order.
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
    if (this.order.isSteady && withGpu) return this.#firstSteady(plant, outlook)?.task;
    let best: Candidate | undefined;
    for (const line of this.lines.values()) {
      const candidate = this.#candidateOf(line, plant, { outlook, withGpu }, best);
      if (candidate && (!best || isLess(candidate, best))) best = candidate;
    }
    return best?.task;
  }

  #firstSteady(plant: Plant, outlook: Outlook): Candidate | undefined {
    if (this.#plantSeen !== plant.version) {
      this.#plantSeen = plant.version;
      for (const line of this.lines.values()) this.#contest.touch(line);
    }
    return this.#contest.first((line) => this.#candidateOf(line, plant, { outlook, withGpu: true }));
  }

  /** `best`: only one that goes before it is wanted. */
  #candidateOf(
    line: Line,
    plant: Plant,
    { outlook, withGpu }: Look,
    best?: Candidate,
  ): Candidate | undefined {
    if (line.waiting === 0 || tenantGate(line.tenant)) return undefined;
    const standing = {
      isOwn: false,
      level: levelOf(line.share.dominantOf(plant), weightOf(line)),
      served: line.served,
      of: line,
    };
    if (!line.tenant.settings?.guaranteed && best && !isLess(standing, best)) return undefined;
    const task = this.#firstOfLine(line, outlook, withGpu);
    return task && { ...standing, isOwn: isOwn(line.tenant, task), task };
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
const weightOf = ({ tenant }: Line): number => (tenant.settings ?? plainTenant).weight;

interface Look {
  readonly outlook: Outlook;
  /** False: only asks without GPUs. */
  readonly withGpu: boolean;
}
