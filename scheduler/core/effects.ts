// What may leave the process once the turn's batch is durable.
import type { Dispatch } from '../protocol/agentWire.ts';
import type { NodeId, Token } from '../protocol/brands.ts';
import type { TaskRecord } from '../protocol/task.ts';

export type Effect =
  | {
      readonly kind: 'dispatch';
      readonly nodeId: NodeId;
      readonly dispatch: Dispatch;
      readonly waitedSinceMs: number;
    }
  | { readonly kind: 'stop'; readonly nodeId: NodeId; readonly token: Token }
  /** The task left the core; history keeps it from here on. */
  | { readonly kind: 'task_ended'; readonly record: TaskRecord }
  /** The node's key is void: close its connection. */
  | { readonly kind: 'node_dropped'; readonly nodeId: NodeId };
