// What the hub needs from the rest of the host, and what it offers: the host wires both ends.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatch, HeartbeatFrame, Join, LogChunk } from '../protocol/agentWire.ts';
import type { ConsoleSession } from '../protocol/accounts.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import type { Epoch, Ms, NodeId, Token } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { AttemptResult } from '../protocol/events.ts';
import type { NodeKey } from '../protocol/identity.ts';
import type { Outcome, Refusal } from '../protocol/outcome.ts';
import type { Timing } from '../protocol/timing.ts';
import type { RefusedAddresses, RefusedOften } from './refusedAddresses.ts';

export interface Joined {
  readonly epoch: Epoch;
  /** Attempts the agent holds that are no longer its to run. */
  readonly revoked: readonly Token[];
}

/** With the key that the node proved to have. */
export type ProvenJoin = Omit<Join, 'proofs'> & { readonly publicKey: string };

/** What a server shows and shares: PEM texts of the chain, the authority last, and of its key. Base64 of 48 bytes. */
export interface TlsMaterial {
  readonly chain: string;
  readonly key: string;
  readonly ticketKeys: string;
}

/** At once in the host's own process; by a message where an edge asks the host. */
type Later<Value> = Value | Promise<Value>;

/**
 * Given by the host. Every message has been decoded. A handler that throws or rejects has a bug, and the process stops.
 */
export interface HubHandlers {
  /** What the node is known by, or undefined where it never enrolled or was forgotten. */
  readonly nodeKey: (nodeId: NodeId) => Later<NodeKey | undefined>;
  /** Why a node of this name could not enrol with the token of this hash: asked before it is let in. */
  readonly enrolmentHindrance: (tokenHash: string, nodeId: NodeId) => Later<Refusal | undefined>;
  /** Who a console is that comes with this token, or with none; asked anew for each request. Undefined: wrong token. */
  readonly consoleSession: (token: string | undefined, address: string) => (() => ConsoleSession) | undefined;
  /** Resolves when the key and the use of the token are durable. */
  readonly enrol: (nodeId: NodeId, publicKey: string, tokenHash: string) => Promise<Outcome<void, Refusal>>;
  /** Resolves when the new key is durable. Refuses where `from` is not the node's key any more. */
  readonly replaceKey: (nodeId: NodeId, from: NodeKey, publicKey: string) => Promise<Outcome<void, Refusal>>;
  /** Resolves when the join is durable. Dispatches may be given to the hub before it resolves. */
  readonly join: (nodeId: NodeId, join: ProvenJoin) => Promise<Outcome<Joined, Refusal>>;
  readonly heartbeat: (nodeId: NodeId, frame: HeartbeatFrame) => void;
  readonly started: (nodeId: NodeId, tokens: readonly Token[]) => void;
  /** Resolves when the results are durable; only then the agent may drop its copies. */
  readonly results: (nodeId: NodeId, results: readonly AttemptResult[]) => Promise<Outcome<void, Refusal>>;
  /** Of these attempts, those that are live and this node's. Answers come in the order of the questions. */
  readonly check: (nodeId: NodeId, tokens: readonly Token[]) => Later<readonly Token[]>;
  /** Resolves to the offset up to which the stream is stored; to nothing where the agent has to send it again. */
  readonly log: (nodeId: NodeId, chunk: LogChunk) => Promise<number | undefined>;
  /** Once for each connection that had given its join to `join`, before a newer one of the node gives its own. */
  readonly disconnected: (nodeId: NodeId) => void;
  readonly console: (link: ConsoleLink) => void;
  /** Security events: who was turned away and why. */
  readonly audit: RecordAudit;
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
  /** Connections from one address per minute. Absent: `connectionsPerAddressDefault`. */
  readonly connectionsPerAddress?: number;
  /** Where refusals are counted together with those of other doors. Absent: those of this hub alone. */
  readonly refusals?: RefusedAddresses;
  /** Answers bytes that are no HTTP, or that come too slowly, and ends the connection. Absent: as Node does. */
  readonly onUnreadable?: (error: NodeJS.ErrnoException, socket: Duplex) => void;
  /** Answers requests that are not Socket.IO's. Absent: 404. */
  readonly http?: (request: IncomingMessage, response: ServerResponse) => void;
  /** What agents are told at their join. Absent: `plantTiming`. */
  readonly timing?: Timing;
  /** Files this process may open; read from the system where absent. */
  readonly fileLimit?: number;
  /** Where an agent should go instead, or when: asked before its secret is looked at. Absent: it stays here. */
  readonly direct?: () => Refusal | undefined;
  /** This process's part of the plant's joins, 0 to 1. Absent: all of them. */
  readonly joinShare?: number;
  /** Agents of the plant that are expected back after a start, each at the place it was given. Absent: none. */
  readonly returning?: number;
  /** Present: it speaks TLS and nothing else. */
  readonly tls?: TlsMaterial;
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
  /** Handshakes that came to their end, and those of them that resumed an earlier session. */
  readonly tlsHandshakes: number;
  readonly tlsResumed: number;
  /** Handshakes that failed, without those that were none. */
  readonly tlsFailures: number;
  /** Connections that came without TLS where it is asked for. */
  readonly plainTextRefused: number;
  /** Connections, messages and requests over a limit. */
  readonly limited: number;
  /** How often a connection was read more slowly since it was above its rate. */
  readonly slowdowns: number;
  /** Connections that are nobody's yet. */
  readonly halfOpen: number;
  readonly refusedOften: readonly RefusedOften[];
  /** How late this process runs its timers, worst of the last 10 to 20 s; of several processes, the worst. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  /** True while there is no room for another connection: agents are told `fleet_full`. */
  readonly isFull: boolean;
  /** The pace of joins now, agents that were told their place, and joins begun and not ended. */
  readonly joinsPerSecond: number;
  readonly joinsWaiting: number;
  readonly joinsInFlight: number;
  /** Connections and their limit; of several processes, those of the fullest. */
  readonly sockets: number;
  readonly socketsMax: number;
  /** Unconfirmed dispatches of the node that has most of them; its limit is `outboxFramesMax`. */
  readonly outboxMost: number;
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
  /** Unread by edges; by the one that has most, of `edgeLinkBytesMax`. */
  readonly waitingBytes: number;
  readonly waitingBytesMost: number;
}

export interface Hub {
  /** `http://127.0.0.1:7443`, or with `https:` */
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
  /** For connections from now on. Does nothing where it speaks no TLS. */
  readonly renewTls: (material: TlsMaterial) => void;
  /** How late this process ran its timers at most, within the last quarter of a second. */
  readonly lateMs: number;
  readonly stats: () => HubStats;
  /** Ends all connections. `disconnected` is not called for them: the host stops, the nodes did not fail. */
  readonly close: () => Promise<void>;
}

/** The hub of one process. */
export interface ProcessHub extends Hub {
  /** How late the host's loop runs, told to an edge: joins slow down for it too. */
  readonly heardOfHost: (lateMs: number) => void;
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

export interface EdgeStats {
  readonly edge: number;
  readonly isListening: boolean;
  readonly agents: number;
  /** Of all its lives; a second old at most. Absent before the first. */
  readonly stats: HubStats | undefined;
}

/** Agents wherever their sockets are, and the consoles of the first port. */
export interface EdgeHub extends Hub {
  readonly edges: () => EdgeCounts;
  readonly eachEdge: () => readonly EdgeStats[];
}
