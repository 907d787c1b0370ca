// The Socket.IO types of the two namespaces, and the counters that all sockets share.
import type { ConsoleSession } from '../protocol/accounts.ts';
import type { Namespace, Server, Socket } from 'socket.io';
import type { AgentAuth, AgentToHub, HubToAgent } from '../protocol/agentWire.ts';
import type { FromHost } from '../protocol/consoleWire.ts';

type NoEvents = Record<string, never>;
interface MessageReader {
  readonly receive: (event: string, args: readonly unknown[]) => void;
}
interface AgentSocketData {
  auth?: AgentAuth;
  reader?: MessageReader;
}
export type AgentSocket = Socket<AgentToHub, HubToAgent, NoEvents, AgentSocketData>;
export type AgentNamespace = Namespace<AgentToHub, HubToAgent, NoEvents, AgentSocketData>;

interface ConsoleToHub {
  m: (message: unknown) => void;
}
interface HubToConsole {
  m: (message: FromHost) => void;
}
interface ConsoleSocketData {
  /** Set once it was let in. */
  session?: () => ConsoleSession;
}
export type ConsoleSocket = Socket<ConsoleToHub, HubToConsole, NoEvents, ConsoleSocketData>;
export type ConsoleNamespace = Namespace<ConsoleToHub, HubToConsole, NoEvents, ConsoleSocketData>;
/** The server as a whole knows no events; each namespace above has its own. */
export type WireServer = Server<NoEvents, NoEvents, NoEvents, object>;

export interface HubCounters {
  messagesIn: number;
  messagesOut: number;
  badMessages: number;
  refusedConnections: number;
  movedConnections: number;
  laterConnections: number;
  tlsHandshakes: number;
  tlsResumed: number;
  tlsFailures: number;
  plainTextRefused: number;
}

export const newCounters = (): HubCounters => ({
  messagesIn: 0,
  messagesOut: 0,
  badMessages: 0,
  refusedConnections: 0,
  movedConnections: 0,
  laterConnections: 0,
  tlsHandshakes: 0,
  tlsResumed: 0,
  tlsFailures: 0,
  plainTextRefused: 0,
});
