// The counts of the host's own hub and of its edges, as one.
import type { HubStats } from './ports.ts';

type Counter = Exclude<keyof HubStats, 'isFull' | 'agents' | 'consoles' | 'loopP99Ms' | 'loopMaxMs'>;
const counters: readonly Counter[] = [
  'messagesIn',
  'messagesOut',
  'badMessages',
  'refusedConnections',
  'movedConnections',
  'laterConnections',
  'neverJoined',
];

/** Counts of an edge are a second old at most, and begin anew with it. */
export function addStats(own: HubStats, edges: readonly (HubStats | undefined)[]): HubStats {
  const sum: Record<Counter, number> = { ...own };
  for (const edge of edges) for (const name of counters) sum[name] += edge?.[name] ?? 0;
  const worst = (name: 'loopP99Ms' | 'loopMaxMs'): number =>
    Math.max(own[name], ...edges.map((edge) => edge?.[name] ?? 0));
  return { ...own, ...sum, loopP99Ms: worst('loopP99Ms'), loopMaxMs: worst('loopMaxMs') };
}
