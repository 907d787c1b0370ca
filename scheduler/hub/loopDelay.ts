// How late this process's event loop runs its timers: what everybody who asks it for something waits in addition.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Between two looks: 50 a second cost nothing that can be measured. */
const resolutionMs = 20;
const windowMs = 10_000;

export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #timer: NodeJS.Timeout;
  #past = { p99Ms: 0, maxMs: 0 };

  constructor() {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      this.#past = this.#read();
      this.#histogram.reset();
    }, windowMs);
    this.#timer.unref();
  }

  /** Of the last whole window of 10 s and the one under way, whichever is worse. */
  get worst(): { readonly p99Ms: number; readonly maxMs: number } {
    const now = this.#read();
    return {
      p99Ms: Math.max(now.p99Ms, this.#past.p99Ms),
      maxMs: Math.max(now.maxMs, this.#past.maxMs),
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #read(): { p99Ms: number; maxMs: number } {
    return { p99Ms: lateMs(this.#histogram.percentile(99)), maxMs: lateMs(this.#histogram.max) };
  }
}

/** The histogram holds the time between two looks, in nanoseconds. */
const lateMs = (ns: number): number => Math.max(0, ns / 1e6 - resolutionMs);
