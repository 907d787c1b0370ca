// What the process itself costs: memory, CPU time, open files, how late its event loop is, its garbage collections.
import { readdirSync } from 'node:fs';
import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { Histogram, Metrics } from './metrics.ts';

/** Between two looks: 50 a second cost nothing that can be measured. */
const resolutionMs = 20;
const windowMs = 10_000;
const gcBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1] as const;
const gcKinds: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak_callbacks',
};

/** Of the last whole window of 10 s and the one under way, whichever is worse. */
export interface LoopLateness {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export class ProcessWatch {
  readonly #loop = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #timer: NodeJS.Timeout;
  readonly #collections: PerformanceObserver;
  #past: LoopLateness = { p50Ms: 0, p99Ms: 0 };
  #gcMs = 0;

  constructor(metrics: Metrics) {
    this.#loop.enable();
    this.#timer = setInterval(() => {
      this.#past = this.#read();
      this.#loop.reset();
    }, windowMs);
    this.#timer.unref();
    const pauses = gcHistograms(metrics);
    this.#collections = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { kind } = (entry as unknown as { detail: { kind: number } }).detail;
        this.#gcMs += entry.duration;
        pauses.get(gcKinds[kind] ?? '')?.observe(entry.duration / 1_000);
      }
    });
    this.#collections.observe({ entryTypes: ['gc'] });
    declareProcess(metrics, () => this.late);
  }

  get late(): LoopLateness {
    const [now, past] = [this.#read(), this.#past];
    return { p50Ms: Math.max(now.p50Ms, past.p50Ms), p99Ms: Math.max(now.p99Ms, past.p99Ms) };
  }
  /** Time in garbage collections since the start. */
  get gcMs(): number {
    return this.#gcMs;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#loop.disable();
    this.#collections.disconnect();
  }

  #read(): LoopLateness {
    return { p50Ms: lateMs(this.#loop.percentile(50)), p99Ms: lateMs(this.#loop.percentile(99)) };
  }
}

/** The histogram holds the time between two looks, in nanoseconds. */
const lateMs = (ns: number): number => Math.max(0, ns / 1e6 - resolutionMs);

const gcHistograms = (metrics: Metrics): ReadonlyMap<string, Histogram> =>
  new Map(
    Object.values(gcKinds).map((kind) => [
      kind,
      metrics.histogram('nodejs_gc_duration_seconds', 'Pauses for garbage collection, by kind', gcBounds, {
        kind,
      }),
    ]),
  );

/** Names as Prometheus' own client libraries have them, so that dashboards for any Node process fit. */
function declareProcess(metrics: Metrics, late: () => LoopLateness): void {
  const gauge = metrics.gauge.bind(metrics);
  gauge('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_total_bytes', 'Heap of the main thread', () => process.memoryUsage().heapTotal);
  gauge('nodejs_heap_size_used_bytes', 'Used heap of the main thread', () => process.memoryUsage().heapUsed);
  gauge('nodejs_external_memory_bytes', 'Memory of buffers', () => process.memoryUsage().external);
  gauge('process_cpu_seconds_total', 'CPU time of all threads', cpuSeconds, 'counter');
  gauge('process_start_time_seconds', 'Start, in seconds since 1970', () => performance.timeOrigin / 1_000);
  gauge('process_open_fds', 'Open files and sockets; where the system tells', openFiles);
  gauge('nodejs_eventloop_lag_p50_seconds', 'How late timers run, median', () => late().p50Ms / 1_000);
  gauge('nodejs_eventloop_lag_p99_seconds', 'How late timers run, 99 %', () => late().p99Ms / 1_000);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined; // no such folder on this system
  }
}
