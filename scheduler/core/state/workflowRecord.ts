// A workflow as a record, for history and windows: its tasks have their own, so it asks for nothing and runs nothing.
import type { Ms } from '../../protocol/brands.ts';
import type { WorkflowEnd } from '../../protocol/groupEvents.ts';
import type { TaskRecord, TaskSpec } from '../../protocol/task.ts';
import { millicores, mib } from '../../protocol/brands.ts';
import { graceDefaultMs, timeoutDefaultMs } from '../../protocol/limits.ts';
import type { WorkflowRow } from './workflowTable.ts';

type Home = Pick<WorkflowEnd, 'queue' | 'tenant' | 'priority' | 'isSimulated'>;

/** Where a task of it is, or was: a workflow has no queue of its own. */
export const homeOf = ({ queue, tenant, priority, work }: TaskSpec): Home => ({
  queue,
  tenant,
  priority,
  ...(work.kind === 'simulated' && { isSimulated: true }),
});

export function workflowRecordOf(
  row: WorkflowRow,
  home: Home,
  ended?: Pick<WorkflowEnd, 'state' | 'reason'> & { readonly atMs: Ms },
): TaskRecord {
  const { groupId, submitter, submittedAtMs, members, cancelReason } = row;
  const base = {
    taskId: groupId,
    spec: specOf(row.name, home),
    submitter,
    submittedAtMs,
    attempts: [],
    workflow: { size: members.length },
  };
  if (ended) return { ...base, state: ended.state, endedAtMs: ended.atMs, reason: ended.reason };
  return { ...base, state: cancelReason === undefined ? 'running' : 'cancelling' };
}

/** The simulated plant's goes with that plant, which is known by its work. */
const specOf = (name: string, { queue, tenant, priority, isSimulated }: Home): TaskSpec => ({
  name,
  queue,
  tenant,
  priority,
  work: isSimulated
    ? { kind: 'simulated', runMs: 0, exitCode: 0 }
    : { kind: 'command', argv: ['workflow'], shell: false, env: {} },
  ask: { cpu: millicores(0), memory: mib(0), slots: 1, custom: {} },
  selector: {},
  tolerations: [],
  timeoutMs: timeoutDefaultMs,
  graceMs: graceDefaultMs,
  retry: { attemptsMax: 1, backoffMs: 0, backoffCapMs: 0 },
  delivery: 'at_least_once',
  labels: {},
});
