// People pause queues, drain them and open them again while work and faults go on. Once faults stop, one queue stays
// drained: it has to run empty, and can then be removed.
import type { Core } from '../../scheduler/core/cycle.ts';
import type { QueueName } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import type { QueueMode } from '../../scheduler/protocol/queue.ts';
import type { Strikes } from './faults.ts';
import type { Plan } from './plan.ts';
import type { World } from './world.ts';

const actor = 'sim';
/** One seed in so many ends with a queue that is drained. */
const seedsPerDrain = 3;

export class ModeLoad {
  readonly #world: World;
  readonly #plan: Plan;
  /** Brings a command through, however often it has to be said, or says it so many times. */
  readonly #say: (command: Command, tries?: number) => void;
  readonly #changed = new Set<QueueName>();
  /** The queue that stays drained, once faults have stopped. */
  drained: QueueName | undefined;
  #isRemoving = false;

  constructor(parts: { world: World; plan: Plan; say: (command: Command, tries?: number) => void }) {
    this.#world = parts.world;
    this.#plan = parts.plan;
    this.#say = parts.say;
  }

  readonly strikes: Strikes = {
    queuePaused: () => {
      this.#change('paused');
    },
    queueDraining: () => {
      this.#change('draining');
    },
  };

  #change(mode: QueueMode): void {
    const { queue } = this.#world.pick(this.#plan.queues);
    this.#changed.add(queue);
    // Once: said again later, it might come after the opening.
    this.#put(queue, mode, 1);
    this.#world.after(this.#world.between(500, 25_000), () => {
      if (this.drained !== queue) this.#put(queue, 'open');
    });
  }

  end(): void {
    const last = this.#plan.queues.at(-1)?.queue;
    if (this.#changed.size > 0 && last !== 'default' && this.#plan.specs.length % seedsPerDrain === 0)
      this.drained = last;
    for (const queue of this.#changed) if (queue !== this.drained) this.#put(queue, 'open');
    if (this.drained) this.#put(this.drained, 'draining');
  }

  /** Nothing lives any more: what is drained goes. True once it has gone. */
  isDone(core: Core): boolean {
    const { drained } = this;
    if (drained === undefined || !core.state.ready.queues.has(drained)) return true;
    if (this.#isRemoving) return false;
    this.#isRemoving = true;
    this.#say({ kind: 'RemoveQueue', queue: drained, actor });
    return false;
  }

  #put(queue: QueueName, mode: QueueMode, tries?: number): void {
    this.#say({ kind: 'PutQueue', queue, change: { mode }, actor }, tries);
  }
}
