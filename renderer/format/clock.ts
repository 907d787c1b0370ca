// Points in time in ISO style, in the zone that the operator chose.

export type Zone = 'local' | 'utc';

const formats = new Map<Zone, Intl.DateTimeFormat>();

function partsOf(atMs: number, zone: Zone): Record<string, string> {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', {
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'longOffset',
      ...(zone === 'utc' ? { timeZone: 'UTC' } : {}),
    });
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(atMs).map((part) => [part.type, part.value]));
}

/** `14:32:08` */
export function clockTime(atMs: number, zone: Zone): string {
  const { hour, minute, second } = partsOf(atMs, zone);
  return `${hour ?? ''}:${minute ?? ''}:${second ?? ''}`;
}

/** `14:32` */
export const clockMinute = (atMs: number, zone: Zone): string => clockTime(atMs, zone).slice(0, 5);

/** `2026-11-23` */
export function calendarDay(atMs: number, zone: Zone): string {
  const { year, month, day } = partsOf(atMs, zone);
  return `${year ?? ''}-${month ?? ''}-${day ?? ''}`;
}

/** `14:32:08` of today, else `11-22 14:32`. */
export function shortTime(atMs: number, nowMs: number, zone: Zone): string {
  const day = calendarDay(atMs, zone);
  if (day === calendarDay(nowMs, zone)) return clockTime(atMs, zone);
  return `${day.slice(5)} ${clockMinute(atMs, zone)}`;
}

/** `2026-11-23 14:32:08.512` */
export function exactTime(atMs: number, zone: Zone): string {
  const thousandths = String(Math.floor(atMs) % 1_000).padStart(3, '0');
  return `${calendarDay(atMs, zone)} ${clockTime(atMs, zone)}.${thousandths}`;
}

/** `UTC`, `+08:00` */
export function zoneName(atMs: number, zone: Zone): string {
  const offset = (partsOf(atMs, zone)['timeZoneName'] ?? '').replace('GMT', '');
  return offset === '' || offset === '+00:00' ? 'UTC' : offset;
}

/** `2026-11-23T14:32`, as a date and time field holds it; empty for no time. */
export function fieldTime(atMs: number | undefined, zone: Zone): string {
  return atMs === undefined ? '' : `${calendarDay(atMs, zone)}T${clockMinute(atMs, zone)}`;
}

/** The time that such a field means in this zone; undefined where it is empty or not filled in. */
export function timeOfField(text: string, zone: Zone): number | undefined {
  const atMs = Date.parse(zone === 'utc' ? `${text}Z` : text);
  return Number.isNaN(atMs) ? undefined : atMs;
}
