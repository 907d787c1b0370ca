// Groups of tasks as others see them: arrays and workflows, with how far each is.
import type { Ms, QueueName, TaskId } from './brands.ts';
import type { LiveState, TaskGroupRef, TaskState } from './task.ts';
import type { DependencyRule } from './workflow.ts';

export interface EndCounts {
  readonly succeeded: number;
  readonly deadLetter: number;
  readonly cancelled: number;
  /** Ended in a part of the journal that was lost: nobody can tell how. */
  readonly unknown: number;
}

export interface GroupRow {
  readonly groupId: TaskId;
  readonly kind: TaskGroupRef['kind'];
  readonly name: string;
  /** Of an array; the tasks of a workflow each have their own. */
  readonly queue?: QueueName;
  readonly tenant?: string;
  readonly submitter: string;
  readonly submittedAtMs: Ms;
  readonly size: number;
  /** Members that have not got into line once. */
  readonly waiting: number;
  /** Members that are tasks now. */
  readonly live: Readonly<Record<LiveState, number>>;
  readonly ended: EndCounts;
  /** Members that may run at a time, where that is bounded. */
  readonly runningMax?: number;
  /** Why it was cancelled, where it was. */
  readonly cancelReason?: string;
}

/** A task of a workflow, with its place in the graph. */
export interface MemberRow {
  readonly taskId: TaskId;
  readonly ref: string;
  /** Refs of the tasks that it comes after. */
  readonly after: readonly string[];
  readonly when: DependencyRule;
  /** `unknown`: it ended in a part of the journal that was lost. */
  readonly state: TaskState | 'unknown';
}
export interface GroupDetail {
  readonly group: GroupRow;
  /** Of a workflow, in the order in which they were given. */
  readonly members?: readonly MemberRow[];
}
export interface WorkflowAnswer {
  readonly groupId: TaskId;
  /** In the order in which its tasks were given. */
  readonly taskIds: readonly TaskId[];
}
