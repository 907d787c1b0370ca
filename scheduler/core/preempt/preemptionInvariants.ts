// What must always hold of preemption: nodes are kept for those who wait for room there, and what may be stopped is
// counted where it is.
import type { NodeIndex } from '../../protocol/brands.ts';
import { priorityMax } from '../../protocol/limits.ts';
import { isPreemptible } from './preemptible.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { attemptsOf } from '../state/taskTable.ts';

type Check = (isTrue: boolean, what: string) => void;

export function checkPreemption(state: SchedulerState, check: Check): void {
  const { preemption, nodes } = state;
  check(
    nodes.kept.size === preemption.nominations.size,
    `preemption: ${String(nodes.kept.size)} nodes are kept for ${String(preemption.nominations.size)} tasks`,
  );
  for (const { taskId, node } of preemption.nominations.values())
    check(nodes.kept.get(node) === taskId, `preemption: no node is kept for task ${String(taskId)}`);
  for (let priority = 0; priority <= priorityMax; priority += 1) checkCounts(state, priority, check);
}

function checkCounts({ preemption, tasks }: SchedulerState, priority: number, check: Check): void {
  const found = new Map<NodeIndex, number>();
  for (const task of new Set(tasks.placed()))
    if (task.spec.priority === priority && isPreemptible(task))
      for (const { node } of attemptsOf(task)) found.set(node, (found.get(node) ?? 0) + 1);
  const counted = preemption.preemptibles.countsAt(priority);
  const isEqual =
    found.size === counted.size && [...found].every(([node, count]) => counted.get(node) === count);
  check(isEqual, `preemption: attempts of priority ${String(priority)} are not counted where they are`);
}
