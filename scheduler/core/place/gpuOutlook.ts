// How much of a node's free GPU the mix of asks could use: the opposite of fragmentation as FGD measures it (USENIX
// ATC'23, "Beware of Fragmentation"). A device counts for an ask where the ask would fit the node and the device.
import { gpuDevicesMax, gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import { type AskMix, keyOf, type MixedAsk } from '../state/askMix.ts';

/** CPU amounts told apart. Past it the rarer ones are rounded up to the next: the table stays near 1 MB. */
const cpuStepsMax = 127;
const perRow = gpuThousandthsPerDevice + 1;
const wholePerRow = gpuDevicesMax + 1;

/** The mix as two tables, by CPU step: what one device's free part is worth, and what several whole ones are. */
export class GpuOutlook {
  /** Amounts of CPU that some kind of ask needs, least first. */
  readonly #cpuSteps: readonly number[];
  /** Share of the mix that can use a device with so much free, by CPU row: a share of one device, or all of it. */
  readonly #part: Float64Array;
  /** Share of the mix that asks for several whole devices and finds so many, by CPU row. */
  readonly #whole: Float64Array;
  readonly #shares: ReadonlyMap<number, number>;
  /** `counted` of the mix when this was made. */
  readonly madeAt: number;

  constructor(mix: AskMix) {
    this.madeAt = mix.counted;
    const kinds = [...mix.kinds];
    this.#shares = sharesOf(kinds, mix.total);
    this.#cpuSteps = stepsOf(kinds);
    const rows = this.#cpuSteps.length + 1;
    this.#part = new Float64Array(rows * perRow);
    this.#whole = new Float64Array(rows * wholePerRow);
    const total = kinds.reduce((sum, kind) => sum + importance(kind), 0);
    for (const kind of kinds) this.#add(kind, importance(kind) / total);
  }

  /** Half the sum of the differences of all shares, 0..1: how far the mix has moved since this was made. */
  driftTo(mix: AskMix): number {
    let same = 0;
    for (const kind of mix.kinds)
      same += Math.min(kind.weight / mix.total, this.#shares.get(keyOf(kind)) ?? 0);
    return 1 - same;
  }

  /** The row of the tables for a node with so much CPU free. O(log cpuStepsMax). */
  rowOf(cpu: number): number {
    const steps = this.#cpuSteps;
    let low = 0;
    let high = steps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((steps[middle] ?? 0) <= cpu) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Expected usable thousandths of these devices, those of several whole ones apart. O(devices). */
  usableParts(row: number, devices: Int16Array): number {
    let sum = 0;
    for (const free of devices) sum += this.usablePart(row, free);
    return sum;
  }
  usablePart(row: number, free: number): number {
    return free * (this.#part[row * perRow + free] ?? 0);
  }
  /** Expected usable thousandths by asks for several whole devices, where so many are whole. */
  usableWhole(row: number, whole: number): number {
    return whole * gpuThousandthsPerDevice * (this.#whole[row * wholePerRow + whole] ?? 0);
  }

  #add(kind: MixedAsk, share: number): void {
    if (kind.devices === 0) return; // uses no GPU, so none is usable for it
    const step = this.#cpuSteps.findIndex((cpu) => cpu >= kind.cpu);
    const firstRow = step < 0 ? this.#cpuSteps.length : step + 1;
    const [table, width, from] =
      kind.devices === 1
        ? [this.#part, perRow, kind.thousandths]
        : [this.#whole, wholePerRow, Math.min(kind.devices, gpuDevicesMax)];
    for (let row = firstRow; row <= this.#cpuSteps.length; row += 1)
      for (let at = from; at < width; at += 1) {
        const cell = row * width + at;
        table[cell] = (table[cell] ?? 0) + share;
      }
  }
}

/** An ask for eight devices weighs eight times one for a single device: it is GPU time that matters, not the count. */
const importance = (kind: MixedAsk): number => kind.weight * Math.max(1, kind.devices);

const sharesOf = (kinds: readonly MixedAsk[], total: number): Map<number, number> =>
  new Map(kinds.map((kind) => [keyOf(kind), kind.weight / total]));

function stepsOf(kinds: readonly MixedAsk[]): number[] {
  const weights = new Map<number, number>();
  for (const kind of kinds)
    if (kind.devices > 0) weights.set(kind.cpu, (weights.get(kind.cpu) ?? 0) + importance(kind));
  const most = Math.max(0, ...weights.keys());
  const heaviest = [...weights].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, cpuStepsMax);
  return [...new Set([...heaviest.map(([cpu]) => cpu), most])].sort((a, b) => a - b);
}
