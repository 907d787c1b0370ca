// Does a task for which room is kept start when it was promised to? It must where everything on its node ran no longer
// than was expected: whoever passed it was let pass because that does not delay it.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import type { Reservation } from '../../scheduler/core/place/reservations.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import type { NodeIndex, Token } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import type { QueueSettings, TenantSettings } from '../../scheduler/protocol/queue.ts';
import type { Report } from './audit.ts';

interface Promised {
  readonly node: NodeIndex;
  readonly enqueuedOrder: number;
  /** The first time that it was given. */
  readonly atMs: number;
  /** Something that no plan could know of has come between. */
  isVoid: boolean;
}
const isBounded = (settings: QueueSettings | TenantSettings | undefined): boolean =>
  settings?.runningMax !== undefined ||
  settings?.burst !== undefined ||
  (settings !== undefined && 'order' in settings && settings.order === 'slowdown') ||
  (settings !== undefined && 'ratePerS' in settings);
/** Turns after the time has come in which the task may still wait: one sees the ends, the next one may be on its way. */
const lateTurnsMost = 2;
/** An attempt that takes longer to begin than this ends later than was planned. */
const startMs = 1_000;
/** What is still running at its expected end is taken to end this soon. */
const overdueMs = 1_000;

export class PromiseWatch {
  readonly counts = { promises: 0, kept: 0 };
  readonly #report: Report;
  readonly #promised = new Map<Task, Promised>();
  readonly #late = new Map<Task, number>();
  /** How long each attempt was taken to run when it was placed: what is learned since changes what was planned. */
  readonly #lengths = new Map<Token, number>();
  #core: Core | undefined;

  constructor(report: Report) {
    this.#report = report;
  }

  turned(core: Core, { batch }: TurnResult): void {
    if (core !== this.#core) {
      this.#promised.clear();
      this.#late.clear();
      this.#lengths.clear();
    }
    this.#core = core;
    for (const event of batch?.events ?? []) this.#event(core, event);
    for (const kept of core.state.reservations.all) this.#note(core, kept);
    this.#voidLate(core);
    for (const [task, promised] of this.#promised) this.#look(core, task, promised);
  }

  #note({ state }: Core, { task, node, fromMs }: Reservation): void {
    const known = this.#promised.get(task);
    if (known?.node === node && known.enqueuedOrder === task.enqueuedOrder) return;
    this.#late.delete(task);
    this.counts.promises += 1;
    // A bound may hold back who is before it in its line, and where the order changes with time another may be first.
    const bounds = [
      state.ready.mustGet(task.spec.queue).settings,
      state.tenants.of(task.spec.tenant).settings,
    ];
    const isStarting = [...state.nodes.attemptsOn(node)].some(
      (token) => state.tasks.byToken(token)?.live?.startedAtMs === undefined,
    );
    // Room is what is promised: licences are not.
    const isAll = task.askClass.licences.length === 0;
    const isVoid = !isAll || !Number.isFinite(fromMs) || isStarting || bounds.some(isBounded);
    this.#promised.set(task, { node, enqueuedOrder: task.enqueuedOrder, atMs: fromMs, isVoid });
  }

  #event({ state }: Core, event: Event): void {
    if ('nodeId' in event && event.kind !== 'attempt_placed')
      this.#void((promised) => state.nodes.indexOf(event.nodeId) === promised.node);
    if (event.kind === 'window_put' || event.kind === 'queue_put' || event.kind === 'tenant_put')
      this.#void(() => true);
    if (event.kind === 'attempt_preempt_requested') this.#void(() => true);
    if (event.kind === 'attempt_ended') this.#lengths.delete(event.token);
    if (event.kind !== 'attempt_placed') return;
    const task = state.tasks.get(event.taskId);
    if (!task) return;
    this.#lengths.set(event.token, state.runTimes.lengthOf(task.spec));
    // Who has the same ask may take what was kept: shares and order decide which of them goes first.
    this.#void(
      ({ node }, other) =>
        other !== task &&
        state.nodes.indexOf(event.nodeId) === node &&
        (other.askClass === task.askClass || task.askClass.gangSize > 0),
    );
  }

  /** A plan that trusted an attempt which runs longer than expected promised too much. */
  #voidLate({ state }: Core): void {
    const { nowMs } = state.ready;
    this.#void(
      ({ node }) =>
        state.nodes.kept.has(node) ||
        [...state.nodes.attemptsOn(node)].some((token) => {
          const task = state.tasks.byToken(token);
          const live = task?.live?.token === token ? task.live : task?.copy;
          if (!task || !live) return true;
          const { placedAtMs, startedAtMs } = live;
          if ((startedAtMs ?? nowMs) > placedAtMs + startMs) return true;
          const lengthMs = state.runTimes.lengthOf(task.spec);
          if (this.#lengths.get(token) !== lengthMs) return true;
          return (startedAtMs ?? placedAtMs) + lengthMs < nowMs;
        }),
    );
  }

  #void(isMeant: (promised: Promised, task: Task) => boolean): void {
    for (const [task, promised] of this.#promised)
      if (!promised.isVoid && isMeant(promised, task)) promised.isVoid = true;
  }

  #look({ state }: Core, task: Task, { atMs, isVoid, enqueuedOrder, node }: Promised): void {
    const isKept = state.reservations.of(task)?.node === node;
    const waits = task.state === 'ready' && task.enqueuedOrder === enqueuedOrder;
    if (!waits && !isVoid) this.counts.kept += 1;
    if (!isKept) {
      this.#promised.delete(task);
      this.#late.delete(task);
    }
    if (!waits || !isKept || isVoid) return;
    if (state.ready.nowMs <= atMs + overdueMs) return;
    const late = (this.#late.get(task) ?? 0) + 1;
    this.#late.set(task, late);
    if (late === lateTurnsMost + 1)
      this.#report(
        'promise',
        `task ${String(task.taskId)} was promised ${state.nodes.idOf(node)} at ${String(atMs)} and waits at ${String(state.ready.nowMs)}`,
      );
  }
}
