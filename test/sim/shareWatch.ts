// Is a queue passed over? Counts placements of other queues with an ask that a queue had waiting too, while it got none.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import type { Queue } from '../../scheduler/core/queue/readyQueue.ts';
import type { QueueName } from '../../scheduler/protocol/brands.ts';
import type { Report } from './audit.ts';

interface Watched {
  /** Rows of the ask classes that it had waiting after the last turn. */
  waiting: ReadonlySet<number>;
  passed: number;
}
interface Placed {
  readonly queue: QueueName;
  readonly askRow: number;
}
/** Beyond what weights allow: queues come and go, and weights change. */
const slack = 4;
/** How far a queue may lag and catch up, in placements by weight 1: after a change of weights, a block, a rest. */
const lagUnits = 3;

export class ShareWatch {
  readonly #report: Report;
  readonly #watched = new Map<QueueName, Watched>();
  #weights = '';

  constructor(report: Report) {
    this.#report = report;
  }

  turned(core: Core, { batch }: TurnResult): void {
    const { ready } = core.state;
    const placed = placedIn(core, batch);
    let weights = 0;
    for (const { settings } of ready.queues.values()) weights += settings.weight;
    this.#startAnewOn([...ready.queues.values()].map(({ settings }) => settings.weight).join());
    for (const queue of ready.queues.values()) {
      const watched = this.#watched.get(queue.name) ?? { waiting: new Set(), passed: 0 };
      this.#watched.set(queue.name, watched);
      const waiting = waitingAsks(queue);
      if (placed.some((one) => one.queue === queue.name) || waiting.size === 0) watched.passed = 0;
      else
        watched.passed += placed.filter(
          ({ askRow }) => waiting.has(askRow) && watched.waiting.has(askRow),
        ).length;
      watched.waiting = waiting;
      const byLag = lagUnits * (weights - queue.settings.weight);
      if (watched.passed > byLag + slack * (weights / queue.settings.weight + ready.queues.size))
        this.#report(
          'share',
          `queue ${queue.name} was passed over ${watched.passed} times (${standings(core)})`,
        );
    }
  }

  /** What was fair by other weights says nothing now. */
  #startAnewOn(weights: string): void {
    if (weights !== this.#weights) this.#watched.clear();
    this.#weights = weights;
  }
}

function placedIn({ state }: Core, batch: TurnResult['batch']): readonly Placed[] {
  const placed: Placed[] = [];
  for (const event of batch?.events ?? []) {
    if (event.kind !== 'attempt_placed' || event.isCopy === true) continue; // a copy takes nobody's turn
    const task = state.tasks.get(event.taskId);
    if (task) placed.push({ queue: task.spec.queue, askRow: task.askClass.row });
  }
  return placed;
}

const standings = (core: Core): string =>
  [...core.state.ready.queues.values()]
    .map(
      ({ name, settings, served, waiting }) =>
        `${name}: ${served.toFixed(2)} by ${settings.weight}, ${waiting} waiting`,
    )
    .join('; ');

const waitingAsks = (queue: Queue): ReadonlySet<number> =>
  new Set([...queue.lanes.values()].map(({ askClass }) => askClass.row));
