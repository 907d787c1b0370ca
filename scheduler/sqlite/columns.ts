// Reads columns of a result row with their type checked, since SQLite itself would store anything anywhere.
import type { SQLOutputValue } from 'node:sqlite';

/** A value of another type than we ever write there. Counts as SQLITE_CORRUPT, which cannot see it. */
class DamagedColumn extends Error {
  readonly errcode = 11;
}

export type Row = Readonly<Record<string, SQLOutputValue>>;

export function numberIn(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new DamagedColumn(`column ${column} holds no number`);
  return value;
}

export function textIn(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new DamagedColumn(`column ${column} holds no text`);
  return value;
}

export function bytesIn(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw new DamagedColumn(`column ${column} holds no bytes`);
  return value;
}

/** Undefined where the column is NULL. */
export function numberOrNothingIn(row: Row, column: string): number | undefined {
  return row[column] === null ? undefined : numberIn(row, column);
}
