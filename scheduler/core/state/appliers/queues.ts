// Events of queues.
import type { Appliers } from './types.ts';

type QueueEvents = 'queue_put' | 'queue_removed' | 'tenant_put' | 'tenant_removed';

export const queueAppliers: Appliers<QueueEvents> = {
  queue_put(state, event) {
    state.ready.put(event.queue, event.settings ?? { weight: event.weight, mode: 'open' });
  },
  queue_removed(state, event) {
    state.runTimes.forget(event.queue);
    state.ready.remove(event.queue);
  },
  tenant_put(state, event) {
    state.tenants.of(event.tenant).settings = event.settings;
    state.ready.tenantChanged(event.tenant);
  },
  tenant_removed(state, event) {
    const tenant = state.tenants.of(event.tenant);
    tenant.settings = undefined;
    state.ready.tenantChanged(event.tenant);
    state.tenants.forgetIfIdle(tenant);
  },
};
