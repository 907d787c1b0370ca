// Which gate keeps a task, a queue or a tenant back: the rules that placement goes by, asked by who explains it.
import type { TenantSettings } from '../../protocol/queue.ts';
import type { QueueGate } from '../../protocol/view.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import { type Demand, lackOf, queueGate, type TenantGate, tenantGate } from './limits.ts';
import type { Queue } from './queue.ts';
import type { Share } from './share.ts';
import { plainTenant, type Tenant } from './tenants.ts';

/** Which gate keeps a task that is in line from starting, the queue's first. O(1). */
export function gateOf(state: SchedulerState, { spec, askClass }: Task): QueueGate | TenantGate | undefined {
  const queue = state.ready.mustGet(spec.queue);
  const gate = queueGate(queue, state.ready.nowMs);
  if (gate) return gate;
  if (lackOf(queue.share, queue.settings, askClass))
    return isShort(queue.share, queue.settings, askClass) ? 'QUEUE_RUNNING_MAX' : 'QUEUE_QUOTA';
  const tenant = state.tenants.of(spec.tenant);
  const bounds = tenant.settings ?? plainTenant;
  if (!lackOf(tenant.share, bounds, askClass)) return undefined;
  return isShort(tenant.share, bounds, askClass) ? 'TENANT_RUNNING_MAX' : 'TENANT_QUOTA';
}
/** Is it the number of attempts that it would pass? */
const isShort = (share: Share, { runningMax }: TenantSettings, demand: Demand): boolean =>
  runningMax !== undefined && lackOf(share, { runningMax }, demand) !== undefined;

/** The gate of a queue as its row shows it: also that its next task would pass the queue's quota. O(tenants). */
export function queueStop(state: SchedulerState, queue: Queue): QueueGate | undefined {
  const gate = queueGate(queue, state.ready.nowMs);
  if (gate || queue.waiting === 0 || !queue.settings.burst) return gate;
  const { burst } = queue.settings;
  const isHeld = [...queue.lanes()].some((lane) => lackOf(queue.share, { burst }, lane.askClass));
  return isHeld && !queue.first(state.plant, state.ready.nowMs) ? 'QUEUE_QUOTA' : undefined;
}
/** The same of a tenant: nothing of what it has waiting would stay within its quota. O(queues + its lanes). */
export function tenantStop(state: SchedulerState, tenant: Tenant): TenantGate | undefined {
  const gate = tenantGate(tenant);
  const burst = tenant.settings?.burst;
  if (gate || !burst) return gate;
  const lanes = [...state.ready.queues.values()].flatMap((queue) => [
    ...(queue.lines.get(tenant.name)?.lanes.values() ?? []),
  ]);
  const isHeld = lanes.length > 0 && lanes.every((lane) => lackOf(tenant.share, { burst }, lane.askClass));
  return isHeld ? 'TENANT_QUOTA' : undefined;
}
