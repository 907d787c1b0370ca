// What a connection to a hub is given, and what it counts.
import type { Welcome } from '../scheduler/protocol/agentWire.ts';
import type { NodeId } from '../scheduler/protocol/brands.ts';
import type { NodeSpec } from '../scheduler/protocol/node.ts';
import type { AttemptExecutor } from './attemptExecutor.ts';
import type { Credentials } from './credentials.ts';
import type { HubRefusal } from './hubMessages.ts';
import type { WriteLine } from './logLine.ts';
import type { RetryBounds } from './retryDelay.ts';
import type { HubTrust } from './trust.ts';

export interface ConnectionOptions {
  readonly url: string;
  readonly nodeId: NodeId;
  readonly credentials: Credentials;
  readonly spec: NodeSpec;
  /** How old the key gets before it is changed. Absent: it is changed only when somebody asks. */
  readonly keyDays?: number;
  readonly executor: AttemptExecutor;
  readonly log: WriteLine;
  readonly onJoined?: (welcome: Welcome) => void;
  /** The hub will never take these credentials. The connection is closed and does not come back. */
  readonly onTurnedAway?: (refusal: HubRefusal) => void;
  readonly retry?: RetryBounds;
  /** How it knows a hub with `https:`. Absent: plain text. */
  readonly trust?: HubTrust | undefined;
  /** Source address, where thousands of virtual agents share a machine. */
  readonly localAddress?: string;
}
export interface ConnectionCounts {
  readonly joins: number;
  /** Messages of the hub, or items of them, that could not be read. */
  readonly malformed: number;
  readonly staleDispatches: number;
}
