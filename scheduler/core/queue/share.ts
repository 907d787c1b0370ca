// What a queue or a tenant has of the plant: its live tasks, its attempts, and what those reserve.
import type { Ask } from '../../protocol/task.ts';
import type { Amounts } from '../../protocol/view.ts';
import type { Plant } from '../state/plant.ts';
import { EndRate } from './endRate.ts';

export class Share {
  /** Tasks that have not ended. */
  live = 0;
  /** Dispatched, running or cancelling. */
  active = 0;
  cpu = 0;
  memory = 0;
  /** Thousandths of a device. */
  gpu = 0;
  /** Of that, what is being stopped for others: it ends soon. */
  readonly stopping = { cpu: 0, memory: 0, gpu: 0 };
  /** How fast its tasks end. Soft state. */
  readonly ends = new EndRate();
  #dominant = 0;
  /** Version of the plant that `#dominant` is of; 0 where it has to be worked out anew. */
  #ofVersion = 0;

  hold(ask: Ask): void {
    this.#add(ask, 1);
  }
  release(ask: Ask): void {
    this.#add(ask, -1);
  }
  /** An attempt is being stopped for another task (1), or has ended then (-1). */
  countStop({ cpu, memory, gpu }: Amounts, sign: 1 | -1): void {
    this.stopping.cpu += sign * cpu;
    this.stopping.memory += sign * memory;
    this.stopping.gpu += sign * gpu;
  }
  /** Reserved by its attempts: CPU in millicores, memory in MiB, GPU in thousandths. */
  get allocated(): Amounts {
    return { cpu: this.cpu, memory: this.memory, gpu: this.gpu };
  }
  /** The largest of its shares of the plant, 0 to 1 (dominant resource fairness, Ghodsi 2011). */
  dominantOf(plant: Plant): number {
    if (this.#ofVersion === plant.version) return this.#dominant;
    this.#ofVersion = plant.version;
    this.#dominant = dominantShare(this, plant);
    return this.#dominant;
  }

  #add(ask: Ask, sign: 1 | -1): void {
    this.active += sign;
    this.cpu += sign * ask.cpu;
    this.memory += sign * ask.memory;
    this.gpu += sign * gpuOf(ask);
    this.#ofVersion = 0;
  }
}

/** What an attempt with this ask reserves. */
export const amountsOf = (ask: Ask): Amounts => ({ cpu: ask.cpu, memory: ask.memory, gpu: gpuOf(ask) });

/** Thousandths of a device, over all devices. */
export const gpuOf = ({ gpu }: Ask): number => (gpu ? gpu.devices * gpu.thousandths : 0);

/** The largest of its shares of these totals. What the totals have nothing of does not count. */
export function dominantShare(has: Amounts, all: Amounts): number {
  const of = (amount: number, total: number): number => (total > 0 ? amount / total : 0);
  return Math.max(of(has.cpu, all.cpu), of(has.memory, all.memory), of(has.gpu, all.gpu));
}
