// Events of groups of tasks, as the journal keeps them.
import type { Ms, QueueName, TaskId } from './brands.ts';
import type { EndState, TaskSpec } from './task.ts';
import type { Workflow } from './workflow.ts';

export type ArrayEvent =
  | {
      readonly kind: 'array_admitted';
      /** Of the array itself; its elements have those that follow, in order of their index. */
      readonly taskId: TaskId;
      readonly lastTaskId: TaskId;
      readonly spec: TaskSpec;
      readonly submitter: string;
    }
  /** So many elements got into line, from this index on. */
  | {
      readonly kind: 'array_elements_begun';
      readonly groupId: TaskId;
      readonly from: number;
      readonly count: number;
    }
  /** Elements that had not begun have ended with this; those that had are cancelled one by one. */
  | {
      readonly kind: 'array_cancelled';
      readonly groupId: TaskId;
      readonly actor: string;
      readonly reason: string;
    }
  | {
      readonly kind: 'array_ended';
      readonly taskId: TaskId;
      readonly state: EndState;
      readonly reason: string;
    };

export type WorkflowEvent =
  | {
      readonly kind: 'workflow_admitted';
      /** Of the workflow itself; its tasks have those that follow, in the order given. */
      readonly taskId: TaskId;
      readonly lastTaskId: TaskId;
      readonly workflow: Workflow;
      readonly submitter: string;
    }
  /** A task need not wait for others any more: in line, or held until its time. */
  | { readonly kind: 'task_released'; readonly taskId: TaskId }
  /** All of it that has not ended is cancelled, task by task. */
  | {
      readonly kind: 'workflow_cancelled';
      readonly groupId: TaskId;
      readonly actor: string;
      readonly reason: string;
    }
  | {
      readonly kind: 'workflow_ended';
      readonly groupId: TaskId;
      /** How it ended, for its record in history. Absent in journals from before workflows had one. */
      readonly end?: WorkflowEnd;
    };

export interface WorkflowEnd {
  readonly state: EndState;
  /** Counts of its tasks, in words. */
  readonly reason: string;
  /** Of the task that ended last. */
  readonly queue: QueueName;
  readonly tenant: string;
  readonly priority: number;
  readonly isSimulated?: true;
}

export type GangEvent =
  /** The members have the ids behind the group's. The spec is that of each. */
  | {
      readonly kind: 'gang_admitted';
      readonly groupId: TaskId;
      readonly spec: TaskSpec;
      readonly submitter: string;
    }
  /** An attempt of this member ended badly while others of its gang run: those are being stopped. */
  | { readonly kind: 'gang_broken'; readonly groupId: TaskId; readonly taskId: TaskId }
  /** The member's attempt has ended and that of others has not: it waits for them. */
  | { readonly kind: 'gang_member_ended'; readonly taskId: TaskId }
  /** No member runs any more, and all are tried again. `taskId`: the one that broke it. */
  | {
      readonly kind: 'gang_backed_off';
      readonly groupId: TaskId;
      readonly taskId: TaskId;
      readonly untilMs: Ms;
    };
