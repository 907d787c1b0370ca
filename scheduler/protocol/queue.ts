// How a queue and a tenant are set: weight, limits, quotas, and how their tasks are placed.
import * as v from 'valibot';
import * as limits from './limits.ts';
import { wholeFrom, wholeUpTo } from './text.ts';

/** Named placement policies. Each is explained in `core/place/policy.ts`. */
export const policyNames = ['pack', 'spread', 'usage', 'fgd', 'bestFit'] as const;
export type PolicyName = (typeof policyNames)[number];

/** `open`; `paused`: takes tasks and starts none; `draining`: takes none and finishes what it has. */
export const queueModes = ['open', 'paused', 'draining'] as const;
export type QueueMode = (typeof queueModes)[number];

/** CPU in millicores, memory in MiB, GPU in thousandths of a device. Absent: no bound on it. */
export const quotaSchema = v.strictObject({
  cpu: v.exactOptional(wholeUpTo(limits.quotaMax)),
  memory: v.exactOptional(wholeUpTo(limits.quotaMax)),
  gpu: v.exactOptional(wholeUpTo(limits.quotaMax)),
});
export type Quota = v.InferOutput<typeof quotaSchema>;

const shareEntries = {
  /** Share against others, 1 to `weightMax`. */
  weight: wholeFrom(1, limits.weightMax),
  /** Attempts at a time. */
  runningMax: wholeFrom(1, limits.liveTasksMax),
  /** Live tasks; past it a submit is refused `queue_full`. */
  depthMax: wholeFrom(1, limits.liveTasksMax),
  /** Served before all that is above its own: what others borrow of it they give back by preemption, or as they end. */
  guaranteed: quotaSchema,
  /** Never more than this at a time, whatever is free. */
  burst: quotaSchema,
};
const shareSettings = {
  weight: v.optional(shareEntries.weight, 1),
  runningMax: v.exactOptional(shareEntries.runningMax),
  depthMax: v.exactOptional(shareEntries.depthMax),
  guaranteed: v.exactOptional(shareEntries.guaranteed),
  burst: v.exactOptional(shareEntries.burst),
};
export const tenantSettingsSchema = v.strictObject(shareSettings);
export type TenantSettings = v.InferOutput<typeof tenantSettingsSchema>;

/**
 * `arrival`: by priority with ageing, then deadline, then arrival; `slowdown`: within a priority short tasks that have
 * waited long beside their length go first, so that the mean slowdown is small.
 */
export const queueOrders = ['arrival', 'slowdown'] as const;
export type QueueOrder = (typeof queueOrders)[number];
/**
 * `off`: nothing is kept for a task that fits nowhere; `easy`: the first such task keeps its place and others pass only
 * where they do not delay it; `conservative`: so do the first few.
 */
export const backfills = ['off', 'easy', 'conservative'] as const;

const queueEntries = {
  mode: v.picklist(queueModes),
  policy: v.picklist(policyNames),
  order: v.picklist(queueOrders),
  backfill: v.picklist(backfills),
  /** Placements per second, as a mean over some seconds. */
  ratePerS: v.pipe(v.number(), v.minValue(0.001), v.maxValue(limits.queueRateMax)),
  /** Its tasks may have preemptible ones of lower priority, or of borrowed quota, stopped. */
  canPreempt: v.boolean(),
};
export const queueSettingsSchema = v.strictObject({
  ...shareSettings,
  mode: v.optional(queueEntries.mode, 'open'),
  policy: v.exactOptional(queueEntries.policy),
  order: v.exactOptional(queueEntries.order),
  backfill: v.exactOptional(queueEntries.backfill),
  ratePerS: v.exactOptional(queueEntries.ratePerS),
  canPreempt: v.exactOptional(queueEntries.canPreempt),
});
export type QueueSettings = v.InferOutput<typeof queueSettingsSchema>;

/** Some settings, the others stay; null takes a bound away. */
const changeOf = <Entries extends Readonly<Record<string, v.GenericSchema>>>(entries: Entries) =>
  Object.fromEntries(
    Object.entries(entries).map(([name, schema]) => [name, v.exactOptional(v.nullable(schema))]),
  ) as {
    readonly [Name in keyof Entries]: v.ExactOptionalSchema<
      v.NullableSchema<Entries[Name], undefined>,
      undefined
    >;
  };
export const tenantChangeSchema = v.strictObject(changeOf(shareEntries));
export const queueChangeSchema = v.strictObject(changeOf({ ...shareEntries, ...queueEntries }));
export type TenantChange = v.InferOutput<typeof tenantChangeSchema>;
export type QueueChange = v.InferOutput<typeof queueChangeSchema>;
