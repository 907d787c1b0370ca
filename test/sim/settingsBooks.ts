// How queues and tenants are set, from the events alone: what checks of modes, rates, guarantees and shares go by.
import type { Core } from '../../scheduler/core/cycle.ts';
import type { QueueName } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import type { QueueSettings, TenantSettings } from '../../scheduler/protocol/queue.ts';

const plainTenant: TenantSettings = { weight: 1 };

export class SettingsBooks {
  readonly queues = new Map<QueueName, QueueSettings>();
  readonly #tenants = new Map<string, TenantSettings>();
  #core: Core | undefined;

  ofTenant(name: string): TenantSettings {
    return this.#tenants.get(name) ?? plainTenant;
  }

  /** Before a turn's events are taken. A new core has what the journal kept. True where it is one. */
  begin(core: Core): boolean {
    if (core === this.#core) return false;
    this.#core = core;
    this.queues.clear();
    this.#tenants.clear();
    for (const { name, settings } of core.state.ready.queues.values()) this.queues.set(name, settings);
    for (const { name, settings } of core.state.tenants.all())
      if (settings) this.#tenants.set(name, settings);
    return true;
  }

  take(event: Event): void {
    if (event.kind === 'queue_put')
      this.queues.set(event.queue, event.settings ?? { weight: event.weight, mode: 'open' });
    else if (event.kind === 'queue_removed') this.queues.delete(event.queue);
    else if (event.kind === 'tenant_put') this.#tenants.set(event.tenant, event.settings);
    else if (event.kind === 'tenant_removed') this.#tenants.delete(event.tenant);
  }
}
