// Limits and quotas of a seed's queues and tenants. They follow from the plan: no randomness of the world is used up.
import type { Command } from '../../scheduler/protocol/events.ts';
import type { QueueChange } from '../../scheduler/protocol/queue.ts';
import type { Plan } from './load.ts';

/** Room for the largest ask of a plan: nothing waits for ever. */
const cpuOfLargest = 8_000;

export function queueChangeOf({ specs }: Plan, at: number): QueueChange {
  const draw = specs.length + 5 * at;
  if (draw % 3 === 0) return { runningMax: 3 + (draw % 7) };
  return draw % 4 === 1 ? { burst: { cpu: cpuOfLargest + 500 * (draw % 9) } } : {};
}

/** One tenant with a limit, one with a weight and a quota, in most seeds. */
export function tenantCommands({ specs }: Plan, actor: string): Command[] {
  if (specs.length % 4 === 0) return [];
  const burst = { cpu: cpuOfLargest + 1_000 * (specs.length % 5) };
  return [
    { kind: 'PutTenant', tenant: 'paint', change: { runningMax: 4 + (specs.length % 6) }, actor },
    { kind: 'PutTenant', tenant: 'press-shop', change: { weight: 3, burst }, actor },
  ];
}
