// The counts of the host's own hub and of its edges, as one.
import type { HubStats } from './ports.ts';

const worsts = ['loopP99Ms', 'loopMaxMs', 'outboxMost'] as const;
type OwnOne = 'isFull' | 'agents' | 'consoles' | 'sockets' | 'socketsMax' | 'refusedOften';
type Counter = Exclude<keyof HubStats, (typeof worsts)[number] | OwnOne>;
const counters: readonly Counter[] = [
  'messagesIn',
  'messagesOut',
  'badMessages',
  'refusedConnections',
  'movedConnections',
  'laterConnections',
  'neverJoined',
  'tlsHandshakes',
  'tlsResumed',
  'tlsFailures',
  'plainTextRefused',
  'joinsPerSecond',
  'joinsWaiting',
  'joinsInFlight',
  'limited',
  'slowdowns',
  'halfOpen',
];

/** Counts of an edge are a second old at most, and begin anew with it. */
export function addStats(own: HubStats, edges: readonly (HubStats | undefined)[]): HubStats {
  const all: Record<Counter | (typeof worsts)[number], number> = { ...own };
  for (const edge of edges) {
    for (const name of counters) all[name] += edge?.[name] ?? 0;
    for (const name of worsts) all[name] = Math.max(all[name], edge?.[name] ?? 0);
  }
  const { sockets, socketsMax } = edges.reduce<HubStats>((most, edge) => fuller(most, edge), own);
  return { ...own, ...all, sockets, socketsMax, refusedOften: refusedOften([own, ...edges]) };
}

function refusedOften(all: readonly (HubStats | undefined)[]): HubStats['refusedOften'] {
  const often = new Map<string, number>();
  for (const stats of all)
    for (const { address, refusals } of stats?.refusedOften ?? [])
      often.set(address, (often.get(address) ?? 0) + refusals);
  return Array.from(often, ([address, refusals]) => ({ address, refusals }));
}

const fuller = (one: HubStats, other: HubStats | undefined): HubStats =>
  other !== undefined && other.sockets / other.socketsMax > one.sockets / one.socketsMax ? other : one;

/** What stays of a process that has ended: what it counted, not how it stood. */
export const ofPast = (stats: HubStats): HubStats => ({
  ...stats,
  ...{ loopP99Ms: 0, loopMaxMs: 0, joinsPerSecond: 0, joinsWaiting: 0, joinsInFlight: 0 },
  ...{ sockets: 0, outboxMost: 0, halfOpen: 0, refusedOften: [] },
});
