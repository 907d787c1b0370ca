// Limits, quotas, rates and orders of a seed's queues and tenants. They follow from the plan: no randomness of the world
// is used up.
import type { Command } from '../../scheduler/protocol/events.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import type { QueueChange } from '../../scheduler/protocol/queue.ts';
import type { Plan } from './plan.ts';

/** Room for the largest ask of a plan: nothing waits for ever. */
const cpuOfLargest = 8_000;
const rates = [3, 6, 12] as const;
const backfills: readonly QueueChange[] = [{}, { backfill: 'easy' }, { backfill: 'conservative' }];

/** `count`: of the plan's tasks. */
export function queueChangeOf(count: number, at: number): QueueChange {
  const draw = count + 5 * at;
  return {
    ...boundOf(draw),
    ...(draw % 6 === 4 && { ratePerS: rates[draw % rates.length] ?? 1 }),
    ...(draw % 5 < 3 && { guaranteed: { cpu: 1_000 * (1 + (draw % 11)) } }),
    ...(draw % 9 === 5 && { order: 'slowdown' as const }),
    ...backfills[draw % 7],
  };
}
function boundOf(draw: number): QueueChange {
  if (draw % 3 === 0) return { runningMax: 3 + (draw % 7) };
  return draw % 4 === 1 ? { burst: { cpu: cpuOfLargest + 500 * (draw % 9) } } : {};
}

/** In one seed of three there are two priorities only: quota is taken back between equal ones. */
export const withPriorities = (specs: readonly TaskSpec[]): readonly TaskSpec[] =>
  specs.length % 3 > 0
    ? specs
    : specs.map((spec) => ({ ...spec, priority: spec.priority < 5 ? 2 : 7, isPreemptible: true }));

/** One tenant with a limit, one with a weight and a quota, one with something guaranteed, in most seeds. */
export function tenantCommands({ specs, kind }: Plan, actor: string): Command[] {
  const weight = { kind: 'PutTenant', tenant: 'press-shop', change: { weight: 3 }, actor } as const;
  if (kind === 'crowd') return [weight];
  if (kind === 'wide' || specs.length % 4 === 0) return [];
  const burst = { cpu: cpuOfLargest + 1_000 * (specs.length % 5) };
  const guaranteed = { cpu: 500 * (1 + (specs.length % 6)) };
  const isSure = specs.length % 3 === 1;
  const own = isSure ? { guaranteed: { cpu: 4_000, memory: 4_096 } } : {};
  return [
    { kind: 'PutTenant', tenant: 'paint', change: { ...own, runningMax: 4 + (specs.length % 6) }, actor },
    { kind: 'PutTenant', tenant: 'press-shop', change: { weight: 3, burst }, actor },
    ...(isSure ? [{ kind: 'PutTenant', tenant: 'default', change: { guaranteed }, actor } as const] : []),
  ];
}
