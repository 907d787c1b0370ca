// Holds what the journal says of preemption against its rules, from its own books.
import { preemptionsPerMinuteMax, preemptionsPerTaskMax } from '../../scheduler/protocol/limits.ts';
import type { Token } from '../../scheduler/protocol/brands.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import type { Report } from './audit.ts';
import type { SeenTask } from './seenTask.ts';

const minuteMs = 60_000;

export class PreemptionBooks {
  readonly #report: Report;
  readonly #requested = new Set<Token>();
  #timesMs: number[] = [];
  #epochAtMs = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  epochStarted(atMs: number): void {
    this.#epochAtMs = atMs;
    this.#timesMs = [];
  }

  requested(
    token: Token,
    { atMs, victim, by }: { atMs: number; victim: SeenTask | undefined; by: SeenTask | undefined },
  ): void {
    const name = `token ${String(token)}`;
    this.#rule(victim?.live === token, `${name} is to be stopped for another, and is not live`);
    this.#rule(
      by?.isLive === true && by.live === undefined,
      `${name} is stopped for a task that does not wait`,
    );
    this.#rule(!this.#requested.has(token), `${name} is to be stopped twice`);
    if (victim && by) this.#mayBeStopped(victim, by);
    this.#requested.add(token);
    this.#timesMs = [...this.#timesMs.filter((time) => time > atMs - minuteMs), atMs];
    const left = preemptionsPerMinuteMax - this.#timesMs.length;
    this.#rule(
      left >= 0 && atMs >= this.#epochAtMs + minuteMs,
      `${name}: more are stopped than may be in a minute`,
    );
  }

  ended(token: Token, { reason }: AttemptEnd): void {
    if (reason === 'preempted')
      this.#rule(this.#requested.has(token), `token ${String(token)} was stopped for nobody`);
  }

  #mayBeStopped({ taskId, spec, attemptEnds }: SeenTask, by: SeenTask): void {
    const name = `task ${String(taskId)}, stopped for task ${String(by.taskId)},`;
    const isAllowed = spec.isPreemptible === true && spec.delivery === 'at_least_once' && !spec.gang;
    this.#rule(isAllowed, `${name} may not be stopped`);
    this.#rule(spec.priority < by.spec.priority, `${name} has no lower priority`);
    const times = attemptEnds.filter(({ reason }) => reason === 'preempted').length;
    this.#rule(times < preemptionsPerTaskMax, `${name} was stopped ${String(times)} times before`);
  }

  #rule(holds: boolean, message: string): void {
    if (!holds) this.#report('preempt', message);
  }
}
