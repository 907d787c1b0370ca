// Walks the rows of a journal in order and checks each against the one before, up to the first that is not good.
import { bytesIn, numberIn, numberOrNothingIn, type Row } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { isDamage } from '../sqlite/fault.ts';
import { type Pruned, sealOfPruned } from './pruned.ts';
import { chainStart, faultOfRow, type Range, type RowFault, type StoredRow } from './record.ts';

export interface BadRow extends Range {
  readonly id: number;
  readonly fault: RowFault;
  /** No row has a larger id. */
  readonly isNewest: boolean;
}
/** How far the rows are good. */
export interface Walk {
  /** Number of the first batch in the rows walked; undefined where there is no row. */
  first: number | undefined;
  last: number;
  /** The rows walked begin after this id and end with `lastId`. */
  afterId: number;
  lastId: number;
  chain: Uint8Array;
  rows: number;
  bytes: number;
  /** The first that is not good: the walk ends before it. */
  bad?: BadRow;
}
export interface WalkOptions {
  /** True: what the first row follows is not known any more, so its own seal must do. */
  readonly isUnanchored?: boolean;
  readonly onRow: (row: StoredRow) => void;
}

/** Checks every row that holds a batch after `sequence`. */
export function walkRows(database: Database, sequence: number, options: WalkOptions): Walk {
  const walk = walkStart(database, sequence);
  const newestId = numberIn(database.prepare('SELECT coalesce(max(id), 0) AS n FROM row').get() ?? {}, 'n');
  const rows = database
    .prepare('SELECT id, first, last, crc, chain, payload FROM row WHERE id > ? ORDER BY id')
    .iterate(walk.afterId);
  try {
    for (const found of rows) {
      const row = storedRow(found);
      const fault = faultInWalk(row, walk, options);
      if (fault) {
        const { id, first, last } = row;
        walk.bad = { id, first, last, fault, isNewest: id === newestId };
        break;
      }
      take(row, walk);
      options.onRow(row);
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    walk.bad = unreadable(walk, error);
  }
  return walk;
}

function take(row: StoredRow, walk: Walk): void {
  walk.first ??= row.first;
  walk.last = row.last;
  walk.lastId = row.id;
  walk.chain = row.chain;
  walk.rows += 1;
  walk.bytes += row.payload.byteLength;
}

/** Damage that SQLite itself sees: the row after the last good one cannot be had. */
function unreadable(walk: Walk, error: unknown): BadRow {
  const why = error instanceof Error ? error.message : String(error);
  const message = `the file cannot be read from there on (${why})`;
  const next = { id: walk.lastId + 1, first: walk.last + 1, last: walk.last + 1 };
  return { ...next, fault: { kind: 'damaged', message }, isNewest: false };
}

/** `row 3 (batches 3 to 7): its checksum does not match` */
export const badRowInWords = ({ id, first, last, fault }: BadRow): string =>
  `row ${id} (batches ${first} to ${last}): ${fault.message}`;

/** What is wrong with the entry that says up to where rows were pruned; undefined: nothing, or there is none. */
export function faultOfPruned(database: Database): string | undefined {
  const entry = prunedIn(database);
  if (!entry) return undefined;
  // A file of the first version has no such column.
  const crc = 'crc' in entry ? numberOrNothingIn(entry, 'crc') : undefined;
  const last = numberIn(entry, 'number');
  const isGood = crc === undefined || crc === sealOfPruned({ last, chain: bytesIn(entry, 'bytes') });
  return isGood ? undefined : 'entry "pruned" of table meta: its checksum does not match';
}

/** Up to which batch rows were pruned, and the chain hash that the next one follows. */
export function prunedChain(database: Database): Pruned | undefined {
  const entry = prunedIn(database);
  return entry && { last: numberIn(entry, 'number'), chain: bytesIn(entry, 'bytes') };
}

const prunedIn = (database: Database): Row | undefined =>
  database.prepare(`SELECT * FROM meta WHERE key = 'pruned'`).get();

/** Where the rows after `sequence` begin, and the chain hash they follow. */
function walkStart(database: Database, sequence: number): Walk {
  const base = prunedIn(database);
  // Upwards from the oldest: a damaged number in the newest row must not make older rows look covered.
  const next = database.prepare('SELECT id FROM row WHERE last > ? ORDER BY id LIMIT 1').get(sequence);
  const before = database
    .prepare('SELECT id, last, chain FROM row WHERE id < ? ORDER BY id DESC LIMIT 1')
    .get(next ? numberIn(next, 'id') : Number.MAX_SAFE_INTEGER);
  const afterId = before ? numberIn(before, 'id') : 0;
  const chain = before ? bytesIn(before, 'chain') : base ? bytesIn(base, 'bytes') : chainStart;
  const last = before ? numberIn(before, 'last') : base ? numberIn(base, 'number') : 0;
  return { first: undefined, last, afterId, lastId: afterId, chain, rows: 0, bytes: 0 };
}

/** True where what the first row follows is taken from the entry of what was pruned. */
export const isAnchoredInMeta = (walk: Walk): boolean => walk.afterId === 0;

function faultInWalk(row: StoredRow, walk: Walk, options: WalkOptions): RowFault | undefined {
  const fault = faultOfRow(row, walk.chain);
  if (fault?.kind === 'chain' && walk.rows === 0 && options.isUnanchored) return gapBefore(row, walk);
  return fault ?? gapBefore(row, walk);
}

/** Ids count without gaps too: one that changed would hide rows from a read by id. */
function gapBefore(row: StoredRow, walk: Walk): RowFault | undefined {
  if (walk.lastId !== 0 && row.id !== walk.lastId + 1)
    return { kind: 'damaged', message: `it comes after row ${walk.lastId}` };
  if (walk.first === undefined || row.first === walk.last + 1) return undefined;
  return {
    kind: 'damaged',
    message: `it begins with batch ${row.first}, where ${walk.last + 1} must follow`,
  };
}

function storedRow(row: Row): StoredRow {
  return {
    id: numberIn(row, 'id'),
    first: numberIn(row, 'first'),
    last: numberIn(row, 'last'),
    crc: numberIn(row, 'crc'),
    chain: bytesIn(row, 'chain'),
    payload: bytesIn(row, 'payload'),
  };
}
