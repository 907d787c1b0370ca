// A trace as a chart draws it: lines that break where nothing was measured, and round times under the axis.
import { ms } from '../../scheduler/protocol/brands.ts';
import type { MetricTrace, TraceRange } from '../../scheduler/protocol/fleetFrames.ts';
import { tracePointsMax } from '../../scheduler/protocol/limits.ts';
import { calendarDay, clockMinute, type Zone } from '../format/clock.ts';

/** Values over time; without the highest of each step where there is one value a step. */
export type DrawnTrace = Pick<MetricTrace, 'startMs' | 'stepMs' | 'mean' | 'max'>;

/** The last hour of a number that the host tells with its frames; the newest value is of `atMs`. */
export function hourTrace(values: readonly number[], atMs: number): DrawnTrace {
  const stepMs = 3_600_000 / tracePointsMax;
  const before = Array.from({ length: Math.max(0, tracePointsMax - values.length) }, () => null);
  const startMs = ms(atMs - (tracePointsMax - 1) * stepMs);
  return { startMs, stepMs, mean: [...before, ...values], max: [] };
}

interface Plot {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** An SVG path; a null lifts the pen, and a lone point becomes a dot. */
export function tracePath(values: readonly (number | null)[], most: number, plot: Plot): string {
  const step = plot.width / Math.max(1, values.length - 1);
  let path = '';
  let isDown = false;
  for (const [at, value] of values.entries()) {
    if (value === null) {
      isDown = false;
      continue;
    }
    const x = (plot.left + at * step).toFixed(1);
    const y = (plot.top + (1 - value / most) * plot.height).toFixed(1);
    const isAlone = !isDown && (values[at + 1] ?? null) === null;
    path += `${isDown ? 'L' : 'M'}${x} ${y}${isAlone ? 'h1' : ''}`;
    isDown = true;
  }
  return path;
}

const tickMs: Readonly<Record<TraceRange, number>> = { '1h': 900_000, '8h': 7_200_000, '7d': 86_400_000 };

/** Round times of the span, each with its place (0..1) and its text. */
export function timeTicks({ startMs, stepMs, mean }: DrawnTrace, range: TraceRange, zone: Zone) {
  const spanMs = Math.max(1, (mean.length - 1) * stepMs);
  const every = tickMs[range];
  // Midnights are those of the zone on screen, not of UTC.
  const offsetMs = zone === 'local' ? new Date(startMs).getTimezoneOffset() * 60_000 : 0;
  const first = Math.ceil((startMs - offsetMs) / every) * every + offsetMs;
  const ticks: { readonly share: number; readonly text: string }[] = [];
  for (let time = first; time <= startMs + spanMs; time += every) {
    const share = (time - startMs) / spanMs;
    if (share > 0.02 && share < 0.98)
      ticks.push({
        share,
        text: range === '7d' ? calendarDay(time, zone).slice(5) : clockMinute(time, zone),
      });
  }
  return ticks;
}

/** Top of the scale: 100 for percents, else a round number above the largest value. */
export function traceTop(trace: DrawnTrace, isPercent: boolean, round: (most: number) => number): number {
  if (isPercent) return 100;
  let most = 0;
  for (const list of [trace.mean, trace.max]) for (const value of list) most = Math.max(most, value ?? 0);
  return round(most);
}
