// What the clocks and calendars of a time zone show at an instant.

const minuteMs = 60_000;
const halfDayMs = 43_200_000;

export class ZoneClock {
  readonly #format: Intl.DateTimeFormat;

  /** Throws on a zone that there is not. */
  constructor(timeZone: string) {
    this.#format = formatOf(timeZone);
  }

  /** The date there, as `2026-12-25`. */
  date(atMs: number): string {
    return this.#shown(atMs).toISOString().slice(0, '2026-12-25'.length);
  }

  /** `2026-03-29T03:00:00+02:00`. */
  local(atMs: number): string {
    const offsetMinutes = Math.round(this.#offsetMs(atMs) / minuteMs);
    const sign = offsetMinutes < 0 ? '-' : '+';
    const hours = Math.floor(Math.abs(offsetMinutes) / 60);
    const minutes = Math.abs(offsetMinutes) % 60;
    const clock = this.#shown(atMs).toISOString().slice(0, '2026-03-29T03:00:00'.length);
    return `${clock}${sign}${two(hours)}:${two(minutes)}`;
  }

  /** The earliest instant that may be of this date: midnight, or an hour before where clocks change at midnight. */
  startOf(date: string): number {
    const utcMs = Date.parse(`${date}T00:00:00Z`);
    return utcMs - Math.max(this.#offsetMs(utcMs - halfDayMs), this.#offsetMs(utcMs + halfDayMs));
  }

  #offsetMs(atMs: number): number {
    return this.#shown(atMs).getTime() - Math.floor(atMs / 1_000) * 1_000;
  }

  /** What is shown there, as if it were UTC. */
  #shown(atMs: number): Date {
    const part: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#format.formatToParts(atMs)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  }
}

const two = (count: number): string => String(count).padStart(2, '0');

/** A format costs about 20 us to make and some KiB to keep; zones are few. */
const formats = new Map<string, Intl.DateTimeFormat>();
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric' } as const;
  const more = { minute: 'numeric', second: 'numeric', hourCycle: 'h23', timeZone } as const;
  const made = new Intl.DateTimeFormat('en-US', { ...numeric, ...more });
  formats.set(timeZone, made);
  return made;
}
