// What every bench gives: its figures, and the alternative's, measured in the same run.
import { cpus, totalmem } from 'node:os';

export type Options = Readonly<Record<string, string>>;
export interface Measured {
  readonly params: Readonly<Record<string, string | number | boolean>>;
  readonly figures: Readonly<Record<string, number>>;
  /** The alternative, in the same run. */
  readonly peers: Readonly<Record<string, number>>;
}
/** What a bench needs was not given, or is not there: a message for whoever started it. */
export class MissingInput extends Error {}
export type Bench = (options: Options) => Promise<Measured>;

export const machine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.versions.node,
});

/** The value that `share` (0..1) of the samples do not exceed; NaN where there are none. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

/** Three digits after the point: below the noise of any of these machines. */
export const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

export const wholeOption = (options: Options, name: string, otherwise: number): number => {
  const value = Number(options[name] ?? otherwise);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} ${options[name] ?? ''}: a whole number from 1`);
  return value;
};

/** Time that this thread has had of the processor; of the whole process where Node is too old to tell. */
export const cpuNow = (): NodeJS.CpuUsage =>
  (process.threadCpuUsage as typeof process.cpuUsage | undefined)?.() ?? process.cpuUsage();
/** Seconds of it since then. What others do on the machine does not count. */
export function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = cpuNow();
  return (user - before.user + system - before.system) / 1_000_000;
}
