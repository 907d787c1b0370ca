// The outside world as a guarded effect sees it: a resource that knows, by task, the newest token that came and whether
// the effect has happened. An older token is fenced off; a task's effect that has happened is not repeated.
import type { TaskId, Token } from '../../scheduler/protocol/brands.ts';

interface Seen {
  newest: Token;
  isDone: boolean;
}
export interface EffectReports {
  readonly onPerformed: (taskId: TaskId, token: Token) => void;
  readonly onFenced: (taskId: TaskId, token: Token) => void;
}
/** What a program ends with whose effect was refused. */
export const fencedExitCode = 75;

export class GuardedEffects {
  readonly #seen = new Map<TaskId, Seen>();
  readonly #reports: EffectReports;
  /** A mutant: takes every effect as it comes. */
  readonly #isOpen: boolean;

  constructor(reports: EffectReports, isOpen: boolean) {
    this.#reports = reports;
    this.#isOpen = isOpen;
  }

  /** An attempt announces itself: all older ones are shut out from here on. */
  begin(taskId: TaskId, token: Token): void {
    const seen = this.#seen.get(taskId);
    if (!seen) this.#seen.set(taskId, { newest: token, isDone: false });
    else if (token > seen.newest) seen.newest = token;
  }

  /** True where the effect has happened, now or before; false where a newer attempt came. */
  perform(taskId: TaskId, token: Token): boolean {
    const seen = this.#seen.get(taskId);
    if (!seen) return false;
    if (!this.#isOpen && token < seen.newest) {
      this.#reports.onFenced(taskId, token);
      return false;
    }
    if (!seen.isDone || this.#isOpen) this.#reports.onPerformed(taskId, token);
    seen.isDone = true;
    return true;
  }
}
