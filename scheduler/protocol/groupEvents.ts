// Events of groups of tasks, as the journal keeps them.
import type { TaskId } from './brands.ts';
import type { EndState, TaskSpec } from './task.ts';

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
