// Alarms of both origins in one order: what makes the others doubtful first, then urgency, and of equals the oldest.
import type { AlarmRow } from '../../scheduler/protocol/consoleFrames.ts';
import type { LocalAlarm } from './localAlarms.ts';

export type AnyAlarm = AlarmRow | LocalAlarm;

export const isLocal = (alarm: AnyAlarm): alarm is LocalAlarm => 'isLocal' in alarm;

/** An alarm about the link or the host leads: without them the others are old. Then unseen, priority, time. */
export function byUrgency(a: AnyAlarm, b: AnyAlarm): number {
  return (
    Number(isLocal(b)) - Number(isLocal(a)) ||
    Number(a.isAcknowledged) - Number(b.isAcknowledged) ||
    a.priority - b.priority ||
    a.raisedAtMs - b.raisedAtMs
  );
}
