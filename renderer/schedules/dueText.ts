// A due time as the host writes it for a time zone, as people read it.

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
