// A colour for each of the 256 bytes of a metric, as ImageData wants it: what "a glance" is made of.
import { type MetricDescriptor, noData } from '../../scheduler/protocol/fleetFrames.ts';
import { byteFrom } from '../fleet/groupStats.ts';

export const heatScales = ['limits', 'cividis', 'rank'] as const;
export type HeatScale = (typeof heatScales)[number];
export const heatBands = ['ok', 'warn', 'crit', 'offline', 'noData'] as const;
export type HeatBand = (typeof heatBands)[number];

export type Rgb = readonly [number, number, number];
export interface HeatPalette {
  readonly quiet: readonly [Rgb, Rgb];
  readonly warn: readonly [Rgb, Rgb];
  readonly crit: Rgb;
  readonly ramp: readonly Rgb[];
  readonly ground: Rgb;
  readonly dim: Rgb;
}
export interface BandBytes {
  readonly warn: number;
  readonly crit: number;
  /** Byte at which the quiet ramp ends: at the first limit, or at the largest value where there is no limit. */
  readonly top: number;
}

export const packed = ([red, green, blue]: Rgb): number =>
  ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const between = (a: Rgb, b: Rgb, share: number): Rgb =>
  [0, 1, 2].map((at) => Math.round((a[at] ?? 0) + ((b[at] ?? 0) - (a[at] ?? 0)) * share)) as unknown as Rgb;

/** Along stops at even distances. */
export function alongRamp(stops: readonly Rgb[], share: number): Rgb {
  const last = stops.length - 1;
  const at = Math.max(0, Math.min(last, share * last));
  const low = Math.min(last - 1, Math.floor(at));
  const [from, to] = [stops[low], stops[low + 1]];
  return from && to ? between(from, to, at - low) : (from ?? [0, 0, 0]);
}

/** A metric without a limit on its scale is drawn from 0 to a round number above its largest value. */
export function bandBytes(descriptor: MetricDescriptor, histogram: Uint32Array): BandBytes {
  const warn = byteFrom(descriptor, descriptor.warn);
  const crit = byteFrom(descriptor, descriptor.crit);
  if (warn < noData || descriptor.unit === '%') return { warn, crit, top: Math.min(warn, noData - 1) };
  let largest = 0;
  for (let byte = 0; byte < noData; byte += 1) if ((histogram[byte] ?? 0) > 0) largest = byte;
  return { warn, crit, top: [4, 8, 16, 32, 64, 128].find((round) => round >= largest) ?? noData - 1 };
}

export function bandOf(byte: number, { warn, crit }: BandBytes): HeatBand {
  if (byte === noData) return 'noData';
  if (byte >= crit) return 'crit';
  return byte >= warn ? 'warn' : 'ok';
}

export interface LutWish {
  readonly scale: HeatScale;
  readonly palette: HeatPalette;
  readonly bands: BandBytes;
  readonly histogram: Uint32Array;
  /** Only this band keeps its colours. */
  readonly only: HeatBand | undefined;
}

export function makeLut(wish: LutWish): Uint32Array {
  const lut = new Uint32Array(256);
  const colour = { limits: limitColour, cividis: rampColour, rank: rankColours(wish) }[wish.scale];
  for (let byte = 0; byte < noData; byte += 1) {
    const isShown = wish.only === undefined || wish.only === bandOf(byte, wish.bands);
    lut[byte] = packed(isShown ? colour(byte, wish) : wish.palette.dim);
  }
  lut[noData] = packed(wish.palette.ground);
  return lut;
}

function limitColour(byte: number, { palette, bands: { warn, crit, top } }: LutWish): Rgb {
  if (byte >= crit) return palette.crit;
  if (byte >= warn) return between(...palette.warn, (byte - warn) / Math.max(1, crit - 1 - warn));
  return between(...palette.quiet, Math.min(1, byte / Math.max(1, top)));
}
function rampColour(byte: number, { palette, bands }: LutWish): Rgb {
  const top = bands.warn < noData ? noData - 1 : bands.top;
  return alongRamp(palette.ramp, byte / Math.max(1, top));
}
/** By the share of nodes that have less: half of them are below the middle of the ramp. */
function rankColours({ histogram }: LutWish) {
  let total = 0;
  for (let byte = 0; byte < noData; byte += 1) total += histogram[byte] ?? 0;
  const share = new Float64Array(256);
  let below = 0;
  for (let byte = 0; byte < noData; byte += 1) {
    const here = histogram[byte] ?? 0;
    share[byte] = total > 0 ? (below + here / 2) / total : 0;
    below += here;
  }
  return (byte: number, { palette }: LutWish): Rgb => alongRamp(palette.ramp, share[byte] ?? 0);
}
