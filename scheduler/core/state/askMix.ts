// The mix of asks: how often which shape was asked for of late. Placement keeps what is left of a node usable for it.
// Soft state: every task taken in counts, live or in replay; older ones count less and less.
import { askMixKindsMax, gpuDevicesMax, gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import type { Ask } from '../../protocol/task.ts';

/** One kind of ask and its weight, in asks. `devices` is 0 where no GPU is asked for. */
export interface MixedAsk {
  readonly cpu: number;
  readonly devices: number;
  readonly thousandths: number;
  weight: number;
}

/** After this many asks all weights are halved: a plant's habits change over weeks, not within an hour. */
const halveEvery = 32_768;
/** A kind this light is forgotten when weights are halved. */
const forgottenBelow = 0.25;

/**
 * What a plant without a past is taken to ask for: whole devices, one or several at once. It keeps whole devices whole
 * until the real asks, which outweigh it soon, say something else.
 */
const prior: readonly MixedAsk[] = [
  { cpu: 0, devices: 1, thousandths: gpuThousandthsPerDevice, weight: 8 },
  { cpu: 0, devices: 2, thousandths: gpuThousandthsPerDevice, weight: 4 },
  { cpu: 0, devices: 4, thousandths: gpuThousandthsPerDevice, weight: 2 },
  { cpu: 0, devices: 8, thousandths: gpuThousandthsPerDevice, weight: 1 },
];

export class AskMix {
  readonly #kinds = new Map<number, MixedAsk>(prior.map((kind) => [keyOf(kind), { ...kind }]));
  #total = prior.reduce((sum, { weight }) => sum + weight, 0);
  #sinceHalved = 0;
  /** Asks counted so far. */
  counted = 0;

  /** Weight of all kinds. */
  get total(): number {
    return this.#total;
  }
  get kinds(): Iterable<MixedAsk> {
    return this.#kinds.values();
  }

  /** O(1), but for one halving in `halveEvery` asks. */
  count({ cpu, gpu }: Ask): void {
    const kind = { cpu, devices: gpu?.devices ?? 0, thousandths: gpu?.thousandths ?? 0, weight: 1 };
    const key = keyOf(kind);
    const known = this.#kinds.get(key);
    this.counted += 1;
    if (known) known.weight += 1;
    else if (this.#kinds.size < askMixKindsMax) this.#kinds.set(key, kind);
    else return;
    this.#total += 1;
    this.#sinceHalved += 1;
    if (this.#sinceHalved >= halveEvery) this.#halve();
  }

  #halve(): void {
    this.#sinceHalved = 0;
    this.#total = 0;
    for (const [key, kind] of this.#kinds) {
      kind.weight /= 2;
      if (kind.weight < forgottenBelow) this.#kinds.delete(key);
      else this.#total += kind.weight;
    }
  }
}

/** One whole number for CPU (20 bits), devices (5) and thousandths (10): exact in a double, and cheap to look up. */
export function keyOf({ cpu, devices, thousandths }: Omit<MixedAsk, 'weight'>): number {
  return (cpu * (2 * gpuDevicesMax) + devices) * 1_024 + thousandths;
}
