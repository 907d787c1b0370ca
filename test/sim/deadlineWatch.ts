// Deadlines: of tasks alike the one with the earliest goes first, and each that is missed is counted and told of once.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import { MissedDeadlines } from '../../scheduler/observe/missedDeadlines.ts';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import { ageingStepMs } from '../../scheduler/protocol/limits.ts';
import type { Report } from './audit.ts';
import type { SettingsBooks } from './settingsBooks.ts';

/** As often as the host asks, or less. */
const lookEveryTurns = 8;

export class DeadlineWatch {
  readonly #report: Report;
  readonly #settings: SettingsBooks;
  /** The alarm of each queue, as windows would show it. */
  readonly #shown = new Map<string, number>();
  #raised = 0;
  readonly #alarms = new MissedDeadlines({
    raise: ({ source, params }) => {
      this.#raised += 1;
      this.#shown.set(source, Number(params?.['count'] ?? 0));
      return undefined;
    },
    clear: (_code, source) => {
      this.#shown.delete(source);
    },
  });
  readonly #nominees = new Set<TaskId>();
  #turns = 0;

  constructor(report: Report, settings: SettingsBooks) {
    this.#report = report;
    this.#settings = settings;
  }

  turned(core: Core, { batch }: TurnResult): void {
    for (const event of batch?.events ?? []) {
      if (event.kind === 'attempt_preempt_requested') this.#nominees.add(event.by);
      if (event.kind !== 'attempt_placed' || event.isCopy === true) continue;
      const task = core.state.tasks.get(event.taskId);
      if (task) this.#checkOrder(core, task);
    }
    this.#turns += 1;
    if (this.#turns % lookEveryTurns === 0) this.#checkMissed(core);
  }

  /** What waits after the turn was there throughout, since placing comes last. Ageing moves whole ranks. */
  #checkOrder({ state }: Core, task: Task): void {
    const { spec } = task;
    const { order = 'arrival' } = this.#settings.queues.get(spec.queue) ?? {};
    if (order !== 'arrival' || this.#nominees.has(task.taskId) || isFollower(task)) return;
    for (const other of alike(state, task))
      if (rankOf(other) === rankOf(task) && deadlineOf(other) < deadlineOf(task)) {
        const [late, early] = [String(task.taskId), String(other.taskId)];
        this.#report('deadline-order', `task ${late} went before ${early}, whose deadline is earlier`);
        return;
      }
  }

  #checkMissed(core: Core): void {
    const { state } = core;
    const missed = new Map<string, number>();
    for (const { spec } of state.tasks.all())
      if (deadlineOf({ spec }) < state.ready.nowMs) missed.set(spec.queue, (missed.get(spec.queue) ?? 0) + 1);
    const before = new Map(this.#shown);
    this.#raised = 0;
    this.#alarms.check(core.view().queues());
    const changed = [...missed].filter(([queue, count]) => before.get(queue) !== count).length;
    const isSame =
      this.#shown.size === missed.size && [...missed].every(([q, n]) => this.#shown.get(q) === n);
    if (!isSame || this.#raised !== changed)
      this.#report(
        'deadline-missed',
        `${told(missed)} are late, and the alarms say ${told(this.#shown)} after ${this.#raised} more`,
      );
  }
}

const told = (counts: ReadonlyMap<string, number>): string => JSON.stringify(Object.fromEntries(counts));
const deadlineOf = ({ spec }: Pick<Task, 'spec'>): number => spec.deadlineMs ?? Number.POSITIVE_INFINITY;
const rankOf = ({ spec, enqueuedAtMs }: Task): number =>
  spec.priority - Math.floor(enqueuedAtMs / ageingStepMs);
/** A member that comes with the first one of its gang. */
const isFollower = ({ group }: Task): boolean => group?.kind === 'gang' && group.index > 0;
/** What waits in the same line with the same ask. */
function alike({ ready }: Core['state'], { spec, askClass }: Task): readonly Task[] {
  const lanes = ready.queues.get(spec.queue)?.lines.get(spec.tenant)?.lanes.values() ?? [];
  return [...lanes].filter((lane) => lane.askClass === askClass).flatMap((lane) => [...lane.tasks()]);
}
