// Reads the chain from its oldest entry to its newest and names the first row that is not as it was written.
import { type AuditFault, firstPrevious } from '../protocol/audit.ts';
import { numberIn, type Row, textIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { faultOfRow, type StoredRow } from './chain.ts';
import type { Head } from './head.ts';

export const rowColumns = 'seq, at_ms, actor, action, outcome, entry, hash';
/** Rows read in one turn: about 20 ms. */
const rowsPerTurn = 2_000;

export const storedRow = (row: Row): StoredRow => ({
  seq: numberIn(row, 'seq'),
  atMs: numberIn(row, 'at_ms'),
  actor: textIn(row, 'actor'),
  action: textIn(row, 'action'),
  outcome: textIn(row, 'outcome'),
  entry: textIn(row, 'entry'),
  hash: textIn(row, 'hash'),
});

export interface Checked {
  readonly done: number;
  readonly total: number;
  readonly last: Head;
  readonly fault?: AuditFault;
  /** Entries that tell of damage found at a start. */
  readonly found: number;
}

/** Names of entries that the trail writes about itself. */
export const ownActions = { damaged: 'audit_damaged', gap: 'audit_gap', pruned: 'audit_pruned' } as const;

/**
 * Checks what is there at its beginning; yields how far it is and ends with the whole. `head`: read before the rows
 * are. What cannot be noticed: whoever may write both files can make a new chain. A hash kept elsewhere proves that.
 */
export function* verifyRows(database: Database, head: Head | undefined): Generator<Checked, Checked> {
  const ends = database.prepare('SELECT min(seq) AS first, max(seq) AS last FROM entry').get() ?? {};
  const newest = ends['last'] === null ? 0 : numberIn(ends, 'last');
  const first = ends['first'] === null ? 1 : numberIn(ends, 'first');
  const total = newest === 0 ? 0 : newest - first + 1;
  const start = startOf(database, first);
  let { last } = start;
  let done = 0;
  let found = 0;
  const so = (fault?: AuditFault): Checked => ({ done, total, last, found, ...(fault && { fault }) });
  if (start.fault) return so(start.fault);
  const read = database.prepare(
    `SELECT ${rowColumns} FROM entry WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${rowsPerTurn}`,
  );
  for (;;) {
    const rows = read.all(last.seq, newest).map(storedRow);
    for (const row of rows) {
      const message = faultOfRow(row, last) ?? faultAtHead(row, head);
      if (message !== undefined) return so({ seq: Math.min(row.seq, last.seq + 1), message });
      last = { seq: row.seq, hash: row.hash };
      done += 1;
      if (row.action === ownActions.damaged) found += 1;
    }
    if (rows.length < rowsPerTurn) break;
    yield so();
  }
  return so(faultOfEnd(last, head));
}

function faultAtHead({ seq, hash }: StoredRow, head: Head | undefined): string | undefined {
  if (head?.seq !== seq || head.hash === hash) return undefined;
  return `entry ${seq} is another one than audit.head names: the trail was made anew`;
}

export function faultOfEnd(last: Head, head: Head | undefined): AuditFault | undefined {
  if (head === undefined) {
    if (last.seq === 0) return undefined;
    return {
      seq: 0,
      message: 'audit.head is missing or damaged: whether the end was cut off cannot be told',
    };
  }
  if (head.seq <= last.seq) return undefined;
  const message = `the end is cut off: entry ${last.seq} is the newest, and audit.head names ${head.seq}`;
  return { seq: last.seq + 1, message };
}

/** What the oldest entry has to follow: nothing, or what the trail itself says it has let go of. */
function startOf(database: Database, first: number): { readonly last: Head; readonly fault?: AuditFault } {
  if (first === 1) return { last: { seq: 0, hash: firstPrevious } };
  const told = database
    .prepare(`SELECT entry FROM entry WHERE action = ? ORDER BY seq DESC LIMIT 1`)
    .get(ownActions.pruned);
  const last = told && prunedIn(textIn(told, 'entry'));
  if (last?.seq === first - 1) return { last };
  const message = `entries before ${first} are missing, and the trail does not say that it let them go`;
  return { last: { seq: 0, hash: firstPrevious }, fault: { seq: first - 1, message } };
}

function prunedIn(entry: string): Head | undefined {
  const { details } = JSON.parse(entry) as { details?: { throughSeq?: unknown; throughHash?: unknown } };
  const { throughSeq: seq, throughHash: hash } = details ?? {};
  return typeof seq === 'number' && typeof hash === 'string' ? { seq, hash } : undefined;
}
