// All live tasks that match, as a cancel needs them: one by one, or with the array or gang that goes as a whole.
import type { TaskId } from '../protocol/brands.ts';
import type { LiveSet, TaskFilter } from '../protocol/view.ts';
import { matching, matchesOrigin } from './liveTasks.ts';
import type { ArrayRow } from './state/arrayTable.ts';
import type { SchedulerState } from './state/schedulerState.ts';

export function liveSet(state: SchedulerState, filter: TaskFilter): LiveSet {
  const groups = new Map<TaskId, number>();
  let unbegun = 0;
  for (const row of wholeArrays(state, filter)) {
    const waiting = row.size - row.next - row.gone.size;
    groups.set(row.groupId, waiting);
    unbegun += waiting;
  }
  const taskIds: TaskId[] = [];
  for (const { taskId, state: stands, group } of matching(state, filter)) {
    if (stands === 'cancelling') continue;
    const others = group && groups.get(group.groupId);
    if (group && (others !== undefined || group.kind === 'gang'))
      groups.set(group.groupId, (others ?? 0) + 1);
    else taskIds.push(taskId);
  }
  taskIds.sort((a, b) => b - a);
  return { taskIds, groups: [...groups].map(([groupId, tasks]) => ({ groupId, tasks })), unbegun };
}

/** Arrays with elements that have not begun, all of which match. What names states or a node is about tasks alone. */
function* wholeArrays({ arrays, ready }: SchedulerState, filter: TaskFilter): Generator<ArrayRow> {
  if (filter.states !== undefined || filter.nodeId !== undefined) return;
  for (const row of arrays.all()) {
    const isWanted = filter.groupId === undefined || filter.groupId === row.groupId;
    const origin = { spec: row.element, submittedAtMs: row.submittedAtMs };
    if (isWanted && row.next < row.size && matchesOrigin(origin, filter, ready.nowMs)) yield row;
  }
}
