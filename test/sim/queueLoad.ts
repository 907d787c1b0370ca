// Limits and quotas of a seed's queues and tenants. They follow from the plan: no randomness of the world is used up.
import type { Command } from '../../scheduler/protocol/events.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import type { QueueChange } from '../../scheduler/protocol/queue.ts';
import type { Plan } from './load.ts';

/** Room for the largest ask of a plan: nothing waits for ever. */
const cpuOfLargest = 8_000;

export function queueChangeOf({ specs }: Plan, at: number): QueueChange {
  const draw = specs.length + 5 * at;
  const own = draw % 5 < 3 ? { guaranteed: { cpu: 1_000 * (1 + (draw % 11)) } } : {};
  if (draw % 3 === 0) return { ...own, runningMax: 3 + (draw % 7) };
  return draw % 4 === 1 ? { ...own, burst: { cpu: cpuOfLargest + 500 * (draw % 9) } } : own;
}

/** In one seed of three there are two priorities only: quota is taken back between equal ones. */
export const withPriorities = (specs: readonly TaskSpec[]): readonly TaskSpec[] =>
  specs.length % 3 > 0
    ? specs
    : specs.map((spec) => ({ ...spec, priority: spec.priority < 5 ? 2 : 7, isPreemptible: true }));

/** One tenant with a limit, one with a weight and a quota, in most seeds. */
export function tenantCommands({ specs }: Plan, actor: string): Command[] {
  if (specs.length % 4 === 0) return [];
  const burst = { cpu: cpuOfLargest + 1_000 * (specs.length % 5) };
  const own = specs.length % 3 === 1 ? { guaranteed: { cpu: 4_000, memory: 4_096 } } : {};
  return [
    { kind: 'PutTenant', tenant: 'paint', change: { ...own, runningMax: 4 + (specs.length % 6) }, actor },
    { kind: 'PutTenant', tenant: 'press-shop', change: { weight: 3, burst }, actor },
  ];
}
