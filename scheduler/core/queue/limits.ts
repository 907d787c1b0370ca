// What keeps a queue or a tenant from starting tasks, beside what nodes have free: its mode, limits and quotas.
import type { QueueSettings, Quota, TenantSettings } from '../../protocol/queue.ts';
import type { Ask } from '../../protocol/task.ts';
import type { Amounts, QueueGate, TenantRow } from '../../protocol/view.ts';
import type { RateGate } from './rateGate.ts';
import { amountsOf, gpuOf, type Share } from './share.ts';
import type { Tenant } from './tenants.ts';

export type TenantGate = NonNullable<TenantRow['gate']>;

/** What a task asks for with all members of its gang: they start together. */
export interface Demand {
  readonly ask: Ask;
  /** 0: a plain task. */
  readonly gangSize: number;
}
interface Held extends Amounts {
  readonly active: number;
}
type Bounds = Pick<TenantSettings, 'runningMax' | 'burst'>;
const nothing: Held = { active: 0, cpu: 0, memory: 0, gpu: 0 };

/** What of its bounds a demand would pass, beside what is held already. */
export interface Lack {
  /** Only GPUs: asks without them may pass. */
  readonly isGpuOnly: boolean;
}
const gpuOnly: Lack = { isGpuOnly: true };
const more: Lack = { isGpuOnly: false };

/** Undefined where the demand stays within the quota. */
function quotaLack(held: Amounts, quota: Quota | undefined, { ask, gangSize }: Demand): Lack | undefined {
  if (!quota) return undefined;
  const times = Math.max(1, gangSize);
  const passes = (has: number, asked: number, most: number | undefined): boolean =>
    most !== undefined && asked > 0 && has + times * asked > most;
  if (passes(held.cpu, ask.cpu, quota.cpu) || passes(held.memory, ask.memory, quota.memory)) return more;
  return passes(held.gpu, gpuOf(ask), quota.gpu) ? gpuOnly : undefined;
}

/** Undefined where the demand stays within the bounds. */
export function lackOf(held: Held, { runningMax, burst }: Bounds, demand: Demand): Lack | undefined {
  if (runningMax !== undefined && held.active + Math.max(1, demand.gangSize) > runningMax) return more;
  return quotaLack(held, burst, demand);
}

/** The demand alone is larger than the bounds: it is let through only by other bounds. */
export const isBeyond = (bounds: Bounds, demand: Demand): boolean =>
  lackOf(nothing, bounds, demand) !== undefined;

/**
 * Would this demand be held on borrowed quota? Its own is what `guaranteed` names, and only for asks that need some of
 * that; without `guaranteed` all is borrowed.
 */
export function isBorrowing(
  has: Amounts,
  { guaranteed }: QueueSettings | TenantSettings,
  demand: Demand,
): boolean {
  if (!guaranteed) return true;
  const { ask } = demand;
  const isNamed =
    (guaranteed.cpu !== undefined && ask.cpu > 0) ||
    (guaranteed.memory !== undefined && ask.memory > 0) ||
    (guaranteed.gpu !== undefined && gpuOf(ask) > 0);
  return !isNamed || quotaLack(has, guaranteed, demand) !== undefined;
}

/**
 * May an attempt of this ask be taken back from who holds these amounts, and has `rest` once it and others are gone? No
 * amount that the holder had in full may fall below what is guaranteed, and of one at least that the attempt takes
 * part in all of it is left: started again, the attempt would borrow.
 */
export function isSpare(
  ask: Ask,
  { guaranteed }: QueueSettings | TenantSettings,
  { has, rest }: { readonly has: Amounts; readonly rest: Amounts },
): boolean {
  if (!guaranteed) return true;
  const asked = amountsOf(ask);
  const named = (['cpu', 'memory', 'gpu'] as const).flatMap((name) => {
    const own = guaranteed[name];
    return own === undefined || asked[name] === 0 ? [] : [{ own, had: has[name], left: rest[name] }];
  });
  if (named.length === 0) return true; // nothing of it is guaranteed
  const isFull = named.some(({ own, left }) => left >= own);
  return isFull && named.every(({ own, had, left }) => left >= own || had < own);
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
