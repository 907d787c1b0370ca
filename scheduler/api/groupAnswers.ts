// Answers about arrays and workflows, as schemas.
import * as v from 'valibot';
import type { GroupDetail, GroupRow, WorkflowAnswer } from '../protocol/groups.ts';
import { endStates, liveStates } from '../protocol/task.ts';
import { dependencyRules } from '../protocol/workflow.ts';
import { amount, answerOf, count } from './answerOf.ts';

const groupRow = answerOf<GroupRow>()(
  v.object({
    groupId: count,
    kind: v.picklist(['array', 'gang', 'workflow']),
    name: v.string(),
    queue: v.exactOptional(v.string()),
    tenant: v.exactOptional(v.string()),
    submitter: v.string(),
    submittedAtMs: amount,
    size: count,
    waiting: count,
    live: v.object({
      ready: count,
      held: count,
      backoff: count,
      dispatched: count,
      running: count,
      cancelling: count,
    }),
    ended: v.object({ succeeded: count, deadLetter: count, cancelled: count, unknown: count }),
    runningMax: v.exactOptional(count),
    cancelReason: v.exactOptional(v.string()),
  }),
);
const member = v.object({
  taskId: count,
  ref: v.string(),
  after: v.array(v.string()),
  when: v.picklist(dependencyRules),
  state: v.picklist([...liveStates, ...endStates, 'unknown']),
});

export const groupAnswers = {
  GroupRow: groupRow,
  GroupList: v.object({ groups: v.array(groupRow) }),
  GroupDetail: answerOf<GroupDetail>()(
    v.object({ group: groupRow, members: v.exactOptional(v.array(member)) }),
  ),
  WorkflowAnswer: answerOf<WorkflowAnswer>()(v.object({ groupId: count, taskIds: v.array(count) })),
} as const;
