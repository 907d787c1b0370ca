// Chance that can be repeated: the same seed and numbers give the same draw, in whatever order they are asked for.

/** 0 to 1, from a seed and two numbers. The finishing steps of MurmurHash3 (Austin Appleby, public domain). */
export function chance(seed: number, first: number, second = 0): number {
  let mixed = Math.imul(seed ^ Math.imul(first, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(second, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}

/** A number around 0, about -1 to 1, that wanders: `time` in any unit, one new direction per unit. */
export function wander(seed: number, salt: number, time: number): number {
  const step = Math.floor(time);
  const share = time - step;
  const smooth = share * share * (3 - 2 * share);
  const from = chance(seed, salt, step) * 2 - 1;
  const to = chance(seed, salt, step + 1) * 2 - 1;
  return from + (to - from) * smooth;
}

/** Log-normal around a median; `sigma` 0.5 spreads two thirds of the draws over a factor of 1.65 either way. */
export function logNormal(median: number, sigma: number, draws: readonly [number, number]): number {
  const normal = Math.sqrt(-2 * Math.log(1 - draws[0])) * Math.cos(2 * Math.PI * draws[1]);
  return median * Math.exp(sigma * normal);
}
