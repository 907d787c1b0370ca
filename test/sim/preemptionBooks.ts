// Holds what the journal says of preemption against its rules, from its own books.
import { preemptionsPerMinuteMax, preemptionsPerTaskMax } from '../../scheduler/protocol/limits.ts';
import type { TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import type { Report } from './audit.ts';
import type { GuaranteeBooks } from './guaranteeBooks.ts';
import type { SeenTask } from './seenTask.ts';

const minuteMs = 60_000;

interface Requested {
  readonly atMs: number;
  readonly victim: SeenTask | undefined;
  readonly by: SeenTask | undefined;
  readonly isReclaim: boolean;
}

export class PreemptionBooks {
  readonly #report: Report;
  readonly #quotas: GuaranteeBooks;
  /** Whom each task was stopped for. */
  readonly #stoppedFor = new Map<TaskId, Set<TaskId>>();
  readonly #requested = new Set<Token>();
  #timesMs: number[] = [];
  #epochAtMs = 0;

  constructor(report: Report, quotas: GuaranteeBooks) {
    this.#report = report;
    this.#quotas = quotas;
  }

  epochStarted(atMs: number): void {
    this.#epochAtMs = atMs;
    this.#timesMs = [];
  }

  requested(token: Token, { atMs, victim, by, isReclaim }: Requested): void {
    const name = `token ${String(token)}`;
    this.#rule(victim?.live === token, `${name} is to be stopped for another, and is not live`);
    this.#rule(
      by?.isLive === true && by.live === undefined,
      `${name} is stopped for a task that does not wait`,
    );
    this.#rule(!this.#requested.has(token), `${name} is to be stopped twice`);
    if (victim && by) this.#mayBeStopped(victim, by, isReclaim);
    this.#requested.add(token);
    this.#timesMs = [...this.#timesMs.filter((time) => time > atMs - minuteMs), atMs];
    const left = preemptionsPerMinuteMax - this.#timesMs.length;
    this.#rule(
      left >= 0 && atMs >= this.#epochAtMs + minuteMs,
      `${name}: more are stopped than may be in a minute`,
    );
  }

  ended(token: Token, { reason, stoppedFor }: AttemptEnd, { taskId }: SeenTask): void {
    if (reason !== 'preempted') return;
    const isKnown = this.#requested.has(token) && stoppedFor !== undefined;
    this.#rule(isKnown, `token ${String(token)} was stopped for nobody`);
    if (stoppedFor === undefined) return;
    this.#stoppedFor.set(taskId, new Set([...(this.#stoppedFor.get(taskId) ?? []), stoppedFor]));
  }

  #mayBeStopped(victim: SeenTask, by: SeenTask, isReclaim: boolean): void {
    const { taskId, spec, attemptEnds } = victim;
    const name = `task ${String(taskId)}, stopped for task ${String(by.taskId)},`;
    const isAllowed = spec.isPreemptible === true && spec.delivery === 'at_least_once' && !spec.gang;
    this.#rule(isAllowed, `${name} may not be stopped`);
    if (isReclaim) {
      this.#rule(spec.priority === by.spec.priority, `${name} has not the same priority`);
      const wrong = this.#quotas.whyNotTakenBack(victim, by, (token) => this.#requested.has(token));
      this.#rule(wrong === undefined, `${name}: ${wrong ?? ''}`);
    } else this.#rule(spec.priority < by.spec.priority, `${name} has no lower priority`);
    const isInTurn = this.#stoppedFor.get(by.taskId)?.has(taskId) === true;
    this.#rule(!isInTurn, `${name} had that one stopped before`);
    const times = attemptEnds.filter(({ reason }) => reason === 'preempted').length;
    this.#rule(times < preemptionsPerTaskMax, `${name} was stopped ${String(times)} times before`);
  }

  #rule(holds: boolean, message: string): void {
    if (!holds) this.#report('preempt', message);
  }
}
