// Units that people type numbers in, and which of them suits a number.

export interface Unit {
  readonly id: string;
  /** How many of the smallest unit. */
  readonly factor: number;
}
export const byteUnits: readonly [Unit, ...Unit[]] = [
  { id: 'mib', factor: 1_024 ** 2 },
  { id: 'gib', factor: 1_024 ** 3 },
  { id: 'tib', factor: 1_024 ** 4 },
];
export const countUnits: readonly [Unit, ...Unit[]] = [
  { id: 'one', factor: 1 },
  { id: 'thousand', factor: 1_000 },
  { id: 'million', factor: 1_000_000 },
];
export const hourUnits: readonly [Unit, ...Unit[]] = [
  { id: 'hours', factor: 1 },
  { id: 'days', factor: 24 },
];

/** Of milliseconds. */
export const timeUnits: readonly [Unit, ...Unit[]] = [
  { id: 'seconds', factor: 1_000 },
  { id: 'minutes', factor: 60_000 },
  { id: 'hours', factor: 3_600_000 },
  { id: 'days', factor: 86_400_000 },
];

/** Of millicores. */
export const coreUnits: readonly [Unit, ...Unit[]] = [
  { id: 'millicores', factor: 1 },
  { id: 'cores', factor: 1_000 },
];
/** Of MiB. */
export const memoryUnits: readonly [Unit, ...Unit[]] = [
  { id: 'mib', factor: 1 },
  { id: 'gib', factor: 1_024 },
  { id: 'tib', factor: 1_024 ** 2 },
];
/** Of thousandths of a GPU. */
export const deviceUnits: readonly [Unit, ...Unit[]] = [
  { id: 'thousandths', factor: 1 },
  { id: 'devices', factor: 1_000 },
];

/** The largest in which the number is whole, or has one digit behind the point; the second one for no number. */
export function fittingUnit(value: number | undefined, units: readonly Unit[]): Unit {
  const first = units[0] ?? { id: 'one', factor: 1 };
  if (value === undefined || value === 0) return units[1] ?? first;
  const isShort = ({ factor }: Unit) => value >= factor && Number.isInteger((value * 10) / factor);
  return units.findLast(isShort) ?? first;
}
