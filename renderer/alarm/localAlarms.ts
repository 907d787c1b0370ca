// Alarms that only this window can raise, since they are about the host or the link to it.
import type { LinkState } from '../bridge.ts';
import type { HostState } from '../../scheduler/protocol/hostLink.ts';
import { exactTime } from '../format/clock.ts';

export interface LocalAlarm {
  readonly isLocal: true;
  readonly alarmId: string;
  readonly priority: 1 | 2;
  readonly code:
    'HOST_RESTARTING' | 'HOST_RECOVERING' | 'HOST_FAILED' | 'LINK_DOWN' | 'LINK_REFUSED' | 'DATA_STALE';
  readonly source: string;
  readonly params: Readonly<Record<string, string | number>>;
  readonly raisedAtMs: number;
  readonly isActive: true;
  readonly isAcknowledged: false;
}
interface Facts {
  readonly link: LinkState;
  readonly host: HostState | undefined;
  readonly ageMs: number;
  readonly newestAtMs: number | undefined;
  readonly nowMs: number;
}
type Found = Pick<LocalAlarm, 'code' | 'priority' | 'params'>;
const alarmAfterMs = 10_000;

/** At most one: the cause nearest to the operator explains the others. */
export function localAlarms(facts: Facts): readonly LocalAlarm[] {
  const found = hostAlarm(facts.host) ?? linkAlarm(facts) ?? ageAlarm(facts);
  if (!found) return [];
  const common = { isLocal: true, isActive: true, isAcknowledged: false, source: 'console' } as const;
  return [{ ...common, ...found, alarmId: found.code, raisedAtMs: facts.newestAtMs ?? facts.nowMs }];
}

function hostAlarm(host: HostState | undefined): Found | undefined {
  if (host?.state === 'restarting') {
    const params = { reason: host.reason, seconds: Math.max(1, Math.round(host.inMs / 1_000)) };
    return { code: 'HOST_RESTARTING', priority: 2, params };
  }
  if (host?.state === 'recovering') return { code: 'HOST_RECOVERING', priority: 2, params: {} };
  if (host?.state === 'failed') return { code: 'HOST_FAILED', priority: 1, params: { reason: host.reason } };
  return undefined;
}

function linkAlarm({ link }: Facts): Found | undefined {
  if (link.state !== 'down') return undefined;
  if (link.reason === 'refused')
    return { code: 'LINK_REFUSED', priority: 2, params: { detail: link.detail } };
  return { code: 'LINK_DOWN', priority: 2, params: {} };
}

function ageAlarm({ ageMs, newestAtMs, link }: Facts): Found | undefined {
  if (ageMs <= alarmAfterMs || link.state === 'login') return undefined;
  const since = newestAtMs === undefined ? '-' : exactTime(newestAtMs, 'local').slice(11, 19);
  return { code: 'DATA_STALE', priority: 2, params: { since } };
}
