// The one place that makes a Socket.IO client: which transport, which events, and no reconnecting of its own.
import { io, type Socket } from 'socket.io-client';
import { type AgentAuth, agentNamespace, type AgentToHub } from '../scheduler/protocol/agentWire.ts';

type HubEvent = 'welcome' | 'run' | 'stop' | 'resultsAck' | 'logAck' | 'checked' | 'refused';
/** What arrives is unknown until `hubMessages.ts` has read it. */
export type HubSocket = Socket<Record<HubEvent, (message: unknown) => void>, AgentToHub>;

/**
 * A connection of its own, websocket only, not yet opened. `auth` is asked at every connect, since the first one
 * uses the enrolment token and later ones the node's key. Reconnecting is the caller's: one rule for a lost line, a
 * refusal, and a hub that hangs up, which Socket.IO treats as three.
 */
export function openSocket(url: string, localAddress: string | undefined, auth: () => AgentAuth): HubSocket {
  return io(`${url.replace(/\/+$/, '')}${agentNamespace}`, {
    transports: ['websocket'],
    autoConnect: false,
    forceNew: true,
    reconnection: false,
    auth: (give) => {
      give(auth());
    },
    ...(localAddress !== undefined && { localAddress }),
  });
}

/** True where the hub answered the connection with 503: it is there, and not ready. */
export const isNotReady = (error: Error): boolean => /Unexpected server response: 503/.test(causeOf(error));

/** `connect ECONNREFUSED 10.0.0.5:7700` instead of Socket.IO's "websocket error". */
export function causeOf(error: Error & { description?: unknown }): string {
  const { description } = error;
  const hasCause = typeof description === 'object' && description !== null && 'message' in description;
  return hasCause && typeof description.message === 'string' ? description.message : error.message;
}
