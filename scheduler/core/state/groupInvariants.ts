// What must always hold of groups of tasks and of tasks that are held. Part of `brokenInvariants`.
import { taskId } from '../../protocol/brands.ts';
import { arraysMax } from '../../protocol/limits.ts';
import { workflowsMax } from '../../protocol/workflowLimits.ts';
import type { ArrayRow } from './arrayTable.ts';
import { noTasks, placedOf } from './groupMembers.ts';
import type { SchedulerState } from './schedulerState.ts';
import type { Task } from './taskTable.ts';
import { standingOf, type WorkflowRow } from './workflowTable.ts';

type Check = (isTrue: boolean, what: string) => void;

/** O(tasks + arrays). */
export function checkGroups(state: SchedulerState, check: Check): void {
  const listed = new Map<number, Task[]>();
  for (const task of state.tasks.all()) {
    if (task.group) listOf(listed, task.group.groupId).push(task);
    check(
      task.state !== 'held' || task.untilMs > 0 || task.group !== undefined,
      `held: task ${String(task.taskId)} waits for nothing`,
    );
  }
  for (const [groupId, tasks] of listed) checkMembers(state, groupId, { tasks, check });
  for (const row of state.arrays.all()) checkArray(state, row, check);
  for (const row of state.workflows.all()) checkWorkflow(state, row, check);
  check(state.workflows.live <= workflowsMax, `limit: ${String(state.workflows.live)} workflows`);
  check(state.arrays.size <= arraysMax, `limit: ${String(state.arrays.size)} arrays`);
}

function listOf(lists: Map<number, Task[]>, groupId: number): Task[] {
  let list = lists.get(groupId);
  if (!list) lists.set(groupId, (list = []));
  return list;
}

function checkMembers(
  state: SchedulerState,
  groupId: number,
  { tasks, check }: { readonly tasks: readonly Task[]; readonly check: Check },
): void {
  const members = state.tasks.groups.of(taskId(groupId));
  const counts = noTasks();
  for (const task of tasks) counts[task.state] += 1;
  const isSame = JSON.stringify(counts) === JSON.stringify(members.counts);
  check(
    isSame && members.tasks.size === tasks.length,
    `group: members of ${String(groupId)} are counted wrongly`,
  );
}

function checkArray(state: SchedulerState, row: ArrayRow, check: Check): void {
  const name = `array ${String(row.groupId)}`;
  const members = state.tasks.groups.of(row.groupId);
  const { succeeded, dead_letter: deadLetter, cancelled, unknown } = row.ended;
  const told = succeeded + deadLetter + cancelled + unknown + members.tasks.size;
  check(told === row.next, `array: ${name} has begun ${String(row.next)} and knows of ${String(told)}`);
  check(row.next <= row.size, `array: ${name} has more elements than it asked for`);
  const runningMax = row.spec.array?.runningMax ?? Number.POSITIVE_INFINITY;
  const running = placedOf(members) + members.counts.ready;
  check(running <= runningMax, `array: ${name} has ${String(running)} in line or running`);
}

/** After a turn: whoever could start has been released, whoever never can has ended. */
function checkWorkflow(state: SchedulerState, row: WorkflowRow, check: Check): void {
  const name = `workflow ${String(row.groupId)}`;
  const open = row.members.filter(({ ended }) => ended === undefined).length;
  const live = state.tasks.groups.of(row.groupId).tasks;
  check(open === live.size && open === row.live, `workflow: ${name} counts ${String(row.live)} live tasks`);
  check(state.workflows.isClosed(row) === (open === 0), `workflow: ${name} is over and was not ended`);
  for (const { state: word, untilMs, group, taskId } of live) {
    const member = row.members[group?.index ?? -1];
    if (word !== 'held' || untilMs > 0 || !member) continue;
    const standing = standingOf(row, member);
    check(standing === 'wait', `workflow: task ${String(taskId)} is held and could ${standing}`);
  }
}
