// Tenants: whose work it is. One is known while it has settings or live tasks.
import type { TenantSettings } from '../../protocol/queue.ts';
import { Share } from './share.ts';

export interface Tenant {
  readonly name: string;
  /** Absent: weight 1 and no bounds. */
  settings: TenantSettings | undefined;
  readonly share: Share;
  /** What it has in the queues: its bounds and its share of the plant decide in all of them. */
  readonly lines: Set<{ readonly touch: () => void }>;
}

export const plainTenant: TenantSettings = { weight: 1 };

export class TenantTable {
  readonly #tenants = new Map<string, Tenant>();

  all(): IterableIterator<Tenant> {
    return this.#tenants.values();
  }
  get(name: string): Tenant | undefined {
    return this.#tenants.get(name);
  }
  /** The tenant, made where it is new. */
  of(name: string): Tenant {
    let tenant = this.#tenants.get(name);
    if (!tenant) {
      tenant = { name, settings: undefined, share: new Share(), lines: new Set() };
      this.#tenants.set(name, tenant);
    }
    return tenant;
  }
  /** To be called when its last task or its settings went. */
  forgetIfIdle(tenant: Tenant): void {
    if (!tenant.settings && tenant.share.live === 0) this.#tenants.delete(tenant.name);
  }
}
