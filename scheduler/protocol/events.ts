// Command and Event: the vocabulary that every engine speaks. Commands are imperative and may be refused; events are
// past tense, have happened, and are what the journal keeps.
import type { Epoch, Ms, NodeId, QueueName, TaskId, Token } from './brands.ts';
import type { ArrayEvent, GangEvent, WorkflowEvent } from './groupEvents.ts';
import type { IdentityCommand, IdentityEvent } from './identity.ts';
import type { DeclareLost } from './lostNodes.ts';
import type { MaintenanceCommand, MaintenanceEvent } from './maintenance.ts';
import type { NodeSpec } from './node.ts';
import type { QueueChange, QueueSettings, TenantChange, TenantSettings } from './queue.ts';
import type { ScheduleCommand, ScheduleEvent } from './scheduleEvents.ts';
import type { TaskRecord, TaskSpec } from './task.ts';
import type { AttemptEnd } from './attempt.ts';
import type { Workflow } from './workflow.ts';

/** Who asks: shown in the audit and kept with a task. */
export type Actor = string;

export interface SubmitTasks {
  readonly kind: 'SubmitTasks';
  readonly specs: readonly TaskSpec[];
  readonly actor: Actor;
}
/** Taken as a whole or refused as a whole. */
export interface SubmitWorkflow {
  readonly kind: 'SubmitWorkflow';
  readonly workflow: Workflow;
  readonly actor: Actor;
}
export interface CancelTask {
  readonly kind: 'CancelTask';
  readonly taskId: TaskId;
  readonly actor: Actor;
  readonly reason: string;
}
/** Puts an ended task back in its queue. The record comes from history, since the core keeps only live tasks. */
export interface RequeueTask {
  readonly kind: 'RequeueTask';
  readonly record: TaskRecord;
  readonly actor: Actor;
}
/** An attempt that an agent says it holds when it joins. */
export interface HeldAttempt {
  readonly token: Token;
  /** `finished`: its result is on the agent's disk and follows. */
  readonly state: 'running' | 'finished';
}
export interface JoinNode {
  readonly kind: 'JoinNode';
  readonly nodeId: NodeId;
  readonly spec: NodeSpec;
  readonly held: readonly HeldAttempt[];
  /** The key that it proved to have. Absent: the caller vouches for it. */
  readonly publicKey?: string;
}
/** Soft state: renews leases and shows use. Leaves no event, is not in the digest. */
export interface Heartbeat {
  readonly kind: 'Heartbeat';
  readonly nodeId: NodeId;
  readonly cpuUsedMillicores: number;
  readonly memoryUsedMiB: number;
  readonly running: readonly Token[];
}
export interface DisconnectNode {
  readonly kind: 'DisconnectNode';
  readonly nodeId: NodeId;
}
export interface ReportStarted {
  readonly kind: 'ReportStarted';
  readonly nodeId: NodeId;
  readonly tokens: readonly Token[];
}
export interface AttemptResult {
  readonly token: Token;
  readonly taskId: TaskId;
  readonly end: AttemptEnd;
}
export interface ReportResults {
  readonly kind: 'ReportResults';
  readonly nodeId: NodeId;
  readonly results: readonly AttemptResult[];
}
/** Opening a node (false) also takes one back that was set aside. */
export interface SetCordon {
  readonly kind: 'SetCordon';
  readonly nodeId: NodeId;
  readonly isCordoned: boolean;
  readonly actor: Actor;
}
/** Takes a node that is not connected out of the plant; its key is void from then on. */
export interface ForgetNode {
  readonly kind: 'ForgetNode';
  readonly nodeId: NodeId;
  readonly actor: Actor;
}
export interface PutQueue {
  readonly kind: 'PutQueue';
  readonly queue: QueueName;
  /** What is not named stays as it is, or as a new queue has it. */
  readonly change: QueueChange;
  readonly actor: Actor;
}
/** Refused while it has live tasks; the default queue always stays. */
export interface RemoveQueue {
  readonly kind: 'RemoveQueue';
  readonly queue: QueueName;
  readonly actor: Actor;
}
/** Sets a tenant's share and bounds. A tenant without settings has weight 1 and no bounds. */
export interface PutTenant {
  readonly kind: 'PutTenant';
  readonly tenant: string;
  readonly change: TenantChange;
  readonly actor: Actor;
}
export interface RemoveTenant {
  readonly kind: 'RemoveTenant';
  readonly tenant: string;
  readonly actor: Actor;
}
/** The first command of a host's life, before anything else is taken. */
export interface StartEpoch {
  readonly kind: 'StartEpoch';
  /** Seeds every random choice of this epoch, so that a replay repeats them. */
  readonly seed: number;
}

/** What a turn of the engine may be given. Time comes with the turn, not with the command. */
export type Command =
  | SubmitTasks
  | SubmitWorkflow
  | CancelTask
  | RequeueTask
  | IdentityCommand
  | JoinNode
  | Heartbeat
  | DisconnectNode
  | ReportStarted
  | ReportResults
  | SetCordon
  | ForgetNode
  | DeclareLost
  | PutQueue
  | RemoveQueue
  | PutTenant
  | RemoveTenant
  | MaintenanceCommand
  | ScheduleCommand
  | StartEpoch;

export type Event =
  | { readonly kind: 'epoch_started'; readonly epoch: Epoch; readonly seed: number }
  | {
      readonly kind: 'queue_put';
      readonly queue: QueueName;
      readonly weight: number;
      /** All of them, the weight too. Absent in journals from before queues had more than a weight. */
      readonly settings?: QueueSettings;
    }
  | { readonly kind: 'queue_removed'; readonly queue: QueueName; readonly actor: Actor }
  | { readonly kind: 'tenant_put'; readonly tenant: string; readonly settings: TenantSettings }
  | { readonly kind: 'tenant_removed'; readonly tenant: string; readonly actor: Actor }
  | MaintenanceEvent
  | {
      readonly kind: 'task_admitted';
      readonly taskId: TaskId;
      readonly spec: TaskSpec;
      readonly submitter: Actor;
    }
  | GangEvent
  | ScheduleEvent
  | { readonly kind: 'task_requeued'; readonly record: TaskRecord; readonly actor: Actor }
  | {
      readonly kind: 'attempt_placed';
      readonly taskId: TaskId;
      readonly token: Token;
      readonly nodeId: NodeId;
      /** Bit i set: GPU device i is the attempt's. */
      readonly gpuMask: number;
      /** A second attempt beside one that runs much longer than its like. */
      readonly isCopy?: true;
    }
  | { readonly kind: 'attempt_started'; readonly token: Token }
  | {
      readonly kind: 'attempt_ended';
      readonly token: Token;
      readonly end: AttemptEnd;
      /** The agent or node went with it while all others were well: the task may have been the cause. */
      readonly isSuspect?: true;
      /** It succeeded after so long, by its agent's count where that is told: run times are learned from it. */
      readonly learnMs?: number;
    }
  /** It is being stopped to make room for the task `by`. */
  | {
      readonly kind: 'attempt_preempt_requested';
      readonly token: Token;
      readonly by: TaskId;
      /** It has the same priority, and holds what is guaranteed to the queue or tenant of the other. */
      readonly isReclaim?: true;
    }
  | { readonly kind: 'task_backed_off'; readonly taskId: TaskId; readonly untilMs: Ms }
  /** The backoff is over, its time has come, or what it was held for. */
  | { readonly kind: 'task_ready'; readonly taskId: TaskId }
  /** Its backoff is over, and it may not get into line yet: as many of its array run as may. */
  | { readonly kind: 'task_held'; readonly taskId: TaskId }
  | { readonly kind: 'task_succeeded'; readonly taskId: TaskId }
  | { readonly kind: 'task_dead_lettered'; readonly taskId: TaskId; readonly reason: string }
  | {
      readonly kind: 'task_cancel_requested';
      readonly taskId: TaskId;
      readonly actor: Actor;
      readonly reason: string;
    }
  | { readonly kind: 'task_cancelled'; readonly taskId: TaskId; readonly reason: string }
  | ArrayEvent
  | WorkflowEvent
  | IdentityEvent
  | { readonly kind: 'node_joined'; readonly nodeId: NodeId; readonly spec: NodeSpec }
  | { readonly kind: 'node_disconnected'; readonly nodeId: NodeId }
  | { readonly kind: 'node_lost'; readonly nodeId: NodeId }
  | {
      readonly kind: 'node_cordon_set';
      readonly nodeId: NodeId;
      readonly isCordoned: boolean;
      readonly actor: Actor;
    }
  /** It fails tasks that others run: it gets no more until an operator opens it again (`SetCordon`, false). */
  | { readonly kind: 'node_set_aside'; readonly nodeId: NodeId; readonly reason: string }
  | { readonly kind: 'node_forgotten'; readonly nodeId: NodeId; readonly actor: Actor }
  /**
   * Written by `journal repair` in place of batches that could not be read: numbers that those may have given out are
   * never given again, and tasks that history knows to have ended in them are no longer live.
   */
  | {
      readonly kind: 'journal_repaired';
      readonly nextTaskId: number;
      readonly nextToken: number;
      readonly ended: readonly TaskId[];
    };

export type EventKind = Event['kind'];

/** All events of one turn of the core, in order, with the time they happened: the unit of the journal. */
export interface Batch {
  /** Counts turns that left events, from 1, without gaps. */
  readonly sequence: number;
  readonly atMs: Ms;
  readonly events: readonly Event[];
}
