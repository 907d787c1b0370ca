// What events of older record formats lack today: one step per format, applied as the rows are read.
import type { Event } from '../protocol/events.ts';
import { type TaskSpec, tenantDefault } from '../protocol/task.ts';

/** Brings an event of this format to the next one. */
type Step = (event: Event) => Event;

/** By the format that a step starts from. Every format from 1 to the present one less one has its step. */
const steps: Readonly<Record<number, Step>> = {
  // Format 2 began with tenants.
  1: (event) => {
    if (event.kind === 'task_admitted') return { ...event, spec: withTenant(event.spec) };
    if (event.kind !== 'task_requeued') return event;
    return { ...event, record: { ...event.record, spec: withTenant(event.record.spec) } };
  },
  // Format 3 began with pairs of keys: what was the hash of a secret is one of the forms of a key.
  2: (event) => {
    if (event.kind !== 'node_enrolled') return event;
    const { keyHash, ...rest } = event as typeof event & { readonly keyHash: string };
    return { ...rest, key: keyHash };
  },
};

const withTenant = (spec: TaskSpec): TaskSpec => ({ ...spec, tenant: tenantDefault });

/** The events of a batch as the present format has them. */
export function upgradedEvents(events: readonly Event[], from: number, to: number): readonly Event[] {
  let upgraded = events;
  for (let version = from; version < to; version += 1) {
    const step = steps[version];
    if (!step) throw new Error(`no step leads from record format ${version} to the next`);
    upgraded = upgraded.map(step);
  }
  return upgraded;
}
