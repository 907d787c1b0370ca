// Queues and tenants as windows see them, made when asked. O(lanes).
import { ms } from '../../protocol/brands.ts';
import type { QueueRow, TenantRow } from '../../protocol/view.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { queueStop, tenantStop } from './gates.ts';
import type { Queue } from './queue.ts';
import { plainTenant } from './tenants.ts';
import { type Window, windowOf } from './window.ts';

export function queueRows(state: SchedulerState): readonly QueueRow[] {
  const window = windowOf(state.ready);
  return [...state.ready.queues.values()].map((queue) => ({
    queue: queue.name,
    weight: queue.settings.weight,
    settings: queue.settings,
    live: queue.share.live,
    active: queue.share.active,
    allocated: queue.share.allocated,
    share: queue.share.dominantOf(state.plant),
    ...gateOrNone(queueStop(state, queue)),
    backoff: queue.backoff,
    ...missedOf(state, queue),
    ...waitingIn(queue, window),
  }));
}

export function tenantRows(state: SchedulerState): readonly TenantRow[] {
  return [...state.tenants.all()].map((tenant) => ({
    tenant: tenant.name,
    settings: tenant.settings ?? plainTenant,
    live: tenant.share.live,
    active: tenant.share.active,
    allocated: tenant.share.allocated,
    share: tenant.share.dominantOf(state.plant),
    ...gateOrNone(tenantStop(state, tenant)),
  }));
}

function missedOf({ deadlines, ready }: SchedulerState, { name }: Queue): Pick<QueueRow, 'missed'> {
  const missed = deadlines.missedIn(name, ready.nowMs);
  return missed === 0 ? {} : { missed };
}
const gateOrNone = <Gate>(gate: Gate | undefined): { readonly gate?: Gate } =>
  gate === undefined ? {} : { gate };

/** How many tasks wait in which way, and since when the oldest. */
export function waitingIn(
  queue: Queue,
  window: Window,
): Pick<QueueRow, 'ready' | 'backlog' | 'blocked' | 'oldestSubmittedAtMs'> {
  const row = { ready: 0, backlog: 0, blocked: 0 };
  let oldest = Number.POSITIVE_INFINITY;
  for (const lane of queue.lanes()) {
    if (lane.askClass.isBlocked) row.blocked += lane.size;
    else {
      const inWindow = window.get(lane) ?? 0;
      row.ready += inWindow;
      row.backlog += lane.size - inWindow;
    }
    oldest = Math.min(oldest, lane.first()?.submittedAtMs ?? oldest);
  }
  return { ...row, ...(oldest === Number.POSITIVE_INFINITY ? {} : { oldestSubmittedAtMs: ms(oldest) }) };
}
