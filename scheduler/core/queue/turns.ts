// Which queue goes next: those below what is guaranteed to them first, then the one with the least share of the plant
// by weight, then the least served.
import type { QueueName } from '../../protocol/brands.ts';
import type { QueueSettings } from '../../protocol/queue.ts';
import type { Plant } from '../state/plant.ts';
import type { Task } from '../state/taskTable.ts';
import { type Candidate, Contest, isLess, levelOf } from './contest.ts';
import { isBorrowing, queueGate } from './limits.ts';
import type { Line } from './line.ts';
import { type Known, Queue } from './queue.ts';

export class Turns {
  /** When the first of the queues that wait for their rate may go on; infinite where none waits. Soft state. */
  rateOpensAtMs = Number.POSITIVE_INFINITY;
  readonly #plant: Plant;
  readonly #queues: ReadonlyMap<QueueName, Queue>;
  readonly #known: Known;
  readonly #contest = new Contest<Queue>();
  /** Queues whose next task changes as time passes: looked at for every placement. */
  #restless: readonly Queue[] = [];
  #queuesMade = 0;
  /** Version of the plant that standings are of. */
  #plantSeen = 0;

  constructor(plant: Plant, queues: ReadonlyMap<QueueName, Queue>, known: Known) {
    this.#plant = plant;
    this.#known = known;
    this.#queues = queues;
  }

  queueMade(name: QueueName, settings: QueueSettings): Queue {
    this.#queuesMade += 1;
    const onChange = (queue: Queue): void => {
      this.#contest.touch(queue);
    };
    return new Queue(name, settings, { place: this.#queuesMade, known: this.#known, onChange });
  }
  /** To be called where a queue has come or gone, or has other settings. O(queues). */
  settingsChanged(): void {
    this.#restless = [...this.#queues.values()].filter(isRestless);
  }
  forget(queue: Queue): void {
    this.#contest.forget(queue);
  }
  setServed(queue: Queue, served: number): void {
    queue.served = served;
    this.#contest.touch(queue);
    this.#contest.recount();
  }
  reset(): void {
    this.rateOpensAtMs = Number.POSITIVE_INFINITY;
  }

  /** Counts a placement of a task of this line. */
  charge(queue: Queue, line: Line, nowMs: number): void {
    const { weight, ratePerS } = queue.settings;
    this.#contest.charge(queue, this.#queues.values(), weight);
    queue.charge(line);
    if (ratePerS !== undefined) queue.rate.take(ratePerS, nowMs);
  }

  /** Undefined where no queue has a task that may go. */
  next(nowMs: number): Task | undefined {
    this.rateOpensAtMs = Number.POSITIVE_INFINITY;
    if (this.#plantSeen !== this.#plant.version) {
      this.#plantSeen = this.#plant.version;
      for (const queue of this.#queues.values()) this.#contest.touch(queue);
    }
    let best = this.#contest.first((queue) =>
      this.#restless.includes(queue) ? undefined : this.#candidateOf(queue, nowMs),
    );
    for (const queue of this.#restless) {
      const candidate = this.#candidateOf(queue, nowMs, best);
      if (candidate && (!best || isLess(candidate, best))) best = candidate;
    }
    return best?.task;
  }

  /** `best`: only one that goes before it is wanted. */
  #candidateOf(queue: Queue, nowMs: number, best?: Candidate): Candidate | undefined {
    const { settings, served, share } = queue;
    if (queue.waiting === 0) return undefined;
    const level = levelOf(share.dominantOf(this.#plant), settings.weight);
    if (!settings.guaranteed && best && !isLess({ isOwn: false, level, served, of: queue }, best))
      return undefined;
    const task = this.#isShut(queue, nowMs) ? undefined : queue.first(this.#plant, nowMs);
    if (!task) return undefined;
    const isOwn = settings.guaranteed !== undefined && !isBorrowing(share, settings, task.askClass);
    return { isOwn, level, served, of: queue, task };
  }

  #isShut(queue: Queue, nowMs: number): boolean {
    const gate = queueGate(queue, nowMs);
    const { ratePerS } = queue.settings;
    if (gate === 'QUEUE_RATE' && ratePerS !== undefined)
      this.rateOpensAtMs = Math.min(this.rateOpensAtMs, queue.rate.opensAtMs(ratePerS, nowMs));
    return gate !== undefined;
  }
}

/** Does who is next of it depend on the time? */
const isRestless = ({ settings, order }: Queue): boolean =>
  !order.isSteady || settings.ratePerS !== undefined;
