// Is what is guaranteed to a queue or a tenant given before others borrow? Each placement on borrowed room is held
// against those that had only tasks waiting that are within their own.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import type { Queue } from '../../scheduler/core/queue/queue.ts';
import type { Line } from '../../scheduler/core/queue/line.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { QueueSettings, TenantSettings } from '../../scheduler/protocol/queue.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import type { Report } from './audit.ts';
import type { SettingsBooks } from './settingsBooks.ts';
import { amountsOf, queueKey, type ShareBooks, tenantKey } from './shareBooks.ts';

type Settings = QueueSettings | TenantSettings;
interface Party {
  readonly key: string;
  readonly settings: Settings;
}

export class GuaranteeWatch {
  readonly #report: Report;
  readonly #books: ShareBooks;
  readonly #settings: SettingsBooks;
  readonly #nominees = new Set<TaskId>();
  /** Placements of this turn on borrowed room: who was passed there, unless he is served later in the turn. */
  readonly #passed = new Map<string, string>();

  constructor(report: Report, books: ShareBooks, settings: SettingsBooks) {
    this.#report = report;
    this.#books = books;
    this.#settings = settings;
  }

  /** Before the turn's placements are told. */
  begin({ batch }: TurnResult): void {
    for (const event of batch?.events ?? [])
      if (event.kind === 'attempt_preempt_requested') this.#nominees.add(event.by);
  }
  /** After them. */
  end(): void {
    for (const [key, by] of this.#passed)
      this.#report('guaranteed', `${key} was within its own and waited, and ${by} borrowed`);
    this.#passed.clear();
  }

  /** Before the placement counts in the books. */
  placed({ state: { ready } }: Core, task: Task): void {
    const { spec, askClass } = task;
    // What he had first in line may have been another task than those that are left.
    this.#passed.delete(queueKey(spec));
    this.#passed.delete(`${tenantKey(spec)} in ${spec.queue}`);
    if (this.#nominees.has(task.taskId) || askClass.gangSize > 0) return;
    const mine = ready.queues.get(spec.queue);
    if (!mine) return;
    this.#holdQueues(mine, [...ready.queues.values()], task);
    this.#holdTenants(mine, task);
  }

  #holdQueues(mine: Queue, queues: readonly Queue[], task: Task): void {
    const own = this.#partyOf(mine);
    if (!this.#isOwn(own, task.spec))
      for (const queue of queues) {
        const party = this.#partyOf(queue);
        if (queue !== mine && isServed(queue) && this.#isSure(party, [...queue.lines.values()], task))
          this.#passed.set(party.key, own.key);
      }
  }

  #holdTenants(mine: Queue, task: Task): void {
    const { spec } = task;
    const tenant = { key: tenantKey(spec), settings: this.#settings.ofTenant(spec.tenant) };
    if (this.#isOwn(tenant, spec)) return;
    for (const line of mine.lines.values()) {
      const { name } = line.tenant;
      const party = { key: tenantKey({ tenant: name }), settings: this.#settings.ofTenant(name) };
      if (name !== spec.tenant && this.#isSure(party, [line], task))
        this.#passed.set(`${party.key} in ${spec.queue}`, tenant.key);
    }
  }

  #partyOf({ name, settings }: Queue): Party {
    return { key: queueKey({ queue: name }), settings: this.#settings.queues.get(name) ?? settings };
  }

  /** It has the ask of this task waiting, and whatever it has waiting is within its own. */
  #isSure(party: Party, lines: readonly Line[], { askClass }: Task): boolean {
    if (!party.settings.guaranteed || !isFree(party.settings)) return false;
    const open = lines
      .filter(({ tenant }) => isFree(this.#settings.ofTenant(tenant.name)))
      .flatMap(({ lanes }) => [...lanes.values()]);
    if (!open.some((lane) => lane.askClass === askClass)) return false;
    const all = lines.flatMap(({ lanes }) => [...lanes.values()]);
    return all.every(({ askClass: { ask, gangSize } }) => gangSize === 0 && this.#isOwn(party, { ask }));
  }

  #isOwn({ key, settings: { guaranteed } }: Party, spec: Pick<TaskSpec, 'ask'>): boolean {
    if (!guaranteed) return false;
    const held = this.#books.heldBy(key);
    const ask = amountsOf(spec);
    const named = (['cpu', 'memory', 'gpu'] as const).filter(
      (resource) => guaranteed[resource] !== undefined && ask[resource] > 0,
    );
    return (
      named.length > 0 &&
      named.every((resource) => held[resource] + ask[resource] <= (guaranteed[resource] ?? 0))
    );
  }
}

const isFree = ({ runningMax, burst }: Settings): boolean => runningMax === undefined && burst === undefined;
const isServed = ({ settings: { mode, ratePerS } }: Queue): boolean =>
  mode !== 'paused' && ratePerS === undefined;
