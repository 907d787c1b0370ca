// The Socket.IO types of the two namespaces, and the counters that all sockets share.
import type { Namespace, Server, Socket } from 'socket.io';
import type { AgentToHub, HubToAgent } from '../protocol/agentWire.ts';
import type { NodeId } from '../protocol/brands.ts';
import type { FromHost } from '../protocol/consoleWire.ts';

type NoEvents = Record<string, never>;
/** What the doorman found out about a connection. */
export interface Admitted {
  readonly nodeId: NodeId;
  /** Only at enrolment: to be told to the agent with its welcome. */
  readonly nodeKey?: string;
}
interface MessageReader {
  readonly receive: (event: string, args: readonly unknown[]) => void;
}
interface AgentSocketData {
  admitted?: Admitted;
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
export type ConsoleSocket = Socket<ConsoleToHub, HubToConsole, NoEvents, object>;
export type ConsoleNamespace = Namespace<ConsoleToHub, HubToConsole, NoEvents, object>;
/** The server as a whole knows no events; each namespace above has its own. */
export type WireServer = Server<NoEvents, NoEvents, NoEvents, object>;

export interface HubCounters {
  messagesIn: number;
  messagesOut: number;
  badMessages: number;
  refusedConnections: number;
  movedConnections: number;
  laterConnections: number;
}

export const newCounters = (): HubCounters => ({
  messagesIn: 0,
  messagesOut: 0,
  badMessages: 0,
  refusedConnections: 0,
  movedConnections: 0,
  laterConnections: 0,
});
