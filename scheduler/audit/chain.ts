// How entries hang together: each has the hash of the one before, so that none can be changed without the rest.
import { createHash } from 'node:crypto';
import type { AuditEntry } from '../protocol/audit.ts';

export type Unsealed = Omit<AuditEntry, 'hash'>;

/** JSON with the names of each object in order: the same entry has the same text wherever it is made. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`);
  return `{${parts.join(',')}}`;
}

/** `text`: canonical JSON of an entry without its hash. */
export const hashOf = (previous: string, text: string): string =>
  createHash('sha256').update(previous).update(text).digest('hex');

/** An entry as the file holds it: its text, and beside it what it is found by. */
export interface StoredRow {
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly outcome: string;
  readonly entry: string;
  readonly hash: string;
}

export function rowOf(unsealed: Unsealed): StoredRow {
  const { seq, atMs, actor, action, outcome, previous } = unsealed;
  const entry = canonicalJson(unsealed);
  return { seq, atMs, actor, action, outcome, entry, hash: hashOf(previous, entry) };
}

/** Only for rows that `faultOfRow` finds nothing wrong with, or for people who want to see them all the same. */
export const entryOf = ({ entry, hash }: Pick<StoredRow, 'entry' | 'hash'>): AuditEntry => ({
  ...(JSON.parse(entry) as Unsealed),
  hash,
});

/** What is wrong with a row that should come after one of this number and hash; undefined: nothing. */
export function faultOfRow(
  row: StoredRow,
  before: { readonly seq: number; readonly hash: string },
): string | undefined {
  if (row.seq !== before.seq + 1)
    return `entry ${before.seq + 1} is missing: entry ${row.seq} comes after ${before.seq}`;
  if (hashOf(before.hash, row.entry) !== row.hash)
    return `entry ${row.seq} is not what was written: its hash does not fit`;
  const said = readEntry(row.entry);
  if (said === undefined) return `entry ${row.seq} cannot be read`;
  if (said.previous !== before.hash) return `entry ${row.seq} does not follow entry ${before.seq}`;
  const columns = ['seq', 'atMs', 'actor', 'action', 'outcome'] as const;
  const changed = columns.find((name) => said[name] !== row[name]);
  if (changed !== undefined)
    return `entry ${row.seq} is found by another ${changed} than it was written with`;
  return undefined;
}

function readEntry(text: string): Partial<Unsealed> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
