// What keeps a queue or a tenant from starting tasks, beside what nodes have free: its mode, limits and quotas.
import type { QueueSettings, Quota, TenantSettings } from '../../protocol/queue.ts';
import type { Ask } from '../../protocol/task.ts';
import type { Amounts, QueueGate, TenantRow } from '../../protocol/view.ts';
import type { RateGate } from './rateGate.ts';
import { gpuOf, type Share } from './share.ts';
import type { Tenant } from './tenants.ts';

export type TenantGate = NonNullable<TenantRow['gate']>;

const nothing: Amounts = { cpu: 0, memory: 0, gpu: 0 };

/** What of a quota an ask would pass, beside what is held already. */
export interface Lack {
  /** Only GPUs: asks without them may pass. */
  readonly isGpuOnly: boolean;
}
const gpuOnly: Lack = { isGpuOnly: true };
const more: Lack = { isGpuOnly: false };

/** Undefined where the ask stays within the quota. */
export function lackOf(held: Amounts, quota: Quota | undefined, ask: Ask): Lack | undefined {
  if (!quota) return undefined;
  if (quota.cpu !== undefined && ask.cpu > 0 && held.cpu + ask.cpu > quota.cpu) return more;
  if (quota.memory !== undefined && ask.memory > 0 && held.memory + ask.memory > quota.memory) return more;
  const gpu = gpuOf(ask);
  return quota.gpu !== undefined && gpu > 0 && held.gpu + gpu > quota.gpu ? gpuOnly : undefined;
}

/** The ask alone is larger than the quota: it is let through only by another quota. */
export const isBeyondQuota = (quota: Quota | undefined, ask: Ask): boolean =>
  lackOf(nothing, quota, ask) !== undefined;

/**
 * Would this ask be held on borrowed quota? Its own is what `guaranteed` names, and only for asks that need some of
 * that; without `guaranteed` all is borrowed.
 */
export function isBorrowing(share: Share, { guaranteed }: QueueSettings | TenantSettings, ask: Ask): boolean {
  if (!guaranteed) return true;
  const gpu = gpuOf(ask);
  const isNamed =
    (guaranteed.cpu !== undefined && ask.cpu > 0) ||
    (guaranteed.memory !== undefined && ask.memory > 0) ||
    (guaranteed.gpu !== undefined && gpu > 0);
  return !isNamed || lackOf(share, guaranteed, ask) !== undefined;
}

interface Limited {
  readonly settings: QueueSettings;
  readonly share: Share;
  readonly rate: RateGate;
}
/** Why the queue starts nothing, whatever its tasks ask for. */
export function queueGate({ settings, share, rate }: Limited, nowMs: number): QueueGate | undefined {
  if (settings.mode === 'paused') return 'QUEUE_PAUSED';
  if (share.active >= (settings.runningMax ?? Number.POSITIVE_INFINITY)) return 'QUEUE_RUNNING_MAX';
  if (settings.ratePerS !== undefined && !rate.isOpen(settings.ratePerS, nowMs)) return 'QUEUE_RATE';
  return undefined;
}
export const tenantGate = ({ settings, share }: Tenant): TenantGate | undefined =>
  share.active >= (settings?.runningMax ?? Number.POSITIVE_INFINITY) ? 'TENANT_RUNNING_MAX' : undefined;
