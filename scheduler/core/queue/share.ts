// What a queue or a tenant has of the plant: its live tasks, its attempts, and what those reserve.
import type { Ask } from '../../protocol/task.ts';
import type { Amounts } from '../../protocol/view.ts';

export class Share {
  /** Tasks that have not ended. */
  live = 0;
  /** Dispatched, running or cancelling. */
  active = 0;
  cpu = 0;
  memory = 0;
  /** Thousandths of a device. */
  gpu = 0;

  hold(ask: Ask): void {
    this.#add(ask, 1);
  }
  release(ask: Ask): void {
    this.#add(ask, -1);
  }
  /** Reserved by its attempts: CPU in millicores, memory in MiB, GPU in thousandths. */
  get allocated(): Amounts {
    return { cpu: this.cpu, memory: this.memory, gpu: this.gpu };
  }
  /** The largest of its shares of these totals, 0 to 1 (dominant resource fairness, Ghodsi 2011). */
  dominantOf(total: Amounts): number {
    const of = (has: number, all: number): number => (all > 0 ? has / all : 0);
    return Math.max(of(this.cpu, total.cpu), of(this.memory, total.memory), of(this.gpu, total.gpu));
  }

  #add({ cpu, memory, gpu }: Ask, sign: 1 | -1): void {
    this.active += sign;
    this.cpu += sign * cpu;
    this.memory += sign * memory;
    this.gpu += sign * (gpu ? gpu.devices * gpu.thousandths : 0);
  }
}
