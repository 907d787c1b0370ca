// What a process of the tls bench has used: processor time so far, and memory after a collection.
export interface Used {
  /** Before the collection, and with it: the time of the collection belongs to no round. */
  readonly untilMs: number;
  readonly fromMs: number;
  readonly rssKiB: number;
}

export function used(): Used {
  const untilMs = cpuMs();
  global.gc?.();
  return { untilMs, fromMs: cpuMs(), rssKiB: process.memoryUsage.rss() / 1_024 };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
