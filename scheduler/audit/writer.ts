// The writing end of audit.db: adds entries to the chain, lets the oldest go, and looks at the end of it at a start.
import { type AuditAct, firstPrevious } from '../protocol/audit.ts';
import { auditKeepMs } from '../protocol/auditLimits.ts';
import { ms } from '../protocol/brands.ts';
import { numberIn, type Row, textIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { inTransaction } from '../sqlite/open.ts';
import { entryOf, faultOfRow, rowOf, type StoredRow } from './chain.ts';
import { type Head, HeadFile, readHead } from './head.ts';
import { faultOfEnd, ownActions, rowColumns, storedRow } from './verify.ts';

export interface Recorded {
  readonly act: AuditAct;
  readonly atMs: number;
}
export interface Sizes {
  readonly firstSeq: number;
  readonly last: Head;
  readonly bytes: number;
}
/** What a start finds. */
export interface Found {
  readonly sizes: Sizes;
  /** What is wrong with the end of the trail, in words; it has been written down as an entry. */
  readonly damage?: string;
  /** The newest entry of the life before, and the version that its `host_started` names. */
  readonly lastAction?: string;
  readonly lastVersion?: string;
}

/** Rows let go of in one transaction: they are deleted in some 20 ms, and others wait no longer than that. */
const pruneRows = 2_000;
/** Entries between two looks at the bounds. */
const lookEvery = 1_000;

export class AuditWriter {
  readonly #database: Database;
  readonly #head: HeadFile;
  readonly #bytesMax: number;
  readonly #insert;
  readonly #insertTarget;
  #last: Head & { readonly atMs: number };
  #firstSeq: number;
  #sinceLook = lookEvery;

  constructor(database: Database, folder: string, bytesMax: number) {
    this.#database = database;
    this.#bytesMax = bytesMax;
    this.#insert = database.prepare(`INSERT INTO entry (${rowColumns}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
    this.#insertTarget = database.prepare('INSERT OR IGNORE INTO target (name, seq) VALUES (?, ?)');
    const newest = lastRow(database);
    this.#last = newest ?? { seq: 0, hash: firstPrevious, atMs: 0 };
    this.#firstSeq = firstSeqOf(database);
    this.#damage = newest ? faultOfNewest(database, newest, readHead(folder)) : faultOfNone(folder);
    this.#head = new HeadFile(folder);
  }
  readonly #damage: string | undefined;

  /** To be called once, before any append. */
  begin(atMs: number): Found {
    const newest = lastRow(this.#database);
    const started = this.#database
      .prepare(`SELECT entry, hash FROM entry WHERE action = 'host_started' ORDER BY seq DESC LIMIT 1`)
      .get();
    const version = started && entryOf(textsOf(started)).details?.['version'];
    const damage = this.#damage;
    if (damage !== undefined) this.append([{ act: ownAct(ownActions.damaged, { message: damage }), atMs }]);
    return {
      sizes: this.sizes(),
      ...(damage !== undefined && { damage }),
      ...(newest && { lastAction: newest.action }),
      ...(typeof version === 'string' && { lastVersion: version }),
    };
  }

  /** All of them durable, or none where it throws. */
  append(recorded: readonly Recorded[]): Sizes {
    const before = this.#last;
    try {
      inTransaction(this.#database, () => {
        for (const { act, atMs } of recorded) this.#add(act, atMs);
      });
    } catch (error) {
      this.#last = before;
      throw error;
    }
    this.#head.write(this.#last);
    this.#sinceLook += recorded.length;
    if (this.#sinceLook >= lookEvery) this.#keepBounds();
    return this.sizes();
  }

  sizes(): Sizes {
    const { seq, hash } = this.#last;
    return { firstSeq: seq === 0 ? 0 : this.#firstSeq, last: { seq, hash }, bytes: this.#bytes() };
  }

  close(): void {
    this.#head.close();
    this.#database.close();
  }

  #add(act: AuditAct, givenMs: number): void {
    const { seq, hash, atMs: beforeMs } = this.#last;
    // Times never go back, so that a time is found by halving.
    const atMs = ms(Math.max(givenMs, beforeMs));
    const row = rowOf({ ...act, seq: seq + 1, atMs, previous: hash });
    const { actor, action, outcome, entry } = row;
    this.#insert.run(row.seq, atMs, actor, action, outcome, entry, row.hash);
    for (const target of act.targets) this.#insertTarget.run(target, row.seq);
    this.#last = { seq: row.seq, hash: row.hash, atMs };
  }

  /** An entry says up to where, with the hash that the oldest one left has to follow. */
  #keepBounds(): void {
    const through = this.#database
      .prepare(`SELECT ${rowColumns} FROM entry WHERE seq < ? ORDER BY seq DESC LIMIT 1`)
      .get(Math.min(this.#firstSeq + pruneRows, this.#last.seq));
    const row = through && storedRow(through);
    const isBeyond = this.#bytes() > this.#bytesMax;
    if (!row || row.seq < this.#firstSeq || !(isBeyond || row.atMs < this.#last.atMs - auditKeepMs)) {
      this.#sinceLook = 0;
      return;
    }
    const before = this.#last;
    try {
      inTransaction(this.#database, () => {
        const details = { throughSeq: row.seq, throughHash: row.hash };
        this.#add(ownAct(ownActions.pruned, details), before.atMs);
        this.#forgetTargets(row.seq);
        this.#database.prepare('DELETE FROM entry WHERE seq <= ?').run(row.seq);
      });
    } catch (error) {
      this.#last = before;
      throw error;
    }
    this.#firstSeq = row.seq + 1;
    this.#head.write(this.#last);
    // More may be beyond the bounds: looked at again with the next append.
  }

  #forgetTargets(through: number): void {
    const forget = this.#database.prepare('DELETE FROM target WHERE name = ? AND seq = ?');
    const rows = this.#database.prepare('SELECT seq, entry, hash FROM entry WHERE seq <= ?').iterate(through);
    for (const row of rows)
      for (const target of entryOf(textsOf(row)).targets) forget.run(target, numberIn(row, 'seq'));
  }

  /** Without pages that are free again. */
  #bytes(): number {
    const pragma = (name: string): number =>
      Number(Object.values(this.#database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  }
}

const ownAct = (action: string, details: AuditAct['details']): AuditAct => ({
  action,
  actor: 'host',
  source: 'host',
  outcome: 'done',
  targets: [],
  ...(details && { details }),
});
export const gapAct = (count: number): AuditAct => ({
  ...ownAct(ownActions.gap, { message: 'so many events could not be written down' }),
  count,
});

const textsOf = (row: Row) => ({ entry: textIn(row, 'entry'), hash: textIn(row, 'hash') });

function lastRow(database: Database): StoredRow | undefined {
  const row = database.prepare(`SELECT ${rowColumns} FROM entry ORDER BY seq DESC LIMIT 1`).get();
  return row && storedRow(row);
}

function firstSeqOf(database: Database): number {
  const row = database.prepare('SELECT seq FROM entry ORDER BY seq LIMIT 1').get();
  return row ? numberIn(row, 'seq') : 1;
}

/** Only the end: the whole chain is checked when somebody asks. */
function faultOfNewest(database: Database, newest: StoredRow, head: Head | undefined): string | undefined {
  const before = database.prepare('SELECT seq, hash FROM entry WHERE seq = ?').get(newest.seq - 1);
  if (before) {
    const fault = faultOfRow(newest, { seq: numberIn(before, 'seq'), hash: textIn(before, 'hash') });
    if (fault !== undefined) return fault;
  }
  const cut = faultOfEnd(newest, head);
  if (cut) return cut.message;
  const named = database.prepare('SELECT hash FROM entry WHERE seq = ?').get(head?.seq ?? 0);
  if (named && textIn(named, 'hash') !== head?.hash)
    return `entry ${head?.seq ?? 0} is another one than audit.head names`;
  return undefined;
}

/** A trail without entries whose head names one was taken away. */
const faultOfNone = (folder: string): string | undefined =>
  faultOfEnd({ seq: 0, hash: firstPrevious }, readHead(folder))?.message;
