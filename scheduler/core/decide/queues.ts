// What people decide about queues and tenants.
import type { PutQueue, PutTenant, RemoveQueue, RemoveTenant } from '../../protocol/events.ts';
import { queuesMax, tenantsMax } from '../../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import { plainTenant } from '../queue/tenants.ts';
import { defaultQueue } from '../state/schedulerState.ts';
import type { Turn } from './turn.ts';

type Taken = Outcome<undefined, Refusal>;

export function putQueue(turn: Turn, { queue, change }: PutQueue): Taken {
  const { queues } = turn.state.ready;
  const known = queues.get(queue);
  if (!known && queues.size >= queuesMax)
    return refused(refusal('too_many', `there are ${String(queuesMax)} queues already`, { field: 'queue' }));
  const settings = changed(known?.settings ?? { weight: 1, mode: 'open' as const }, change);
  turn.emit({ kind: 'queue_put', queue, weight: settings.weight, settings });
  turn.state.preemption.hasNews = true; // it may preempt now, or what it borrows is another amount
  return accepted(undefined);
}

export function removeQueue(turn: Turn, { queue, actor }: RemoveQueue): Taken {
  const known = turn.state.ready.queues.get(queue);
  if (!known) return refused(refusal('unknown_queue', `queue ${queue} does not exist`, { field: 'queue' }));
  if (queue === defaultQueue)
    return refused(refusal('wrong_state', `queue ${queue} is where tasks go that name none; it stays`));
  if (known.share.live > 0) {
    const said = `queue ${queue} has ${String(known.share.live)} live tasks; drain it or cancel them first`;
    return refused(refusal('wrong_state', said, { field: 'queue' }));
  }
  if ([...turn.state.arrays.all()].some(({ spec }) => spec.queue === queue)) {
    const said = `queue ${queue} has arrays that have not ended; cancel them first`;
    return refused(refusal('wrong_state', said, { field: 'queue' }));
  }
  turn.emit({ kind: 'queue_removed', queue, actor });
  return accepted(undefined);
}

export function putTenant(turn: Turn, { tenant, change }: PutTenant): Taken {
  const { tenants } = turn.state;
  const known = tenants.get(tenant)?.settings;
  const set = [...tenants.all()].filter(({ settings }) => settings).length;
  if (!known && set >= tenantsMax)
    return refused(refusal('too_many', `${String(tenantsMax)} tenants have settings`, { field: 'tenant' }));
  turn.emit({ kind: 'tenant_put', tenant, settings: changed(known ?? plainTenant, change) });
  turn.state.preemption.hasNews = true;
  return accepted(undefined);
}

export function removeTenant(turn: Turn, { tenant, actor }: RemoveTenant): Taken {
  if (!turn.state.tenants.get(tenant)?.settings)
    return refused(refusal('wrong_state', `tenant ${tenant} has no settings`, { field: 'tenant' }));
  turn.emit({ kind: 'tenant_removed', tenant, actor });
  turn.state.preemption.hasNews = true;
  return accepted(undefined);
}

/** The settings with what is named changed; null takes a bound away, and weight and mode back to plain. */
function changed<Settings extends { readonly weight: number }>(
  settings: Settings,
  change: { readonly [Name in keyof Settings]?: Settings[Name] | null | undefined },
): Settings {
  const plain: Readonly<Record<string, unknown>> =
    'mode' in settings ? { weight: 1, mode: 'open' } : { weight: 1 };
  const next: Record<string, unknown> = { ...settings };
  for (const [name, value] of Object.entries<unknown>(change)) {
    const set = value ?? plain[name];
    if (set === undefined) Reflect.deleteProperty(next, name);
    else next[name] = set;
  }
  return next as Settings;
}
