// What one seed's plant and work are made of.
import type { NodeId, QueueName } from '../../scheduler/protocol/brands.ts';
import type { NodeSpec } from '../../scheduler/protocol/node.ts';
import type { QueueChange } from '../../scheduler/protocol/queue.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import type { Workflow } from '../../scheduler/protocol/workflow.ts';

/**
 * `mixed`: all forms and rules at once. `crowd`: queues and tenants that all want the same, more than there is.
 * `wide`: tasks that need a whole node among many that do not.
 */
export type LoadKind = 'mixed' | 'crowd' | 'wide';

export interface PlannedNode {
  readonly nodeId: NodeId;
  readonly spec: NodeSpec;
}
export interface PlannedQueue {
  readonly queue: QueueName;
  readonly weight: number;
  readonly canPreempt: boolean;
  /** What it is set to beside. */
  readonly change: QueueChange;
}
export interface Plan {
  readonly kind: LoadKind;
  readonly nodes: readonly PlannedNode[];
  readonly queues: readonly PlannedQueue[];
  readonly specs: readonly TaskSpec[];
  readonly workflows: readonly Workflow[];
}
