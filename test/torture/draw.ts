// Draws from a seed: the same seed gives the same plan.
import { type Random, seededRandom } from '../../scheduler/core/ports.ts';

export class Draw {
  readonly #random: Random;
  constructor(seed: number) {
    this.#random = seededRandom(Math.imul(seed, 0x9e3779b1));
  }
  share(): number {
    return this.#random.next();
  }
  chance(share: number): boolean {
    return this.share() < share;
  }
  /** Both ends included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.share() * (to - from + 1));
  }
  one<Item>(items: readonly Item[]): Item {
    return items[this.whole(0, items.length - 1)] as Item;
  }
}
