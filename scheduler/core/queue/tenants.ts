// Tenants: whose work it is. One is known while it has settings or live tasks.
import type { TenantSettings } from '../../protocol/queue.ts';
import { Share } from './share.ts';

export interface Tenant {
  readonly name: string;
  /** Absent: weight 1 and no bounds. */
  settings: TenantSettings | undefined;
  readonly share: Share;
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
    if (!tenant) this.#tenants.set(name, (tenant = { name, settings: undefined, share: new Share() }));
    return tenant;
  }
  /** To be called when its last task or its settings went. */
  forgetIfIdle(tenant: Tenant): void {
    if (!tenant.settings && tenant.share.live === 0) this.#tenants.delete(tenant.name);
  }
}
