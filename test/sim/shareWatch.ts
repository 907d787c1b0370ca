// Is a queue or a tenant passed over? Each placement is held against those that had the same ask waiting: whoever goes
// first must have had the least dominant share by weight; between equal shares nobody is passed over for long.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import type { Line } from '../../scheduler/core/queue/line.ts';
import type { Queue } from '../../scheduler/core/queue/queue.ts';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { QueueSettings, TenantSettings } from '../../scheduler/protocol/queue.ts';
import type { AskClass } from '../../scheduler/core/state/classTable.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import type { Amounts } from '../../scheduler/protocol/view.ts';
import type { Report } from './audit.ts';
import { lineKey, plantOf, queueKey, type ShareBooks } from './shareBooks.ts';

type Settings = QueueSettings | TenantSettings;
interface Rival {
  readonly key: string;
  readonly settings: Settings;
}
/** Rounds that one may be passed over by others of the same share: in one, each is served as its weight says. */
const passedMax = 8;
const equal = 1e-9;
const plainTenant: TenantSettings = { weight: 1 };

export class ShareWatch {
  readonly #report: Report;
  readonly #books: ShareBooks;
  /** Placements of others at the same share while it waited, in rounds. */
  readonly #passed = new Map<string, number>();
  /** Tasks that had others stopped for them. */
  readonly #nominees = new Set<TaskId>();
  #plant: Amounts = { cpu: 0, memory: 0, gpu: 0 };

  constructor(report: Report, books: ShareBooks) {
    this.#report = report;
    this.#books = books;
  }

  /** A turn begins; what waits after it was there throughout, since placing comes last. */
  turned(core: Core, { batch }: TurnResult): void {
    for (const event of batch?.events ?? [])
      if (event.kind === 'attempt_preempt_requested') this.#nominees.add(event.by);
    this.#plant = plantOf(core);
    const keys = new Set<string>();
    for (const queue of core.state.ready.queues.values()) {
      if (queue.waiting > 0) keys.add(queueKey({ queue: queue.name }));
      for (const { tenant, waiting } of queue.lines.values())
        if (waiting > 0) keys.add(lineKey({ queue: queue.name, tenant: tenant.name }));
    }
    for (const key of this.#passed.keys()) if (!keys.has(key)) this.#passed.delete(key);
  }

  placed({ state: { ready } }: Core, { taskId, spec, askClass, group }: Task): void {
    if (this.#nominees.has(taskId)) {
      // It has room of its own, whoever waits.
      for (const key of [queueKey(spec), lineKey(spec)]) this.#passed.delete(key);
      return;
    }
    if (group?.kind === 'gang' && group.index > 0) return; // it comes with its first member, whoever waits
    const mine = ready.queues.get(spec.queue);
    if (!mine) return;
    const extra = Math.max(0, askClass.gangSize - 1);
    const queues = [...ready.queues.values()].filter((other) => other !== mine && couldTake(other, askClass));
    this.#hold(
      { key: queueKey(spec), settings: mine.settings, extra },
      queues.map((queue) => ({ key: queueKey({ queue: queue.name }), settings: queue.settings })),
    );
    const lines = [...mine.lines.values()].filter(
      (line) => line.tenant.name !== spec.tenant && hasAsk(line, askClass) && isFree(line.tenant.settings),
    );
    const settings = mine.lines.get(spec.tenant)?.tenant.settings ?? plainTenant;
    this.#hold(
      { key: lineKey(spec), settings, extra },
      lines.map(({ tenant }) => ({
        key: lineKey({ queue: mine.name, tenant: tenant.name }),
        settings: tenant.settings ?? plainTenant,
      })),
    );
  }

  #hold(placed: Rival & { readonly extra: number }, rivals: readonly Rival[]): void {
    this.#passed.delete(placed.key);
    if (placed.settings.guaranteed) return;
    const level = this.#levelOf(placed);
    const weights = rivals.reduce((sum, { settings }) => sum + settings.weight, placed.settings.weight);
    // Who was served a whole gang at once is behind the others for as many placements.
    if (placed.extra > 0) this.#passed.set(placed.key, -placed.extra);
    for (const rival of rivals) {
      const of = this.#levelOf(rival);
      if (level > of + equal)
        this.#report(
          'share',
          `${placed.key} at ${level.toFixed(4)} went before ${rival.key} at ${of.toFixed(4)}`,
        );
      if (Math.abs(level - of) > equal) continue;
      const passed = (this.#passed.get(rival.key) ?? 0) + 1 / weights;
      this.#passed.set(rival.key, passed);
      if (passed > passedMax)
        this.#report('share', `${rival.key} was passed over ${passed.toFixed(1)} rounds long`);
    }
  }

  #levelOf({ key, settings }: Rival): number {
    const { cpu, memory, gpu } = this.#books.heldBy(key);
    const of = (amount: number, all: number): number => (all > 0 ? amount / all : 0);
    const { cpu: allCpu, memory: allMemory, gpu: allGpu } = this.#plant;
    return Math.max(of(cpu, allCpu), of(memory, allMemory), of(gpu, allGpu)) / settings.weight;
  }
}

/** Nothing but its share decides whether it is served. */
const isFree = (settings: Settings | undefined): boolean =>
  settings?.runningMax === undefined && settings?.burst === undefined;
const hasAsk = ({ lanes }: Line, wanted: AskClass): boolean =>
  [...lanes.values()].some(({ askClass }) => askClass === wanted);
const couldTake = (queue: Queue, askClass: AskClass): boolean =>
  isFree(queue.settings) &&
  queue.settings.mode !== 'paused' &&
  queue.settings.ratePerS === undefined &&
  [...queue.lines.values()].some((line) => hasAsk(line, askClass) && isFree(line.tenant.settings));
