// What a profile consists of: figures, each with the source it came from. What no source tells is absent, never zero.

/** Best first. `os` is what Node itself tells, on every system. */
export type Source = 'ebpf' | 'psi' | 'proc' | 'os';
export type FigureName = 'runQueue' | 'blockIo' | 'retransmits' | 'pageFaults' | 'oomKills';

/** Bounds in microseconds, each above its bucket: powers of two from 1 us to 8.4 s. One bucket more takes the rest. */
export const bucketBoundsUs: readonly number[] = Array.from({ length: 24 }, (_, power) => 2 ** power);

export interface Figure {
  readonly source: Source;
  /** `us`: waiting, summed over all who waited; `stallUs`: time in which anyone waited; `load`: mean of a minute. */
  readonly unit: 'us' | 'stallUs' | 'count' | 'load';
  readonly value: number;
  /** Events behind `value`, where the source counts them. */
  readonly count?: number;
  /** Of eBPF alone: events per bucket, one more than there are bounds. */
  readonly buckets?: readonly number[];
}

export interface Profile {
  /** The time that the figures cover, in milliseconds. */
  readonly spanMs: number;
  readonly figures: Readonly<Partial<Record<FigureName, Figure>>>;
  /** Of eBPF alone: microseconds in the run queue of the threads that waited longest. */
  readonly waiters?: ReadonlyMap<number, number>;
  /** Why no better source was used; absent where the best was. */
  readonly why?: string;
}
