// What a connection to a hub is given, and what it counts.
import type { Welcome } from '../scheduler/protocol/agentWire.ts';
import type { NodeId } from '../scheduler/protocol/brands.ts';
import type { NodeSpec } from '../scheduler/protocol/node.ts';
import type { AttemptExecutor } from './attemptExecutor.ts';
import type { Credentials } from './credentials.ts';
import type { HubRefusal } from './hubMessages.ts';
import type { WriteLine } from './logLine.ts';
import type { RetryBounds } from './retryDelay.ts';

export interface ConnectionOptions {
  readonly url: string;
  readonly nodeId: NodeId;
  readonly credentials: Credentials;
  readonly spec: NodeSpec;
  readonly executor: AttemptExecutor;
  readonly log: WriteLine;
  readonly onJoined?: (welcome: Welcome) => void;
  /** The hub will never take these credentials. The connection is closed and does not come back. */
  readonly onTurnedAway?: (refusal: HubRefusal) => void;
  readonly retry?: RetryBounds;
  /** Source address, where thousands of virtual agents share a machine. */
  readonly localAddress?: string;
}
export interface ConnectionCounts {
  readonly joins: number;
  /** Messages of the hub, or items of them, that could not be read. */
  readonly malformed: number;
  readonly staleDispatches: number;
}
