// The settings form of a queue or a tenant: what is typed <-> the change that the host takes, by the host's own schema.
import { decode } from '../../scheduler/protocol/decode.ts';
import type { Outcome, Refusal } from '../../scheduler/protocol/outcome.ts';
import {
  type QueueChange,
  queueChangeSchema,
  type QueueSettings,
  type TenantChange,
  tenantChangeSchema,
  type TenantSettings,
} from '../../scheduler/protocol/queue.ts';
import { problemText } from '../format/problemText.ts';

/** Amounts in the smallest unit; empty: no bound. */
export interface QuotaDraft {
  cpu: number | undefined;
  memory: number | undefined;
  gpu: number | undefined;
}
export interface ShareDraft {
  weight: number | '';
  runningMax: number | '';
  depthMax: number | '';
  guaranteed: QuotaDraft;
  burst: QuotaDraft;
}
/** Empty words: as the program chooses. */
export interface QueueDraft extends ShareDraft {
  ratePerS: number | '';
  policy: NonNullable<QueueSettings['policy']> | '';
  order: NonNullable<QueueSettings['order']> | '';
  backfill: NonNullable<QueueSettings['backfill']> | '';
  canPreempt: boolean;
}

const quotaDraftOf = (quota: QueueSettings['burst']): QuotaDraft => ({
  cpu: quota?.cpu,
  memory: quota?.memory,
  gpu: quota?.gpu,
});
export const shareDraftOf = (settings: TenantSettings): ShareDraft => ({
  weight: settings.weight,
  runningMax: settings.runningMax ?? '',
  depthMax: settings.depthMax ?? '',
  guaranteed: quotaDraftOf(settings.guaranteed),
  burst: quotaDraftOf(settings.burst),
});
export const queueDraftOf = (settings: QueueSettings): QueueDraft => ({
  ...shareDraftOf(settings),
  ratePerS: settings.ratePerS ?? '',
  policy: settings.policy ?? '',
  order: settings.order ?? '',
  backfill: settings.backfill ?? '',
  canPreempt: settings.canPreempt ?? false,
});

export interface ReadDraft<Change> {
  /** Absent where something is wrong. Empty where nothing is changed. */
  readonly change?: Change;
  /** What is wrong, and with which field. */
  readonly field?: string;
  readonly message?: string;
}

export function readQueueDraft(
  draft: QueueDraft,
  before: QueueSettings,
  name: string,
): ReadDraft<QueueChange> {
  return asRead(decode(queueChangeSchema, changedIn({ ...draft }, { ...queueDraftOf(before) }), name));
}
export function readTenantDraft(
  draft: ShareDraft,
  before: TenantSettings,
  name: string,
): ReadDraft<TenantChange> {
  return asRead(decode(tenantChangeSchema, changedIn({ ...draft }, { ...shareDraftOf(before) }), name));
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that are not as before, as the host takes them: a field that was emptied is null. */
function changedIn(draft: Fields, before: Fields): Fields {
  const changed = Object.entries(draft).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(before[field]),
  );
  return Object.fromEntries(changed.map(([field, value]) => [field, meant(value)]));
}
function meant(value: unknown): unknown {
  if (value === '' || value === false) return null;
  if (typeof value !== 'object' || value === null) return value;
  const set = Object.entries(value).filter(([, amount]) => amount !== undefined && amount !== '');
  return set.length === 0 ? null : Object.fromEntries(set);
}

function asRead<Change>(checked: Outcome<Change, Refusal>): ReadDraft<Change> {
  if (checked.ok) return { change: checked.value };
  const { field = '' } = checked.reason;
  return { field: field.split('.')[0] ?? '', message: problemText(checked.reason) };
}

/** The settings as they were, for what a change names. */
export const undoOf = (change: QueueChange, before: QueueSettings): QueueChange =>
  Object.fromEntries(
    Object.keys(change).map((field) => [field, before[field as keyof QueueSettings] ?? null]),
  );
