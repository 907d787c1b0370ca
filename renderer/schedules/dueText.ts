// A due time as people read it: on the clock of its time zone, and how long until then.
import { formatDuration } from '../format/duration.ts';

const weekdays = new Map<string, Intl.DateTimeFormat>();

/** `2026-03-29T03:00:00+02:00` as `Sun 2026-03-29 03:00:00`. */
export function dueText(local: string, language: string): string {
  const clock = local.slice(0, '2026-03-29T03:00:00'.length);
  let format = weekdays.get(language);
  if (!format) {
    format = new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' });
    weekdays.set(language, format);
  }
  return `${format.format(Date.parse(`${clock}Z`))} ${clock.replace('T', ' ')}`;
}

/** Whole seconds: it is read while it runs down. */
export function untilText(dueMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((dueMs - nowMs) / 1_000));
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1_000);
}
