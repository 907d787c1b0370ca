// Copies of stragglers: at most one at a time, only of tasks that say so, on another node; one success for a task; and the
// one that was overtaken is told to stop.
import type { TurnResult } from '../../scheduler/core/cycle.ts';
import { overtaken } from '../../scheduler/core/decide/attemptReport.ts';
import type { NodeId, TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import { isSuccess } from '../../scheduler/protocol/attempt.ts';
import type { Report } from './audit.ts';
import type { SeenTask } from './seenTask.ts';

type Placed = Extract<Event, { kind: 'attempt_placed' }>;

export class CopyWatch {
  readonly counts = { copies: 0, overtaken: 0 };
  readonly #report: Report;
  readonly #succeeded = new Set<TaskId>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** Every attempt that was overtaken in this turn is asked to stop in it. */
  turned({ batch, effects }: TurnResult): void {
    const stops = new Set(effects.flatMap((effect) => (effect.kind === 'stop' ? [effect.token] : [])));
    for (const event of batch?.events ?? []) {
      if (event.kind === 'attempt_placed' && event.isCopy === true) this.counts.copies += 1;
      if (event.kind !== 'attempt_ended' || event.end.message !== overtaken) continue;
      this.counts.overtaken += 1;
      if (!stops.has(event.token))
        this.#report('copy', `token ${String(event.token)} is overtaken and runs on`);
    }
  }

  placed(task: SeenTask, { token, nodeId }: Placed, nodeOf: (token: Token) => NodeId | undefined): void {
    const name = `copy ${String(token)} of task ${String(task.taskId)}`;
    if (task.live === undefined) this.#report('copy', `${name} has nothing beside it`);
    else if (nodeOf(task.live) === nodeId) this.#report('copy', `${name} is on the node of the first`);
    if (task.copy !== undefined) this.#report('copy', `${name} is the second at a time`);
    if (task.spec.isRepeatable !== true || task.spec.delivery === 'at_most_once')
      this.#report('copy', `${name}, which is not safe to repeat`);
  }

  ended(task: SeenTask, { end }: Extract<Event, { kind: 'attempt_ended' }>): void {
    // A gang that breaks is run again as a whole, with the members that had succeeded.
    if (!isSuccess(end) || task.spec.gang) return;
    if (this.#succeeded.has(task.taskId)) this.#report('copy', `task ${String(task.taskId)} succeeded twice`);
    this.#succeeded.add(task.taskId);
    if (task.copy !== undefined)
      this.#report('copy', `task ${String(task.taskId)} succeeded, and another attempt goes on`);
  }
}
