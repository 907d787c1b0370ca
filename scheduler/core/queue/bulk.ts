// How large tasks are beside the plant: within one batch of arrivals the larger go first. Lanes are sorted anew where
// the plant has become another.
import type { Amounts } from '../../protocol/view.ts';
import type { Plant } from '../state/plant.ts';
import type { Lane } from './lane.ts';
import type { Queue } from './queue.ts';
import { dominantShare, gpuOf } from './share.ts';

/** Lanes are sorted anew where the plant has grown or shrunk by more than this since. */
const resortAt = 0.1;
const nothing = { cpu: 0, memory: 0, gpu: 0, version: 0 };

export class Bulk {
  readonly #plant: Plant;
  /** The plant as it was when lanes were last sorted. */
  #sortedFor: Amounts & { readonly version: number } = nothing;

  constructor(plant: Plant) {
    this.#plant = plant;
  }

  /** Dominant share of the plant of one task of the lane. */
  of({ askClass: { ask } }: Lane): number {
    return dominantShare({ cpu: ask.cpu, memory: ask.memory, gpu: gpuOf(ask) }, this.#sortedFor);
  }

  /** O(1) where the plant is about as it was, else O(lanes log lanes). */
  resort(queues: Iterable<Queue>): void {
    const { cpu, memory, gpu, version } = this.#plant;
    const was = this.#sortedFor;
    if (was.version === version) return;
    const isNear = (now: number, then: number): boolean => Math.abs(now - then) <= resortAt * then;
    if (was.version > 0 && isNear(cpu, was.cpu) && isNear(memory, was.memory) && isNear(gpu, was.gpu)) return;
    this.#sortedFor = { cpu, memory, gpu, version };
    for (const queue of queues)
      for (const line of queue.lines.values()) {
        for (const lane of line.lanes.values()) lane.bulk = this.of(lane);
        line.listAll();
      }
  }
  resortAnew(queues: Iterable<Queue>): void {
    this.#sortedFor = nothing;
    this.resort(queues);
  }
}
