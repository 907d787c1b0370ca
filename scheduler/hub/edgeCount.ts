// How many processes hold agents' sockets.
import * as limits from '../protocol/limits.ts';

/** Edges for so many agents: none while the host's own process can hold them well. */
export function edgesFor(agents: number, fileLimit: number): number {
  const capacity = Math.floor(((fileLimit - limits.fileReserve) * limits.edgeFillPercent) / 100);
  if (agents <= Math.min(limits.hostAgentsMax, capacity)) return 0;
  return Math.min(limits.edgesMax, Math.ceil(agents / Math.max(1, capacity)));
}
