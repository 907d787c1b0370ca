// Queues and tenants as windows see them, made when asked. O(lanes + nodes).
import { ms } from '../../protocol/brands.ts';
import { gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import type { Amounts, QueueRow, TenantRow } from '../../protocol/view.ts';
import { nodeState } from '../state/nodeTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Queue } from './readyQueue.ts';
import { plainTenant } from './tenants.ts';

export function queueRows(state: SchedulerState): readonly QueueRow[] {
  const total = plantAmounts(state);
  return [...state.ready.queues.values()].map((queue) => ({
    queue: queue.name,
    weight: queue.settings.weight,
    settings: queue.settings,
    live: queue.share.live,
    active: queue.share.active,
    allocated: queue.share.allocated,
    share: queue.share.dominantOf(total),
    backoff: queue.backoff,
    ...waitingIn(queue),
  }));
}

export function tenantRows(state: SchedulerState): readonly TenantRow[] {
  const total = plantAmounts(state);
  return [...state.tenants.all()].map(({ name, settings, share }) => ({
    tenant: name,
    settings: settings ?? plainTenant,
    live: share.live,
    active: share.active,
    allocated: share.allocated,
    share: share.dominantOf(total),
  }));
}

/** How many tasks wait in which way, and since when the oldest. */
export function waitingIn(
  queue: Queue,
): Pick<QueueRow, 'ready' | 'backlog' | 'blocked' | 'oldestSubmittedAtMs'> {
  const row = { ready: 0, backlog: 0, blocked: 0 };
  let oldest = Number.POSITIVE_INFINITY;
  for (const lane of queue.lanes.values()) {
    if (lane.askClass.isBlocked) row.blocked += lane.size;
    else {
      row.ready += lane.window;
      row.backlog += lane.backlog;
    }
    oldest = Math.min(oldest, lane.first()?.submittedAtMs ?? oldest);
  }
  return { ...row, ...(oldest === Number.POSITIVE_INFINITY ? {} : { oldestSubmittedAtMs: ms(oldest) }) };
}

/** What the nodes that are online have in all. */
function plantAmounts({ nodes }: SchedulerState): Amounts {
  const total = { cpu: 0, memory: 0, gpu: 0 };
  for (const node of nodes.occupied()) {
    if (nodes.state[node] !== nodeState.online) continue;
    total.cpu += nodes.cpuTotal[node] ?? 0;
    total.memory += nodes.memoryTotal[node] ?? 0;
    total.gpu += (nodes.gpuDevices[node] ?? 0) * gpuThousandthsPerDevice;
  }
  return total;
}
