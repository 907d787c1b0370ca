// Groups of tasks as others see them: arrays and workflows, with how far each is.
import type { Ms, QueueName, TaskId } from './brands.ts';
import type { LiveState, TaskGroupRef } from './task.ts';

export type EndCounts = {
  readonly succeeded: number;
  readonly deadLetter: number;
  readonly cancelled: number;
  /** Ended in a part of the journal that was lost: nobody can tell how. */
  readonly unknown: number;
};

export interface GroupRow {
  readonly groupId: TaskId;
  readonly kind: TaskGroupRef['kind'];
  readonly name: string;
  readonly queue: QueueName;
  readonly tenant: string;
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
