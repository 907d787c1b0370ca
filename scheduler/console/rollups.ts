// What a group's nodes say together: least, middle, 95th percentile, most, and how many are in trouble.
import {
  fleetFlag,
  type GroupRange,
  type GroupRollup,
  type MetricDescriptor,
  noData,
  valueOf,
} from '../protocol/fleetFrames.ts';

/** Counts nodes per byte: quantiles then need no sorting. Reused, since it is filled per group. */
const histogram = new Uint32Array(noData);

/** `values` and `flags` by index, as in a frame. O(nodes of the groups + 255 per group). */
export function rollupsOf(
  groups: readonly GroupRange[],
  values: Uint8Array,
  flags: Uint8Array,
  descriptor: MetricDescriptor,
): readonly GroupRollup[] {
  const unit = Array.from({ length: noData }, (_, byte) => valueOf(byte, descriptor) ?? 0);
  const badness = unit.map((value) => badnessOf(value, descriptor));
  return groups.map((group) => {
    const seen = countInto(histogram, group, values, flags);
    const trouble = { warn: 0, crit: 0 };
    for (const [byte, bad] of badness.entries()) if (bad) trouble[bad] += histogram[byte] ?? 0;
    const at = (share: number): number => tenths(unit[byteAt(share, seen.count)] ?? 0);
    const quantiles = { min: at(0), p50: at(0.5), p95: at(0.95), max: at(1) };
    return { ...seen, ...(seen.count === 0 ? silent : quantiles), ...trouble };
  });
}

const silent = { min: 0, p50: 0, p95: 0, max: 0 };
const tenths = (value: number): number => Math.round(value * 10) / 10;

function badnessOf(value: number, descriptor: MetricDescriptor): 'warn' | 'crit' | undefined {
  const { warn, crit, direction } = descriptor;
  const isBeyond = (limit: number): boolean => (direction === 'high' ? value >= limit : value <= limit);
  if (isBeyond(crit)) return 'crit';
  return isBeyond(warn) ? 'warn' : undefined;
}

function countInto(counts: Uint32Array, { first, count }: GroupRange, values: Uint8Array, flags: Uint8Array) {
  counts.fill(0);
  let withData = 0;
  let offline = 0;
  let cordoned = 0;
  for (let index = first; index < first + count; index += 1) {
    const flag = flags[index] ?? 0;
    if ((flag & fleetFlag.online) === 0) offline += 1;
    if ((flag & fleetFlag.cordoned) !== 0) cordoned += 1;
    const byte = values[index] ?? noData;
    if (byte === noData) continue;
    counts[byte] = (counts[byte] ?? 0) + 1;
    withData += 1;
  }
  return { count: withData, offline, cordoned };
}

/** The smallest byte that `share` of the counted nodes do not exceed. */
function byteAt(share: number, count: number): number {
  const rank = Math.max(1, Math.ceil(share * count));
  let seen = 0;
  for (let byte = 0; byte < noData; byte += 1) {
    seen += histogram[byte] ?? 0;
    if (seen >= rank) return byte;
  }
  return 0;
}
