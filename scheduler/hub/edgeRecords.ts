// What the host and an edge tell each other: one array per record, its kind first. Both are processes of one program,
// started together, so that the link has no version of its own.
import type { Dispatch, HeartbeatFrame, LogChunk } from '../protocol/agentWire.ts';
import type { AuditAct } from '../protocol/audit.ts';
import type { NodeId, Token } from '../protocol/brands.ts';
import type { AttemptResult } from '../protocol/events.ts';
import type { NodeKey } from '../protocol/identity.ts';
import type { Timing } from '../protocol/timing.ts';
import type { HubLog, HubStats, ProvenJoin, TlsMaterial } from './ports.ts';

/** What an edge is started with: JSON in its environment, where nobody else on the machine can read it. */
export interface EdgeSetup {
  /** Path of the host's local socket. */
  readonly link: string;
  readonly secret: string;
  readonly edge: number;
  readonly listen: string;
  /** The port to take; 0, or one that is taken: any free one. */
  readonly port: number;
  readonly timing: Timing;
  /** Its part of the plant's joins. */
  readonly joinShare: number;
  /** Agents of the plant that are expected back, each at its own place. */
  readonly returning: number;
  /** Absent: the default. */
  readonly connectionsPerAddress: number | undefined;
  /** The first port's: one certificate and one set of ticket keys for all. */
  readonly tls?: TlsMaterial;
}
export const edgeSetupVariable = 'MILLRACE_EDGE';

/** Number of a question; its answer carries the same. */
type Ask = number;

/** Told, and not answered. */
export type ToldByEdge =
  | readonly ['hello', secret: string, edge: number]
  | readonly ['listening', port: number, socketsMax: number, pid: number]
  | readonly ['counts', HubStats]
  /** It stood still for longer than `Timing.stallMs`: its agents were not heard, whatever they said. */
  | readonly ['stalled', forMs: number]
  | readonly ['said', ...Parameters<HubLog>]
  | readonly ['audit', AuditAct]
  | readonly ['hb', NodeId, HeartbeatFrame]
  | readonly ['started', NodeId, readonly Token[]]
  | readonly ['gone', NodeId];

/** Answered with `answer` or `threw`. */
export type AskedByEdge =
  | readonly ['key', Ask, NodeId]
  | readonly ['token', Ask, tokenHash: string, NodeId]
  | readonly ['enrol', Ask, NodeId, publicKey: string, tokenHash: string]
  | readonly ['replace', Ask, NodeId, from: NodeKey, publicKey: string]
  | readonly ['join', Ask, NodeId, ProvenJoin]
  | readonly ['results', Ask, NodeId, readonly AttemptResult[]]
  | readonly ['check', Ask, NodeId, readonly Token[]]
  | readonly ['log', Ask, NodeId, LogChunk];

export type FromEdge = ToldByEdge | AskedByEdge;

export type ToEdge =
  | readonly ['answer', Ask, unknown]
  | readonly ['threw', Ask, message: string]
  | readonly ['run', NodeId, Dispatch]
  | readonly ['stop', NodeId, readonly Token[]]
  | readonly ['close', NodeId, reason: string]
  | readonly ['tls', TlsMaterial]
  /** How late the host's loop ran within the last quarter of a second; not told while it is in time. */
  | readonly ['late', lateMs: number];
