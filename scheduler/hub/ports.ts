// What the hub needs from the rest of the host, and what it offers: the host wires both ends.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatch, HeartbeatFrame, Join, LogChunk } from '../protocol/agentWire.ts';
import type { Epoch, Ms, NodeId, Token } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { AttemptResult } from '../protocol/events.ts';
import type { Outcome, Refusal } from '../protocol/outcome.ts';
import type { Timing } from '../protocol/timing.ts';

export interface Joined {
  readonly epoch: Epoch;
  /** Attempts the agent holds that are no longer its to run. */
  readonly revoked: readonly Token[];
}

/** At once in the host's own process; by a message where an edge asks the host. */
type Later<Value> = Value | Promise<Value>;

/**
 * Given by the host. Every message has been decoded. A handler that throws or rejects has a bug, and the process stops.
 */
export interface HubHandlers {
  /** SHA-256 of the node's key in hexadecimal, or undefined where it never enrolled or was forgotten. */
  readonly nodeKeyHash: (nodeId: NodeId) => Later<string | undefined>;
  /** Compares in constant time: see `secretMatches`. */
  readonly enrolmentTokenMatches: (token: string) => Later<boolean>;
  readonly consoleTokenMatches: (token: string) => boolean;
  /** Resolves when the new key is durable; it replaces an older one. */
  readonly enrol: (nodeId: NodeId, keyHash: string) => Promise<Outcome<void, Refusal>>;
  /** Resolves when the join is durable. Dispatches may be given to the hub before it resolves. */
  readonly join: (nodeId: NodeId, join: Join) => Promise<Outcome<Joined, Refusal>>;
  readonly heartbeat: (nodeId: NodeId, frame: HeartbeatFrame) => void;
  readonly started: (nodeId: NodeId, tokens: readonly Token[]) => void;
  /** Resolves when the results are durable; only then the agent may drop its copies. */
  readonly results: (nodeId: NodeId, results: readonly AttemptResult[]) => Promise<Outcome<void, Refusal>>;
  /** Of these attempts, those that are live and this node's. Answers come in the order of the questions. */
  readonly check: (nodeId: NodeId, tokens: readonly Token[]) => Later<readonly Token[]>;
  /** Resolves to the offset up to which the stream is stored. */
  readonly log: (nodeId: NodeId, chunk: LogChunk) => Promise<number>;
  /** Once for each connection that had given its join to `join`, before a newer one of the node gives its own. */
  readonly disconnected: (nodeId: NodeId) => void;
  readonly console: (link: ConsoleLink) => void;
}

export type HubLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields: Readonly<Record<string, string | number | boolean>>,
) => void;

export interface HubOptions {
  /** Address of the interface, for example `127.0.0.1` or `0.0.0.0`. */
  readonly listen: string;
  /** 0: any free port; `Hub.address` tells which. */
  readonly port: number;
  readonly handlers: HubHandlers;
  readonly clock: () => Ms;
  readonly log: HubLog;
  /** Answers requests that are not Socket.IO's. Absent: 404. */
  readonly http?: (request: IncomingMessage, response: ServerResponse) => void;
  /** What agents are told at their join. Absent: `plantTiming`. */
  readonly timing?: Timing;
  /** Files this process may open; read from the system where absent. */
  readonly fileLimit?: number;
  /** Where an agent should go instead, or when: asked before its secret is looked at. Absent: it stays here. */
  readonly direct?: () => Refusal | undefined;
  /** Joins taken here per second. Absent: those of the whole plant. */
  readonly joinsPerSecond?: number;
  /** True: agents only. */
  readonly isEdge?: boolean;
}

export interface HubStats {
  readonly agents: number;
  readonly consoles: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly badMessages: number;
  /** Connections turned away: wrong secret or version, full, foreign web page. */
  readonly refusedConnections: number;
  /** Agents sent to the port of an edge. */
  readonly movedConnections: number;
  /** Agents told to come back at a place of their own in a storm of joins. */
  readonly laterConnections: number;
  /** Connections closed because they did not join in time. */
  readonly neverJoined: number;
  /** How late this process runs its timers, worst of the last 10 to 20 s; of several processes, the worst. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  /** True while there is no room for another connection: agents are told `fleet_full`. */
  readonly isFull: boolean;
}

/** How the processes stand that hold agents' sockets. All 0 where the host's own process holds them. */
export interface EdgeCounts {
  readonly wanted: number;
  readonly listening: number;
  /** Ends of edges that nobody asked for, since the start. */
  readonly ends: number;
  /** Records and frames to edges, since the start. */
  readonly recordsOut: number;
  readonly framesOut: number;
  /** Unread by edges. */
  readonly waitingBytes: number;
}

export interface Hub {
  /** `http://127.0.0.1:7443` */
  readonly address: string;
  /**
   * Sends at the end of this turn, in one frame with the node's other dispatches of the turn.
   * False: the node is not connected, or has `outboxFramesMax` dispatches unconfirmed.
   */
  readonly dispatch: (nodeId: NodeId, dispatch: Dispatch) => boolean;
  /** Does nothing where the node is not connected: at its next join it is told what was revoked. */
  readonly stop: (nodeId: NodeId, tokens: readonly Token[]) => void;
  /** True from the moment its join was given to the host. */
  readonly isConnected: (nodeId: NodeId) => boolean;
  /** Sends now what this turn has gathered; otherwise it goes when the turn ends. */
  readonly flush: () => void;
  readonly closeNode: (nodeId: NodeId, reason: string) => void;
  readonly stats: () => HubStats;
  /** Ends all connections. `disconnected` is not called for them: the host stops, the nodes did not fail. */
  readonly close: () => Promise<void>;
}

/** The means to run edges: whoever started the host has them. */
export interface EdgeRunner {
  /** Runs scheduler/hub/edge.ts with this added to its environment. `onEnded`: it is gone, for whatever reason. */
  readonly start: (edge: number, env: Readonly<Record<string, string>>, onEnded: () => void) => void;
  /** Ends it at once; `onEnded` follows. Does nothing where it is gone. */
  readonly kill: (edge: number) => void;
}

export interface EdgeLoss {
  readonly edge: number;
  readonly agents: number;
  /** Ends of this edge within the last minute, this one included. */
  readonly endsOfMinute: number;
}

/** Agents wherever their sockets are, and the consoles of the first port. */
export interface EdgeHub extends Hub {
  readonly edges: () => EdgeCounts;
}
