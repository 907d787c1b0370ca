// The one place that makes a Socket.IO client: which transport, which events, and no reconnecting of its own.
import { io, type Socket } from 'socket.io-client';
import { HubTransport, ToldLater } from './hubTransport.ts';
import { type AgentAuth, agentNamespace, type AgentToHub } from '../scheduler/protocol/agentWire.ts';
import type { NodeId } from '../scheduler/protocol/brands.ts';
import { type HubRefusal, readRefusal } from './hubMessages.ts';
import { type TlsLine, WrongPin } from './trust.ts';

type HubEvent = 'welcome' | 'run' | 'stop' | 'resultsAck' | 'logAck' | 'checked' | 'rotated' | 'refused';
/** What arrives is unknown until `hubMessages.ts` has read it. */
export type HubSocket = Socket<Record<HubEvent, (message: unknown) => void>, AgentToHub>;

interface SocketParts {
  readonly nodeId: NodeId;
  readonly localAddress: string | undefined;
  readonly auth: () => AgentAuth;
  /** The hub's first port handed out another one, which is being connected to. */
  readonly onMoved: (port: number) => unknown;
  readonly tls: TlsLine | undefined;
}

/**
 * A connection of its own, websocket only, not yet opened. `auth` is asked at every connect, since the first one
 * has the enrolment token in it. Reconnecting is the caller's: one rule for a lost line, a refusal, and a hub that
 * hangs up, which Socket.IO treats as three. `tls`: makes its connections, where they are TLS.
 */
export function openSocket(url: string, parts: SocketParts): HubSocket {
  const { nodeId, localAddress, auth, onMoved, tls } = parts;
  const options = {
    transports: [HubTransport],
    query: { for: 'agent', node: nodeId },
    onMoved,
    autoConnect: false,
    forceNew: true,
    reconnection: false,
    auth: (give: (auth: AgentAuth) => void) => {
      give(auth());
    },
    ...(localAddress !== undefined && { localAddress }),
    // The library's types know of browsers only, where there is none.
    ...(tls && { agent: tls as unknown as string }),
  };
  return io(`${url.replace(/\/+$/, '')}${agentNamespace}`, options);
}

/** True where the hub answered the connection with 503: it is there, and not ready. */
export const isNotReady = (error: Error): boolean => /Unexpected server response: 503/.test(causeOf(error));

/** `connect ECONNREFUSED 10.0.0.5:7700` instead of Socket.IO's "websocket error". */
export function causeOf(error: Error & { description?: unknown }): string {
  const { description } = error;
  const hasCause = typeof description === 'object' && description !== null && 'message' in description;
  return hasCause && typeof description.message === 'string' ? description.message : error.message;
}

/** What the hub said, or that whoever answered is not the hub of the enrolment code. Undefined: the line failed. */
export function refusalIn(error: Error & { data?: unknown; description?: unknown }): HubRefusal | undefined {
  const read = readRefusal(error.data);
  if (read.ok) return read.value;
  const { description } = error;
  const cause = typeof description === 'object' && description !== null && 'error' in description;
  if (!cause) return undefined;
  const { error: why } = description;
  if (why instanceof ToldLater)
    return { code: 'later', message: why.message, retryAfterMs: why.retryAfterMs };
  return why instanceof WrongPin ? { code: 'wrong_pin', message: why.message } : undefined;
}
