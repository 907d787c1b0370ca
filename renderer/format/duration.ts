// Durations as people read them: three significant digits below a minute, never a false zero.
// Units are not translated.

/** `0.61 ms`, `412 ms`, `27.6 s`, `4 m 05 s`, `3 h 12 m`, `2 d 4 h`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return formatDuration(0);
  // Whole milliseconds is the resolution of most of our times: nothing measured means less than one.
  if (durationMs === 0) return '<1 ms';
  if (durationMs < 999.5) return `${threeDigits(durationMs)} ms`;
  const seconds = durationMs / 1_000;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  return longDuration(Math.round(seconds));
}

/** How long ago something was, no finer than a tenth of a second, since it is read while it grows: `0.2 s`. */
export function formatAge(ageMs: number): string {
  return ageMs < 59_950 ? `${(Math.max(0, ageMs) / 1_000).toFixed(1)} s` : formatDuration(ageMs);
}

function longDuration(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Whole numbers stay whole; the rest gets as many decimals as three significant digits need. */
function threeDigits(value: number): string {
  if (Number.isInteger(value)) return String(value);
  if (value < 0.001) return value.toExponential(1);
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(value)));
  return value.toFixed(Math.min(decimals, 5));
}
