// The plant's day: how busy it is by the hour, and the six incidents that its script holds.
import { chance } from './chance.ts';
import type { PlantShape } from './plant.ts';

const minute = 60_000;
const hour = 60 * minute;
const dayMs = 24 * hour;

/** Share of full load at each full hour: three shifts, with their changes at 6, 14 and 22, and a quiet night. */
const byHour = [
  0.55, 0.5, 0.48, 0.5, 0.55, 0.62, 0.7, 0.88, 0.97, 1, 0.96, 0.98, 0.86, 0.95, 0.72, 0.9, 0.96, 0.94, 0.85,
  0.9, 0.84, 0.78, 0.58, 0.57,
];

/** `hourOfDay`: 0 to 24, with fractions. */
export function loadAt(hourOfDay: number): number {
  const from = Math.floor(hourOfDay) % 24;
  const share = hourOfDay - Math.floor(hourOfDay);
  return (byHour[from] ?? 0) * (1 - share) + (byHour[(from + 1) % 24] ?? 0) * share;
}

export type IncidentKind = 'line hot' | 'line without power' | 'flapping node' | 'slow cells';
export interface Incident {
  readonly kind: IncidentKind;
  /** In plant time since the fleet began. */
  readonly startMs: number;
  readonly endMs: number;
  /** Number of a line, of the first of three cells, or of a node. */
  readonly target: number;
}

/** Since the fleet began. The first comes soon: whoever looks at a new plant should see something happen. */
const script: readonly (readonly [IncidentKind, startMs: number, lastsMs: number])[] = [
  ['line hot', 90_000, 10 * minute],
  ['slow cells', 15 * minute, 12 * minute],
  ['line without power', 40 * minute, 4 * minute],
  ['flapping node', 2.5 * hour, 10 * minute],
  ['line hot', 7 * hour, 25 * minute],
  ['line without power', 13 * hour, 6 * minute],
];

/** Incidents that are under way at a moment of plant time. Each day has the same script and other targets. */
export function incidentsAt(sinceMs: number, shape: PlantShape, seed: number): Incident[] {
  const day = Math.floor(sinceMs / dayMs);
  const inDay = sinceMs - day * dayMs;
  return script.flatMap(([kind, startMs, lastsMs], at) => {
    if (inDay < startMs || inDay >= startMs + lastsMs) return [];
    const target = Math.floor(chance(seed, day, at) * targetsOf(kind, shape));
    return [{ kind, startMs: day * dayMs + startMs, endMs: day * dayMs + startMs + lastsMs, target }];
  });
}

function targetsOf(kind: IncidentKind, shape: PlantShape): number {
  const lines = shape.areas * shape.lines;
  switch (kind) {
    case 'line hot':
    case 'line without power':
      return lines;
    case 'slow cells':
      return lines * shape.cells;
    case 'flapping node':
      return shape.nodes;
  }
}

/** Plant time: runs `speed` times as fast as the clock on the wall, from the hour at which the fleet began. */
export class PlantClock {
  readonly #speed: number;
  readonly #startHour: number;
  readonly #startedMs = performance.now();

  constructor(speed: number, now: Date) {
    this.#speed = speed;
    this.#startHour = now.getHours() + now.getMinutes() / 60;
  }

  sinceMs(): number {
    return (performance.now() - this.#startedMs) * this.#speed;
  }
  hourOfDay(): number {
    return (this.#startHour + this.sinceMs() / hour) % 24;
  }
}
