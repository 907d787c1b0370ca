// What a journal file holds: the newest good snapshot and the rows after it, each checked before anyone believes it.
// Runs on the journal's thread. A torn last row is cut; damage before it is refused, since replay would lie.
import { type Database } from '../sqlite/driver.ts';
import { bytesIn, numberIn, type Row } from '../sqlite/columns.ts';
import type { StorageFault } from '../sqlite/fault.ts';
import { inTransaction } from '../sqlite/open.ts';
import { chainStart, checksum, faultOfRow, type RowFault, type StoredRow } from './record.ts';
import type { Found } from './threadMessages.ts';

interface Recovered {
  readonly found: Found;
  /** Chain hash of the last row. */
  readonly chain: Uint8Array;
}
export type Recovery =
  { readonly ok: true; readonly value: Recovered } | { readonly ok: false; readonly reason: StorageFault };

export function recover(database: Database, path: string): Recovery {
  const { snapshot, bad } = newestGoodSnapshot(database);
  const walked = walkRows(database, snapshot?.sequence ?? 0, path);
  if (!walked.ok) return walked;
  const { value: walk } = walked;
  const gap = faultOfStart(walk, snapshot?.sequence, { path, bad });
  if (gap) return { ok: false, reason: gap };
  if (walk.torn) cutRow(database, walk.torn.id);
  const found: Found = {
    ...(snapshot && { snapshot }),
    badSnapshots: bad,
    ...(walk.torn && { tornTail: walk.torn.message }),
    lastSequence: Math.max(snapshot?.sequence ?? 0, walk.last),
    afterId: walk.afterId,
    lastId: walk.lastId,
    rows: count(database, 'SELECT count(*) AS n FROM row'),
    bytes: walk.bytes,
  };
  return { ok: true, value: { found, chain: walk.chain } };
}

/** Rows after `afterId` up to `lastId`, whole rows until `bytesMax` is reached; at least one where there is one. */
export function readRows(database: Database, ids: { afterId: number; lastId: number }, bytesMax: number) {
  const payloads: string[] = [];
  let lastId = ids.afterId;
  let bytes = 0;
  const rows = database
    .prepare('SELECT id, payload FROM row WHERE id > ? AND id <= ? ORDER BY id')
    .iterate(ids.afterId, ids.lastId);
  for (const row of rows) {
    const payload = bytesIn(row, 'payload');
    payloads.push(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
    lastId = numberIn(row, 'id');
    bytes += payload.byteLength;
    if (bytes >= bytesMax) break;
  }
  return { payloads, lastId };
}

interface Snapshot {
  readonly sequence: number;
  readonly parts: readonly string[];
}

function newestGoodSnapshot(database: Database): { snapshot: Snapshot | undefined; bad: string[] } {
  const bad: string[] = [];
  const heads = database.prepare('SELECT sequence, parts, crc FROM snapshot ORDER BY sequence DESC').all();
  for (const head of heads) {
    const sequence = numberIn(head, 'sequence');
    const parts = readParts(database, head);
    if (parts) return { snapshot: { sequence, parts }, bad };
    bad.push(`snapshot ${sequence} is damaged: its checksum does not match`);
  }
  return { snapshot: undefined, bad };
}

/** The texts of a snapshot, or undefined where a part is missing or changed. */
function readParts(database: Database, head: Row): string[] | undefined {
  const parts: string[] = [];
  let crc = 0;
  const rows = database
    .prepare('SELECT payload FROM snapshot_part WHERE sequence = ? ORDER BY part')
    .iterate(numberIn(head, 'sequence'));
  for (const row of rows) {
    const bytes = bytesIn(row, 'payload');
    crc = checksum(bytes, crc);
    parts.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  }
  return parts.length === numberIn(head, 'parts') && crc === numberIn(head, 'crc') ? parts : undefined;
}

/** How far the rows are good. */
interface Walk {
  /** Number of the first batch in the rows walked; undefined where there is no row. */
  first: number | undefined;
  last: number;
  afterId: number;
  lastId: number;
  chain: Uint8Array;
  bytes: number;
  torn?: { readonly id: number; readonly message: string };
}

/** Checks every row that holds a batch after `sequence`. */
function walkRows(
  database: Database,
  sequence: number,
  path: string,
): { ok: true; value: Walk } | { ok: false; reason: StorageFault } {
  const walk = walkStart(database, sequence);
  const newestId = count(database, 'SELECT coalesce(max(id), 0) AS n FROM row');
  const rows = database
    .prepare('SELECT id, first, last, crc, chain, payload FROM row WHERE id > ? ORDER BY id')
    .iterate(walk.afterId);
  for (const found of rows) {
    const row = storedRow(found);
    const fault = faultOfRow(row, walk.chain);
    if (fault?.kind === 'torn' && row.id === newestId) {
      walk.torn = {
        id: row.id,
        message: `row ${row.id} (batches ${row.first} to ${row.last}): ${fault.message}`,
      };
      break;
    }
    const certain = fault ?? gapBefore(row, walk);
    if (certain) return { ok: false, reason: faultInRow(row, certain, path) };
    walk.first ??= row.first;
    walk.last = row.last;
    walk.lastId = row.id;
    walk.chain = row.chain;
    walk.bytes += row.payload.byteLength;
  }
  return { ok: true, value: walk };
}

/** Where the rows after `sequence` begin, and the chain hash they follow. */
function walkStart(database: Database, sequence: number): Walk {
  const base = database.prepare('SELECT number, bytes FROM meta WHERE key = ?').get('pruned');
  // Upwards from the oldest: a damaged number in the newest row must not make older rows look covered.
  const next = database.prepare('SELECT id FROM row WHERE last > ? ORDER BY id LIMIT 1').get(sequence);
  const before = database
    .prepare('SELECT id, last, chain FROM row WHERE id < ? ORDER BY id DESC LIMIT 1')
    .get(next ? numberIn(next, 'id') : Number.MAX_SAFE_INTEGER);
  const afterId = before ? numberIn(before, 'id') : 0;
  const chain = before ? bytesIn(before, 'chain') : base ? bytesIn(base, 'bytes') : chainStart;
  const last = before ? numberIn(before, 'last') : base ? numberIn(base, 'number') : 0;
  return { first: undefined, last, afterId, lastId: afterId, chain, bytes: 0 };
}

/** The rows must go on where the snapshot ends, or with batch 1. */
function faultOfStart(
  walk: Walk,
  snapshotAt: number | undefined,
  { path, bad }: { path: string; bad: readonly string[] },
): StorageFault | undefined {
  const start = walk.first ?? walk.last + 1;
  if (start <= (snapshotAt ?? 0) + 1) return undefined;
  const why = bad.length > 0 ? ` (${bad.join('; ')})` : '';
  return damaged(path, `batches ${(snapshotAt ?? 0) + 1} to ${start - 1} are missing${why}`);
}

function cutRow(database: Database, id: number): void {
  inTransaction(database, () => {
    database.prepare('INSERT INTO cut SELECT * FROM row WHERE id = ?').run(id);
    database.prepare('DELETE FROM row WHERE id = ?').run(id);
  });
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

/** Ids count without gaps too: one that changed would hide rows from a read by id. */
function gapBefore(row: StoredRow, walk: Walk): RowFault | undefined {
  if (walk.lastId !== 0 && row.id !== walk.lastId + 1)
    return { kind: 'torn', message: `it comes after row ${walk.lastId}` };
  if (walk.first === undefined || row.first === walk.last + 1) return undefined;
  return {
    kind: 'torn',
    message: `it begins with batch ${row.first}, where ${walk.last + 1} must follow`,
  };
}

function faultInRow(row: StoredRow, fault: RowFault, path: string): StorageFault {
  const what = `row ${row.id} (batches ${row.first} to ${row.last}): ${fault.message}`;
  if (fault.kind === 'torn') return damaged(path, what);
  return { cause: 'newer', message: `${path}: ${what}: start the newer Millrace, nothing was changed` };
}

const damaged = (path: string, what: string): StorageFault => ({
  cause: 'damaged',
  message: `${path} is damaged: ${what}; keep a copy of the file, then restore a backup or choose another data folder`,
});

const count = (database: Database, sql: string): number => numberIn(database.prepare(sql).get() ?? {}, 'n');
