// Logs of rigid parallel jobs made by the model of Lublin and Feitelson (JPDC 63(11), 2003), by its published
// parameters without a split into batch and interactive: sizes, run times that grow with them, the rhythm of a day.
import type { Job } from './replay.ts';

/** How users expect run times: exactly, up to five times too long, or by kinds with a limit for each. */
type Expecting = 'exact' | 'longer' | 'kinds';
export interface Recipe {
  readonly seed: number;
  readonly jobs: number;
  /** Work submitted, as a part of what the machine can do. */
  readonly load: number;
  readonly expecting: Expecting;
}

/** log2 of the machine's processors. */
const sizeLog2 = 8;
export const procs = 2 ** sizeLog2;
/** Shares of serial jobs and of powers of two; sizes are uniform in two stages of their log2. */
const sizes = { serial: 0.244, powerOfTwo: 0.576, low: 0.8, middle: sizeLog2 - 2.5, lowShare: 0.86 };
/** Natural logarithm of the run time: one of two gamma distributions, by size. */
const short = { shape: 4.2, scale: 0.94 };
const long = { shape: 312, scale: 0.03 };
const shortShare = { perProc: -0.0054, base: 0.78 };
const logRunMax = 12;
/** Natural logarithm of the time between submits at the busiest hour, and how many come by half hours of the day. */
const gap = { shape: 10.2303 * 1.0225, scale: 0.4871 };
const logGapMax = 13;
const day = { shape: 8.1737, scale: 3.9631, halfHours: 48, beginsAt: 11 };
const halfHourS = 1_800;

/** Limits that users choose from, in seconds. */
const limitsS = [60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 345_600];

type Draw = () => number;

/** Jobs in the order in which they are submitted. The same recipe gives the same jobs. */
export function makeLog({ seed, jobs, load, expecting }: Recipe): readonly Job[] {
  const draw = drawer(seed);
  const submits = submitTimes(draw, jobs);
  const made = submits.map((submitS, at) => {
    const wanted = sizeOf(draw);
    const runS = runOf(draw, wanted);
    return { id: at + 1, submitS, runS, procs: wanted, ...expected(draw, { runS, expecting, seed }) };
  });
  const spanS = (submits.at(-1) ?? 0) - (submits[0] ?? 0);
  const offered = made.reduce((sum, job) => sum + job.runS * job.procs, 0) / procs / spanS;
  return made.map((job) => ({ ...job, submitS: Math.round((job.submitS * offered) / load) }));
}

function sizeOf(draw: Draw): number {
  const kind = draw();
  if (kind <= sizes.serial) return 1;
  const [from, to] = draw() <= sizes.lowShare ? [sizes.low, sizes.middle] : [sizes.middle, sizeLog2];
  const log2 = from + draw() * (to - from);
  return Math.round(2 ** (kind <= sizes.serial + sizes.powerOfTwo ? Math.round(log2) : log2));
}

function runOf(draw: Draw, wanted: number): number {
  const share = shortShare.perProc * wanted + shortShare.base;
  for (;;) {
    const log = gamma(draw, draw() <= share ? short : long);
    if (log <= logRunMax) return Math.max(1, Math.floor(Math.exp(log)));
  }
}

function expected(
  draw: Draw,
  { runS, expecting, seed }: { runS: number; expecting: Expecting; seed: number },
): { readonly reqS: number; readonly app: number } {
  if (expecting === 'exact') return { reqS: runS, app: -1 };
  if (expecting === 'longer') return { reqS: Math.ceil(runS * (1 + 4 * draw())), app: -1 };
  // Three programs for each half octave of run time; the limit of each is far too long for some, near for others.
  const step = Math.floor(Math.log2(runS) * 2);
  const app = step * 3 + Math.floor(draw() * 3);
  const slack = 1 + 20 * drawer(seed * 1_000 + app)() ** 2;
  const reqS = limitsS.find((limitS) => limitS >= 2 ** ((step + 1) / 2) * slack) ?? 0;
  return { reqS: Math.max(runS, reqS), app };
}

/** Each gap is paid for in points, of which busy half hours give more. */
function submitTimes(draw: Draw, count: number): number[] {
  const weights = dayWeights();
  const times: number[] = [];
  let [atS, points] = [0, 0];
  let slot = 0;
  while (times.length < count) {
    const log = gamma(draw, gap);
    if (log > logGapMax) continue;
    points += Math.exp(log) / halfHourS;
    for (let weight = weights[slot] ?? 1; points > weight; weight = weights[slot] ?? 1) {
      points -= weight;
      slot = (slot + 1) % day.halfHours;
      atS += halfHourS;
    }
    times.push(atS + (halfHourS * points) / (weights[slot] ?? 1));
  }
  return times;
}

/** Share of each half hour in a day's submits, 1 on average. */
function dayWeights(): number[] {
  const weights = new Array<number>(day.halfHours).fill(0);
  for (let at = day.beginsAt; at < day.beginsAt + day.halfHours; at += 1)
    weights[(at - 1) % day.halfHours] = density(at, day);
  const mean = weights.reduce((sum, one) => sum + one, 0) / day.halfHours;
  return weights.map((one) => one / mean);
}

interface Gamma {
  readonly shape: number;
  readonly scale: number;
}
/** Of the gamma distribution, but for a factor. */
const density = (at: number, { shape, scale }: Gamma): number => at ** (shape - 1) * Math.exp(-at / scale);

/** By Marsaglia and Tsang (2000); shapes below 1 are not asked for. */
function gamma(draw: Draw, { shape, scale }: Gamma): number {
  const d = shape - 1 / 3;
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - draw()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v * scale;
  }
}

/** Uniform in 0 to 1, by a 32-bit state (mulberry32, public domain). */
function drawer(seed: number): Draw {
  let state = Math.imul(seed, 7_919) + 13;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
