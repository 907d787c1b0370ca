// What a journal file holds: the newest good snapshot and the rows after it, each checked before anyone believes it.
// Runs on the journal's thread. A torn last row is cut; damage before it is refused, since replay would lie.
import { dirname } from 'node:path';
import { snapshotEveryBytes } from '../protocol/limits.ts';
import { bytesIn, numberIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import type { StorageFault } from '../sqlite/fault.ts';
import { inTransaction } from '../sqlite/open.ts';
import {
  type BadRow,
  badRowInWords,
  faultOfPruned,
  isAnchoredInMeta,
  type Walk,
  walkRows,
} from './rowWalk.ts';
import { faultOfSnapshot, partsGiven, type SnapshotHead, snapshotHeads } from './snapshotReader.ts';
import type { Found } from './threadMessages.ts';

export interface Recovered {
  readonly found: Found;
  readonly snapshot: SnapshotHead | undefined;
  /** Numbers of snapshots that are damaged. */
  readonly badSnapshots: readonly number[];
  /** Chain hash of the last row. */
  readonly chain: Uint8Array;
}
export type Recovery =
  { readonly ok: true; readonly value: Recovered } | { readonly ok: false; readonly reason: StorageFault };

/** Told how many bytes of how many are read and checked. */
export type OnChecking = (done: number, total: number) => void;

/** What a start would find; nothing is changed by looking. */
export interface Examined {
  readonly snapshot: SnapshotHead | undefined;
  readonly badSnapshots: readonly BadSnapshot[];
  /** The rows that a start would replay. */
  readonly walk: Walk;
  /** The last row, where a write of it did not end: a start cuts it. */
  readonly torn: BadRow | undefined;
  readonly prunedFault: string | undefined;
  /** Why a start is refused. */
  readonly fault: StorageFault | undefined;
}

export function examine(database: Database, path: string, onChecking: OnChecking): Examined {
  const progress = new Progress(database, onChecking);
  const { snapshot, bad } = newestGoodSnapshot(database, progress.add);
  const walk = walkRows(database, snapshot?.sequence ?? 0, {
    onRow: (row) => {
      progress.add(row.payload.byteLength);
    },
  });
  const prunedFault = faultOfPruned(database);
  const torn = tornTail(walk);
  const fault =
    faultOfWalk(walk, torn, { path, prunedFault }) ??
    faultOfStart(walk, snapshot?.sequence, { path, bad: bad.map(({ said }) => said) }) ??
    faultOfPages(database, path);
  return { snapshot, badSnapshots: bad, walk, torn, prunedFault, fault };
}

export function recover(database: Database, path: string, onChecking: OnChecking): Recovery {
  const examined = examine(database, path, onChecking);
  const { snapshot, walk, torn, fault } = examined;
  if (fault) return { ok: false, reason: fault };
  if (torn) cutRow(database, torn.id);
  const found: Found = {
    ...(snapshot && {
      snapshot: { sequence: snapshot.sequence, bytes: snapshot.bytes, parts: partsGiven(snapshot) },
    }),
    notices: [...noticesOf(examined), ...noticesOfSize(database, path)],
    tornTail: torn !== undefined,
    lastSequence: Math.max(snapshot?.sequence ?? 0, walk.last),
    afterId: walk.afterId,
    lastId: walk.lastId,
    rows: count(database, 'SELECT count(*) AS n FROM row'),
    bytes: walk.bytes,
  };
  const badSnapshots = examined.badSnapshots.map(({ sequence }) => sequence);
  return { ok: true, value: { found, snapshot, badSnapshots, chain: walk.chain } };
}

/** What is wrong and does not keep a start from being, in words. */
export const noticesOf = ({ badSnapshots, prunedFault, torn }: Examined): readonly string[] => [
  ...badSnapshots.map(({ said }) => said),
  ...(prunedFault === undefined ? [] : [`${prunedFault}: it is not needed, and will be written anew`]),
  ...(torn ? [`cut off: ${badRowInWords(torn)}`] : []),
];

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

export interface BadSnapshot {
  readonly sequence: number;
  readonly said: string;
}

export function newestGoodSnapshot(
  database: Database,
  onBytes: (bytes: number) => void,
): { readonly snapshot: SnapshotHead | undefined; readonly bad: readonly BadSnapshot[] } {
  const bad: BadSnapshot[] = [];
  for (const head of snapshotHeads(database)) {
    const said = faultOfSnapshot(database, head, onBytes);
    if (said === undefined) return { snapshot: head, bad };
    bad.push({ sequence: head.sequence, said });
  }
  return { snapshot: undefined, bad };
}

/** The last row, where a write of it did not end: nobody was told that it is durable. */
const tornTail = ({ bad }: Walk): BadRow | undefined =>
  bad?.isNewest && bad.fault.kind === 'torn' ? bad : undefined;

function faultOfWalk(
  walk: Walk,
  torn: BadRow | undefined,
  { path, prunedFault }: { readonly path: string; readonly prunedFault: string | undefined },
): StorageFault | undefined {
  const { bad } = walk;
  if (bad?.fault.kind === 'newer')
    return {
      cause: 'newer',
      message: `${path}: ${badRowInWords(bad)}: start the newer Millrace, nothing was changed`,
    };
  if (prunedFault !== undefined && isAnchoredInMeta(walk)) return damaged(path, prunedFault);
  return bad && !torn ? damaged(path, badRowInWords(bad)) : undefined;
}

/** The rows must go on where the snapshot ends, or with batch 1. */
function faultOfStart(
  walk: Walk,
  snapshotAt: number | undefined,
  { path, bad }: { readonly path: string; readonly bad: readonly string[] },
): StorageFault | undefined {
  const start = walk.first ?? walk.last + 1;
  if (start <= (snapshotAt ?? 0) + 1) return undefined;
  const why = bad.length > 0 ? ` (${bad.join('; ')})` : '';
  return damaged(path, `batches ${(snapshotAt ?? 0) + 1} to ${start - 1} are missing${why}`);
}

/**
 * Where a page says that it holds fewer rows than it does, those at the end are missed by every walk, and no
 * chain tells. SQLite finds it by the room of the page: 0.3 ms for each MB, half of what the walk takes.
 */
function faultOfPages(database: Database, path: string): StorageFault | undefined {
  const said = Object.values(database.prepare(`PRAGMA quick_check('row')`).get() ?? {})[0];
  return said === 'ok'
    ? undefined
    : damaged(path, `a page of its rows: ${String(said).replaceAll('\n', ' ')}`);
}

function cutRow(database: Database, id: number): void {
  inTransaction(database, () => {
    database.prepare('INSERT INTO cut SELECT * FROM row WHERE id = ?').run(id);
    database.prepare('DELETE FROM row WHERE id = ?').run(id);
  });
}

const damaged = (path: string, what: string): StorageFault => ({
  cause: 'damaged',
  message:
    `${path} is damaged: ${what}; nothing was cut. Keep a copy of the folder, look at it with ` +
    `"millrace journal verify --data ${dirname(path)}", then run "millrace journal repair --data ${dirname(path)}" ` +
    'or restore a backup',
});

/** A file of an older version cannot give room back to the disk. */
function noticesOfSize(database: Database, path: string): readonly string[] {
  const pragma = (name: string): number =>
    Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const freeBytes = pragma('freelist_count') * pragma('page_size');
  if (pragma('auto_vacuum') !== 0 || freeBytes <= snapshotEveryBytes) return [];
  return [
    `${path} holds ${Math.round(freeBytes / 2 ** 20)} MiB of free room and cannot shrink, since an older version ` +
      'made it: new rows use that room; a backup of it, restored, is small',
  ];
}

const count = (database: Database, sql: string): number => numberIn(database.prepare(sql).get() ?? {}, 'n');

/** Bytes between two reports: 10 to 20 ms of reading. */
const reportEveryBytes = 16 * 1024 * 1024;

class Progress {
  readonly #total: number;
  readonly #onChecking: OnChecking;
  #done = 0;
  #said = 0;

  constructor(database: Database, onChecking: OnChecking) {
    this.#onChecking = onChecking;
    const newest = snapshotHeads(database)[0];
    const after = 'SELECT coalesce(sum(length(payload)), 0) AS n FROM row WHERE last > ';
    this.#total = (newest?.bytes ?? 0) + count(database, `${after}${newest?.sequence ?? 0}`);
  }

  readonly add = (bytes: number): void => {
    this.#done += bytes;
    if (this.#done - this.#said < reportEveryBytes) return;
    this.#said = this.#done;
    // A damaged snapshot makes more to read than was expected.
    this.#onChecking(this.#done, Math.max(this.#done, this.#total));
  };
}
