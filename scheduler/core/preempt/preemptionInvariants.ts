// What must always hold of preemption: nodes are kept for those who wait for room there, and what may be stopped is
// counted where it is.
import type { NodeIndex } from '../../protocol/brands.ts';
import { priorityMax } from '../../protocol/limits.ts';
import type { Amounts } from '../../protocol/view.ts';
import { amountsOf, type Share } from '../queue/share.ts';
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
  checkStopping(state, check);
  for (let priority = 0; priority <= priorityMax; priority += 1) checkCounts(state, priority, check);
}

/** What is being stopped is counted with its queue and its tenant. */
function checkStopping({ tasks, ready, tenants }: SchedulerState, check: Check): void {
  const found = new Map<Share, Amounts>();
  for (const task of tasks.placed()) {
    if (task.live?.preemptedBy === undefined) continue;
    const { cpu, memory, gpu } = amountsOf(task.spec.ask);
    for (const share of [ready.mustGet(task.spec.queue).share, tenants.of(task.spec.tenant).share]) {
      const sum = found.get(share) ?? { cpu: 0, memory: 0, gpu: 0 };
      found.set(share, { cpu: sum.cpu + cpu, memory: sum.memory + memory, gpu: sum.gpu + gpu });
    }
  }
  for (const { name, share } of [...ready.queues.values(), ...tenants.all()]) {
    const { cpu, memory, gpu } = found.get(share) ?? { cpu: 0, memory: 0, gpu: 0 };
    const { stopping } = share;
    const isSame = stopping.cpu === cpu && stopping.memory === memory && stopping.gpu === gpu;
    check(isSame, `preemption: ${name} counts ${String(stopping.cpu)} millicores as being stopped`);
  }
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
