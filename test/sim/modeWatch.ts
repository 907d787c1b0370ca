// A paused queue starts nothing, a draining one takes nothing in, and only that one refuses for it; and no queue starts
// more than its rate allows in any time, however short or long.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import type { Answer } from '../../scheduler/core/decide/deciders.ts';
import type { QueueName, TaskId } from '../../scheduler/protocol/brands.ts';
import type { Command, Event } from '../../scheduler/protocol/events.ts';
import type { Outcome, Refusal } from '../../scheduler/protocol/outcome.ts';
import type { Report } from './audit.ts';
import type { SettingsBooks } from './settingsBooks.ts';

/** What a queue has not used for this long it may use at once. */
const savedS = 2;
interface Starts {
  /** The most starts above the rate's due in any time that ends now. */
  above: number;
  atMs: number;
  ratePerS: number;
}

export class ModeWatch {
  readonly #report: Report;
  readonly #settings: SettingsBooks;
  readonly #starts = new Map<QueueName, Starts>();

  constructor(report: Report, settings: SettingsBooks) {
    this.#report = report;
    this.#settings = settings;
  }

  /** Takes the turn's events into the books of settings as well. */
  turned(core: Core, commands: readonly Command[], { batch, answers }: TurnResult): void {
    this.#begin(core);
    const wasDraining = new Set([...this.#settings.queues].filter(isDraining).map(([queue]) => queue));
    for (const event of batch?.events ?? []) {
      this.#settings.take(event);
      for (const [queue] of [...this.#settings.queues].filter(isDraining)) wasDraining.add(queue);
      this.#admitted(event);
      if (event.kind === 'attempt_placed' && event.isCopy !== true) this.#placed(core, event.taskId);
    }
    for (const [at, command] of commands.entries())
      if (command.kind === 'SubmitTasks') this.#refused(command, answers[at], wasDraining);
  }

  #begin(core: Core): void {
    if (!this.#settings.begin(core)) return;
    for (const starts of this.#starts.values()) restarted(starts, core.state.ready.nowMs);
  }

  #admitted(event: Event): void {
    for (const queue of queuesOf(event))
      if (this.#settings.queues.get(queue)?.mode === 'draining')
        this.#report('drain', `queue ${queue} is draining, and ${event.kind}`);
  }

  #refused(
    { specs }: Extract<Command, { kind: 'SubmitTasks' }>,
    outcome: Outcome<Answer, Refusal> | undefined,
    wasDraining: ReadonlySet<QueueName>,
  ): void {
    const given = outcome?.ok === true ? (outcome.value.answers ?? []) : [];
    for (const [at, answer] of given.entries()) {
      const queue = specs[at]?.queue;
      if (answer.ok || answer.refusal.code !== 'wrong_state' || queue === undefined) continue;
      if (!wasDraining.has(queue)) this.#report('drain', `${answer.refusal.message}, and it does not`);
    }
  }

  #placed({ state }: Core, taskId: TaskId): void {
    const task = state.tasks.get(taskId);
    if (!task) return;
    const { queue } = task.spec;
    const { mode, ratePerS } = this.#settings.queues.get(queue) ?? {};
    if (mode === 'paused') this.#report('paused', `queue ${queue} is paused and started a task`);
    if (ratePerS === undefined) this.#starts.delete(queue);
    else if (task.group?.kind !== 'gang' || task.group.index === 0)
      this.#count(queue, { ratePerS, nowMs: state.ready.nowMs, count: Math.max(1, task.askClass.gangSize) });
  }

  /** A gang starts as one where one may start; what comes after it waits for as many. */
  #count(
    queue: QueueName,
    { ratePerS, nowMs, count }: { ratePerS: number; nowMs: number; count: number },
  ): void {
    const known = this.#starts.get(queue);
    const isSame = known?.ratePerS === ratePerS;
    const gainedMs = known ? nowMs - known.atMs : 0;
    const above = isSame ? Math.max(0, known.above - (gainedMs / 1_000) * ratePerS) : 0;
    if (above + 1 > mostAbove(ratePerS) + rounding)
      this.#report(
        'rate',
        `queue ${queue} started ${(above + 1).toFixed(2)} more than ${ratePerS} per s allow`,
      );
    this.#starts.set(queue, { above: above + count, atMs: nowMs, ratePerS });
  }
}

const mostAbove = (ratePerS: number): number => Math.max(1, ratePerS * savedS);
/** Nothing is remembered of what was started before; one may start at once. */
function restarted(starts: Starts, nowMs: number): void {
  starts.atMs = Math.min(starts.atMs, nowMs); // what the journal lost never left: time begins anew where it ends
  starts.above = Math.max(0, Math.min(starts.above, mostAbove(starts.ratePerS)) - 1);
}

/** Sums of small numbers. */
const rounding = 1e-6;
const isDraining = ([, { mode }]: readonly [QueueName, { readonly mode: string }]): boolean =>
  mode === 'draining';

/** Queues that an event brings tasks into. */
function queuesOf(event: Event): readonly QueueName[] {
  if (event.kind === 'workflow_admitted') return event.workflow.tasks.map(({ spec }) => spec.queue);
  if (event.kind === 'task_requeued') return [event.record.spec.queue];
  const isOne =
    event.kind === 'task_admitted' || event.kind === 'gang_admitted' || event.kind === 'array_admitted';
  return isOne ? [event.spec.queue] : [];
}
