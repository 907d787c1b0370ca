// What the core needs from outside: time comes as an argument of each turn, randomness from a seed it was given.

/** Uniform random numbers. Only `decide/` draws from it; `apply` never does, so a replay needs no seed. */
export interface Random {
  /** From 0 (inclusive) to 1 (exclusive). */
  next(): number;
}

/** The mulberry32 generator (Tommy Ettinger, public domain): 32 bits of state, period 2^32, plenty for jitter. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}
