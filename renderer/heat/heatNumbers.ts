// What the heat map says in numbers: a selection's spread, and the nodes that need somebody, the worst first.
import { fleetFlag, noData } from '../../scheduler/protocol/fleetFrames.ts';
import type { PlantShape } from '../fleet/plantShape.ts';

export interface Spread {
  readonly nodes: number;
  readonly withData: number;
  /** Bytes; absent where no node has data. */
  readonly min?: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly max?: number;
}

export function spreadOf(chosen: ReadonlySet<number>, values: Uint8Array): Spread {
  const histogram = new Uint32Array(noData);
  let withData = 0;
  for (const node of chosen) {
    const byte = values[node] ?? noData;
    if (byte === noData) continue;
    histogram[byte] = (histogram[byte] ?? 0) + 1;
    withData += 1;
  }
  if (withData === 0) return { nodes: chosen.size, withData };
  const at = (share: number) => {
    let left = Math.max(1, Math.ceil(share * withData));
    return histogram.findIndex((count) => (left -= count) <= 0);
  };
  return { nodes: chosen.size, withData, min: at(0), p50: at(0.5), p95: at(0.95), max: at(1) };
}

export type ExceptionKind = 'crit' | 'offline' | 'stale' | 'warn';
export interface HeatException {
  readonly node: number;
  readonly kind: ExceptionKind;
  readonly byte: number;
}
const order: readonly ExceptionKind[] = ['crit', 'offline', 'stale', 'warn'];

/** At most `limit`, by severity, then by value, then in order of the plant; and how many there are in all. */
export function exceptionsOf(
  { values, flags, shape }: { values: Uint8Array; flags: Uint8Array; shape: PlantShape },
  limits: { readonly warn: number; readonly crit: number },
  limit: number,
): { readonly rows: readonly HeatException[]; readonly total: number } {
  const found: Record<ExceptionKind, HeatException[]> = { crit: [], offline: [], stale: [], warn: [] };
  let total = 0;
  for (let node = 0; node < shape.count; node += 1) {
    const byte = values[node] ?? noData;
    const kind = kindOf(flags[node] ?? 0, byte, limits);
    if (kind === undefined) continue;
    total += 1;
    found[kind].push({ node, kind, byte });
  }
  const rows: HeatException[] = [];
  for (const kind of order) {
    if (rows.length >= limit) break;
    const those = found[kind].sort((a, b) => b.byte - a.byte || a.node - b.node);
    rows.push(...those.slice(0, limit - rows.length));
  }
  return { rows, total };
}

export function kindOf(
  flag: number,
  byte: number,
  limits: { readonly warn: number; readonly crit: number },
): ExceptionKind | undefined {
  if ((flag & fleetFlag.online) === 0) return 'offline';
  if (byte !== noData && byte >= limits.crit) return 'crit';
  if ((flag & fleetFlag.stale) !== 0) return 'stale';
  return byte !== noData && byte >= limits.warn ? 'warn' : undefined;
}

/** What the names of all chosen nodes begin with: how the list of nodes can show them. */
export function commonPrefix(chosen: ReadonlySet<number>, shape: PlantShape): string {
  let prefix: string | undefined;
  for (const node of chosen) {
    const name = shape.nodes[node] ?? '';
    if (prefix === undefined) prefix = name;
    while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1);
    if (prefix === '') break;
  }
  return prefix ?? '';
}
