// Does a guarded effect happen once for each task that succeeded, and is the newest attempt never shut out?
import type { TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { Report } from './audit.ts';
import type { SeenTask } from './seenTask.ts';

export class EffectWatch {
  readonly counts = { performed: 0, fenced: 0 };
  readonly #report: Report;
  readonly #tasks: () => ReadonlyMap<TaskId, SeenTask>;
  readonly #performed = new Map<TaskId, Token>();

  readonly #isWaived: (taskId: TaskId) => boolean;

  constructor(
    report: Report,
    tasks: () => ReadonlyMap<TaskId, SeenTask>,
    isWaived: (taskId: TaskId) => boolean,
  ) {
    this.#isWaived = isWaived;
    this.#report = report;
    this.#tasks = tasks;
  }

  readonly onPerformed = (taskId: TaskId, token: Token): void => {
    this.counts.performed += 1;
    const first = this.#performed.get(taskId);
    if (first !== undefined)
      this.#report(
        'effect-once',
        `task ${String(taskId)}: by token ${String(first)} and again by ${String(token)}`,
      );
    this.#performed.set(taskId, token);
  };

  readonly onFenced = (taskId: TaskId, token: Token): void => {
    this.counts.fenced += 1;
    if (this.#isWaived(taskId)) return; // a newer token was given in batches that the journal lost
    if (this.#tasks().get(taskId)?.newest === token)
      this.#report('effect-fence', `task ${String(taskId)}: its newest token ${String(token)} was shut out`);
  };

  finish(): void {
    for (const { taskId, hasSucceeded } of this.#tasks().values())
      if (hasSucceeded && !this.#performed.has(taskId))
        this.#report('effect-once', `task ${String(taskId)} succeeded and its effect never happened`);
  }
}
