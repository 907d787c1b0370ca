// Round numbers for an axis that starts at zero.

/** At most five ticks from 0 to at least `max`, at 1, 2 or 5 times a power of ten. */
export function axisTicks(max: number): readonly number[] {
  const least = Math.max(max, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((wide) => wide >= least) ?? least;
  const count = Math.max(1, Math.ceil(Math.max(max, 1) / step));
  return Array.from({ length: count + 1 }, (_, at) => at * step);
}
