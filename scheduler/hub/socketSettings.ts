// How Socket.IO and its WebSockets are set, and which connections they take at all.
import type { IncomingMessage } from 'node:http';
import * as limits from '../protocol/limits.ts';
import type { ConnectionGuard } from './connectionGuard.ts';
import type { HubCounters } from './wireSockets.ts';

/** Tells a client that its server is gone without a sign. */
const pingMs = 25_000;
/**
 * The same of an edge, which has agents alone. A ping costs four times what a heartbeat does, and a hub that misses
 * heartbeats drops the line long before: 50,000 agents at 25 s would take a sixth of a core.
 */
const edgePingMs = 75_000;

/** As measured in docs/PLATFORM: no polling, no compression (262 kB per agent), no state recovery (joins do that). */
export function socketSettings(counters: HubCounters, guard: ConnectionGuard, isEdge: boolean) {
  return {
    transports: ['websocket' as const],
    allowUpgrades: false,
    serveClient: false,
    httpCompression: false,
    perMessageDeflate: false,
    maxHttpBufferSize: limits.frameBytesMax,
    pingInterval: isEdge ? edgePingMs : pingMs,
    pingTimeout: 20_000,
    connectTimeout: 30_000,
    allowRequest: (
      request: IncomingMessage,
      decide: (why: string | null | undefined, isAllowed: boolean) => void,
    ) => {
      const isOwn = isOwnOrigin(request);
      const isAllowed = isOwn && guard.mayConnect(request);
      if (!isAllowed) counters.refusedConnections += 1;
      if (isAllowed) decide(null, true);
      else
        decide(isOwn ? tooManyConnections : 'this host takes no connections from web pages of others', false);
    },
  };
}

const tooManyConnections = 'this address has opened too many connections; try again in a minute';

/** Programs send no Origin. A browser always does, and only pages that this host served may connect. */
function isOwnOrigin({ headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return true;
  return headers.host !== undefined && /^https?:\/\/(.+)$/.exec(headers.origin)?.[1] === headers.host;
}
