// What all sessions of a hub share.
import type { Dispatch } from '../protocol/agentWire.ts';
import type { NodeId, Token } from '../protocol/brands.ts';
import type { Refusal } from '../protocol/outcome.ts';
import type { Timing } from '../protocol/timing.ts';
import type { NodeProofs } from './nodeProofs.ts';
import type { HubHandlers, HubLog } from './ports.ts';
import type { Unjoined } from './unjoined.ts';
import type { AgentSocket, HubCounters } from './wireSockets.ts';

/** What the door of agents does with the session of a node. */
export interface NodeSession {
  readonly nodeId: NodeId;
  readonly isJoined: boolean;
  readonly unconfirmed: number;
  readonly dispatch: (dispatch: Dispatch) => boolean;
  readonly stop: (tokens: readonly Token[]) => void;
  readonly flush: () => void;
  readonly close: (reason: string) => void;
  readonly end: () => boolean;
  readonly abandon: () => void;
}

export interface SessionContext {
  readonly handlers: HubHandlers;
  readonly counters: HubCounters;
  readonly log: HubLog;
  readonly timing: Timing;
  readonly unjoined: Unjoined;
  readonly onBadMessage: (socket: AgentSocket, nodeId: NodeId, reason: Refusal) => void;
  /** A place of its own for an agent that loses its line, from the moment it does. */
  readonly slotMs: () => number;
  /** Its join has come to an end, whatever it was: another may have its turn. */
  readonly joinEnded: (nodeId: NodeId) => void;
  readonly proofs: NodeProofs;
  /** The session proved to be its node's: from now on the node has no other. */
  readonly claim: (session: NodeSession) => void;
}
