// CPU time and memory of running attempts, sampled from /proc for all of them in one pass.
import { readAllStats, readResidentMiB } from './processTree.ts';

/** `cpuMs` is a lower bound: what ran after the last sample is not in it. */
export interface AttemptUse {
  readonly cpuMs: number;
  readonly memoryPeakMiB: number;
}

const firstSampleMs = 200;
const sampleEveryMs = 1_000;
/** A pass may take at most this share of the time: with thousands of processes samples become rarer instead. */
const passShareMax = 0.01;
/** USER_HZ is 100 on every Linux that Node runs on. */
const msPerTick = 10;

/** Attempts shorter than the first sample, and systems without /proc, have no figures: none are invented. */
export class UsageSampler {
  readonly #uses = new Map<number, AttemptUse | undefined>();
  #timer: NodeJS.Timeout | undefined;

  /** `group`: the attempt's process group. */
  watch(group: number): void {
    this.#uses.set(group, undefined);
    if (process.platform === 'linux') this.#timer ??= this.#after(firstSampleMs);
  }

  /** Ends the watch and answers what was seen. */
  finish(group: number): AttemptUse | undefined {
    const use = this.#uses.get(group);
    this.#uses.delete(group);
    if (this.#uses.size === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    return use;
  }

  #after(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      const beganMs = performance.now();
      this.#sample();
      const tookMs = performance.now() - beganMs;
      this.#timer = this.#after(Math.max(sampleEveryMs, tookMs / passShareMax));
    }, delayMs);
  }

  #sample(): void {
    const sums = new Map<number, { ticks: number; memoryMiB: number }>();
    for (const stat of readAllStats()) {
      if (!this.#uses.has(stat.group)) continue;
      const sum = sums.get(stat.group) ?? { ticks: 0, memoryMiB: 0 };
      sum.ticks += stat.cpuTicks;
      sum.memoryMiB += readResidentMiB(stat.pid);
      sums.set(stat.group, sum);
    }
    for (const [group, { ticks, memoryMiB }] of sums) {
      const before = this.#uses.get(group);
      this.#uses.set(group, {
        cpuMs: Math.max(before?.cpuMs ?? 0, ticks * msPerTick),
        memoryPeakMiB: Math.max(before?.memoryPeakMiB ?? 0, Math.round(memoryMiB * 10) / 10),
      });
    }
  }
}
