// The 60-minute traces of the overview: one point per 10 s, the newest unfinished.
import type { Ms } from '../protocol/brands.ts';
import type { TraceName } from '../protocol/consoleFrames.ts';
import * as limits from '../protocol/limits.ts';
import { LatencyHistogram } from './windows.ts';

const pointMs = 10_000;
/** What is simply the present value, as opposed to what happened during the point. */
export type Gauges = Readonly<
  Record<'online' | 'running' | 'waiting' | 'cpuAllocatedPercent' | 'cpuUsedPercent', number>
>;
export type TraceValues = Readonly<Record<TraceName, readonly number[]>>;

const names: readonly TraceName[] = [
  'online',
  'running',
  'waiting',
  'dispatchedPerS',
  'dispatchP99Ms',
  'deadLettered',
  'cpuAllocatedPercent',
  'cpuUsedPercent',
];
const quiet = { dispatchedPerS: 0, dispatchP99Ms: 0, deadLettered: 0 };

export class Traces {
  readonly #points: Record<TraceName, number>[] = [];
  readonly #latency = new LatencyHistogram();
  readonly #startMs: number;
  #dispatched = 0;
  #deadLettered = 0;
  #gauges: Gauges = { online: 0, running: 0, waiting: 0, cpuAllocatedPercent: 0, cpuUsedPercent: 0 };
  #slot: number;

  constructor(startMs: Ms) {
    this.#startMs = startMs;
    this.#slot = Math.floor(startMs / pointMs);
  }

  addDispatched(atMs: Ms, count: number): void {
    this.#advance(atMs);
    this.#dispatched += count;
  }

  addLatency(atMs: Ms, latencyMs: number): void {
    this.#advance(atMs);
    this.#latency.add(latencyMs);
  }

  addDeadLettered(atMs: Ms, count: number): void {
    this.#advance(atMs);
    this.#deadLettered += count;
  }

  setGauges(atMs: Ms, gauges: Gauges): void {
    this.#advance(atMs);
    this.#gauges = gauges;
  }

  /** Oldest first; `dispatchP99Ms` is 0 where nothing was dispatched. */
  values(nowMs: Ms): TraceValues {
    this.#advance(nowMs);
    const points = [...this.#points, this.#point(nowMs)];
    const series = names.map((name) => [name, points.map((point) => point[name])] as const);
    return Object.fromEntries(series) as Record<TraceName, number[]>;
  }

  #advance(nowMs: Ms): void {
    const slot = Math.floor(nowMs / pointMs);
    if (slot <= this.#slot) return;
    this.#push(this.#point((this.#slot + 1) * pointMs));
    const missed = Math.min(slot - this.#slot - 1, limits.tracePointsMax);
    for (let i = 0; i < missed; i += 1) this.#push({ ...roundAll(this.#gauges), ...quiet });
    this.#slot = slot;
    this.#dispatched = 0;
    this.#deadLettered = 0;
    this.#latency.clear();
  }

  #push(point: Record<TraceName, number>): void {
    this.#points.push(point);
    if (this.#points.length >= limits.tracePointsMax) this.#points.shift();
  }

  #point(untilMs: number): Record<TraceName, number> {
    const fromMs = Math.max(this.#slot * pointMs, this.#startMs);
    const seconds = Math.max(1, (untilMs - fromMs) / 1_000);
    return {
      ...roundAll(this.#gauges),
      dispatchedPerS: tenths(this.#dispatched / seconds),
      dispatchP99Ms: hundredths(this.#latency.quantile(0.99)),
      deadLettered: this.#deadLettered,
    };
  }
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
const hundredths = (value: number): number => Math.round(value * 100) / 100;
const roundAll = (gauges: Gauges): Gauges => ({
  online: gauges.online,
  running: gauges.running,
  waiting: gauges.waiting,
  cpuAllocatedPercent: tenths(gauges.cpuAllocatedPercent),
  cpuUsedPercent: tenths(gauges.cpuUsedPercent),
});
