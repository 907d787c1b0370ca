// The reading end of audit.db: pages by filter, and what filters can be chosen from.
import type { AuditEntry, AuditFilter, AuditPage } from '../protocol/audit.ts';
import { auditFacetsMax } from '../protocol/auditLimits.ts';
import { numberIn, textIn } from '../sqlite/columns.ts';
import type { Database, Statement } from '../sqlite/driver.ts';
import { entryOf, type StoredRow } from './chain.ts';
import { rowColumns, storedRow } from './verify.ts';

export interface ListAsks {
  readonly filter: AuditFilter;
  readonly before?: number;
  readonly limit: number;
}
/** A page is given as it is after so long: the screen asks for the next one. */
const pageBudgetMs = 120;
/** Numbers looked at by one statement: some 10 ms where each entry's text has to be read. */
const stepRows = 10_000;
/** The texts of a page together: entries with many targets make it shorter. */
const pageBytesMax = 1024 * 1024;

interface Condition {
  readonly sql: string;
  readonly values: readonly string[];
}

export function listEntries(database: Database, { filter, before, limit }: ListAsks): AuditPage {
  const startedMs = performance.now();
  const entries: AuditEntry[] = [];
  let bytes = 0;
  const steps = walkRows(database, filter, before);
  for (;;) {
    const step = steps.next();
    if (step.done) return { entries, tookMs: performance.now() - startedMs };
    for (const row of step.value.rows) {
      entries.push(entryOf(row));
      bytes += row.entry.length;
      if (entries.length >= limit || bytes >= pageBytesMax)
        return { entries, nextBefore: row.seq, tookMs: performance.now() - startedMs };
    }
    const tookMs = performance.now() - startedMs;
    if (tookMs > pageBudgetMs) return { entries, nextBefore: step.value.down, tookMs };
  }
}

/** Newest first, in steps: the rows that match, and the number down to which all were looked at. */
export function* walkRows(
  database: Database,
  filter: AuditFilter,
  before?: number,
): Generator<{ readonly rows: readonly StoredRow[]; readonly down: number }> {
  const lastSeq = edgeSeq(database, 'DESC');
  const firstSeq = edgeSeq(database, 'ASC');
  const from = filter.sinceMs === undefined ? firstSeq : firstAt(database, filter.sinceMs);
  const until = filter.untilMs === undefined ? lastSeq + 1 : firstAt(database, filter.untilMs);
  let up = Math.min(before ?? Infinity, until);
  const { sql, values } = conditionsOf(filter);
  // An index finds the rows of a whole range at once; texts are read a step at a time.
  const isIndexed = filter.text === undefined;
  const rowsMax = isIndexed ? 500 : -1;
  const read = database.prepare(
    `SELECT ${rowColumns.replace(/(\w+)/g, 'e.$1')} FROM ${sql} AND e.seq < ? AND e.seq >= ? ` +
      `ORDER BY e.seq DESC LIMIT ${rowsMax}`,
  );
  while (up > from) {
    const down = isIndexed ? from : Math.max(from, up - stepRows);
    const rows = read.all(...values, up, down).map(storedRow);
    const isFull = isIndexed && rows.length === rowsMax;
    up = isFull ? (rows.at(-1)?.seq ?? down) : down;
    yield { rows, down: up };
  }
}

function conditionsOf({ actor, action, outcome, target, text }: AuditFilter): Condition {
  const values: string[] = [];
  const where: string[] = [];
  const add = (sql: string, value: string | undefined): void => {
    if (value === undefined) return;
    where.push(sql);
    values.push(value);
  };
  add('t.name = ?', target);
  add('e.actor = ?', actor);
  add('e.action = ?', action);
  add('e.outcome = ?', outcome);
  add(`e.entry LIKE ? ESCAPE '!'`, text === undefined ? undefined : `%${asTextOf(text)}%`);
  const from = target === undefined ? 'entry e' : 'target t CROSS JOIN entry e ON e.seq = t.seq';
  return { sql: `${from} WHERE ${where.length === 0 ? '1' : where.join(' AND ')}`, values };
}

/** As JSON has it, and without what LIKE would read as a sign. */
const asTextOf = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replace(/[!%_]/g, (sign) => `!${sign}`);

function edgeSeq(database: Database, order: 'ASC' | 'DESC'): number {
  const row = database.prepare(`SELECT seq FROM entry ORDER BY seq ${order} LIMIT 1`).get();
  return row ? numberIn(row, 'seq') : 0;
}

/** Number of the first entry at or after a time: times only grow, so halving finds it. */
function firstAt(database: Database, atMs: number): number {
  const timeOf: Statement = database.prepare('SELECT at_ms FROM entry WHERE seq = ?');
  let low = edgeSeq(database, 'ASC');
  let high = edgeSeq(database, 'DESC') + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = timeOf.get(middle);
    if (row && numberIn(row, 'at_ms') < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Different values of an indexed column, each found by one step through the index. */
export function facetsOf(database: Database, column: 'actor' | 'action'): readonly string[] {
  const next = database.prepare(`SELECT min(${column}) AS value FROM entry WHERE ${column} > ?`);
  const found: string[] = [];
  while (found.length < auditFacetsMax) {
    const row = next.get(found.at(-1) ?? '');
    if (!row || row['value'] === null) break;
    found.push(textIn(row, 'value'));
  }
  return found;
}

export function oldestAt(database: Database): number | undefined {
  const row = database.prepare('SELECT at_ms FROM entry ORDER BY seq LIMIT 1').get();
  return row && numberIn(row, 'at_ms');
}
