// Counts, rates, shares, CPU and memory as text. Digits are grouped with a comma in both languages.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export const formatCount = (value: number): string => whole.format(value);

/** `0`, `0.4`, `31`, `12.4 k` */
export function formatRate(perS: number): string {
  if (perS >= 9_950) return `${(perS / 1_000).toFixed(1)} k`;
  if (perS >= 9.95 || perS === 0) return formatCount(perS);
  return perS.toFixed(1);
}

/** Share of a whole in percent, 0 where there is no whole. */
export const percentOf = (part: number, total: number): number => (total > 0 ? (part / total) * 100 : 0);

/** `92.3`, `0.0007`, `0` */
export function formatPercent(percent: number): string {
  if (percent === 0) return '0';
  if (percent >= 99.95) return formatCount(percent);
  if (percent >= 0.1) return percent.toFixed(1);
  return percent < 0.0001 ? '<0.0001' : String(Number(percent.toPrecision(1)));
}

/** Millicores as cores: `0.5`, `16`, `1,250`. */
export function formatCores(millicores: number): string {
  const cores = millicores / 1_000;
  if (cores >= 100) return formatCount(cores);
  return String(Number(cores.toFixed(cores < 1 ? 2 : 1)));
}

/** MiB with the unit that reads best: `512 MiB`, `6 GiB`, `1.5 TiB`. */
export function formatMemory(mebibytes: number): string {
  const scaled = (value: number) => (value >= 100 ? formatCount(value) : String(Number(value.toFixed(1))));
  if (mebibytes < 1_024) return `${formatCount(mebibytes)} MiB`;
  if (mebibytes < 1_024 * 1_024) return `${scaled(mebibytes / 1_024)} GiB`;
  return `${scaled(mebibytes / 1_024 / 1_024)} TiB`;
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `0 B`, `812 KiB`, `4.2 GiB`, `310 GiB` */
export function formatBytes(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1_024 ** step;
  const text = value >= 100 || step === 0 ? formatCount(value) : String(Number(value.toFixed(1)));
  return `${text} ${byteUnits[step] ?? ''}`;
}

/** Counts that are looked at rather than read: `812`, `41 k`, `3.2 M`. */
export function formatRoughCount(count: number): string {
  if (count < 10_000) return formatCount(count);
  if (count < 999_500) return `${formatCount(count / 1_000)} k`;
  return `${String(Number((count / 1_000_000).toFixed(count < 99_950_000 ? 1 : 0)))} M`;
}
