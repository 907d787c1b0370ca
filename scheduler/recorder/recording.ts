// What recorder.db holds, as its writer sees it: blocks and snapshots go in, and the oldest go by age and size.
import { deflateRawSync } from 'node:zlib';
import type { FedHead, FedRow, RowPlace } from '../journal/feedMessages.ts';
import { checksum } from '../journal/record.ts';
import { snapshotEveryBytes } from '../protocol/limits.ts';
import { bytesIn, numberIn, numberOrNothingIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { inTransaction } from '../sqlite/open.ts';
import { packBlock } from './block.ts';

export interface Bounds {
  readonly keepMs: number;
  readonly bytesMax: number;
}
export interface Reach {
  /** The oldest time that can be shown; absent while nothing is recorded. */
  readonly reachesBackToMs?: number;
  readonly untilMs?: number;
  /** Of blocks and snapshots, as stored. */
  readonly bytes: number;
  readonly snapshots: number;
  /** Batch numbers between which something is missing. */
  readonly gaps: number;
}

/** A snapshot is kept where rows since the one before are at least so many times its size: a quarter of the file. */
const rowsPerSnapshot = 3;
/** And at least after this time, so that a jump in a quiet plant reads few hours. */
const snapshotEveryMs = 3_600_000;
/** Blocks that go in one transaction. */
const dropBlocksMax = 64;

export class Recording {
  readonly #database: Database;
  /** Sums over the blocks; undefined after some went, until somebody asks. */
  #sums: { bytes: number; gaps: number } | undefined;

  readonly #everyBytes: number;

  constructor(database: Database, everyBytes = snapshotEveryBytes / 2) {
    this.#database = database;
    this.#everyBytes = everyBytes;
  }

  /** The journal's row that was recorded last. */
  cursor(): RowPlace | undefined {
    const row = this.#database.prepare('SELECT row, last, chain FROM block ORDER BY id DESC LIMIT 1').get();
    return row && { id: numberIn(row, 'row'), last: numberIn(row, 'last'), chain: bytesIn(row, 'chain') };
  }

  /** Takes all away: what is recorded belongs to another journal. */
  clear(): void {
    this.#sums = undefined;
    inTransaction(this.#database, () => {
      this.#database.exec('DELETE FROM block; DELETE FROM snapshot; DELETE FROM snapshot_part;');
    });
  }

  add(rows: readonly [FedRow, ...FedRow[]]): void {
    const { first, last, fromMs, toMs, bytes, crc, payload } = packBlock(rows);
    const { id: row, chain } = rows.at(-1) ?? rows[0];
    const before = this.cursor();
    if (this.#sums) {
      this.#sums.bytes += payload.byteLength;
      if (before && before.last + 1 !== first) this.#sums.gaps += 1;
    }
    this.#database
      .prepare(
        `INSERT INTO block (first, last, from_ms, to_ms, row, chain, bytes, crc, payload)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(first, last, fromMs, toMs, row, chain, bytes, crc, payload);
  }

  /** True: worth keeping beside those that are here. */
  wants({ sequence, bytes }: FedHead): boolean {
    const newest = this.#database
      .prepare('SELECT sequence FROM snapshot ORDER BY sequence DESC LIMIT 1')
      .get();
    const after = newest ? numberIn(newest, 'sequence') : 0;
    if (sequence <= after) return false;
    const scope = this.#database
      .prepare(
        `SELECT min(first) AS first, sum(bytes) AS bytes, max(to_ms) - min(from_ms) AS span_ms FROM block
           WHERE last > ? AND first <= ?`,
      )
      .get(after, sequence);
    // Nothing leads to it from what is held: without it, what follows could not be shown.
    if (
      !scope ||
      scope['first'] === null ||
      numberIn(scope, 'first') > after + 1 ||
      this.#hasGap(after, sequence)
    )
      return true;
    const rowBytes = numberOrNothingIn(scope, 'bytes') ?? 0;
    if (rowBytes >= Math.max(this.#everyBytes, bytes * rowsPerSnapshot)) return true;
    return (numberOrNothingIn(scope, 'span_ms') ?? 0) >= snapshotEveryMs && rowBytes >= bytes;
  }

  /** Parts come in order from 0; it counts once `endSnapshot` was called. */
  putPart(sequence: number, part: number, text: Uint8Array): number {
    const payload = deflateRawSync(text, { level: 1 });
    this.#database
      .prepare('INSERT OR REPLACE INTO snapshot_part (sequence, part, crc, payload) VALUES (?, ?, ?, ?)')
      .run(sequence, part, checksum(payload), payload);
    return payload.byteLength;
  }

  endSnapshot({ sequence, parts, bytes }: FedHead, atMs: number, stored: number): void {
    this.#database
      .prepare('INSERT INTO snapshot (sequence, at_ms, parts, bytes, stored) VALUES (?, ?, ?, ?, ?)')
      .run(sequence, atMs, parts, bytes, stored);
  }

  dropSnapshot(sequence: number): void {
    this.#database.prepare('DELETE FROM snapshot_part WHERE sequence = ?').run(sequence);
  }

  /** Lets go of what no start of a replay within the bounds needs. True: there may be more. */
  drop(nowMs: number, { keepMs, bytesMax }: Bounds): boolean {
    const starts = this.#starts();
    const next = starts[1];
    if (!next || (next.atMs > nowMs - keepMs && this.reach().bytes <= bytesMax))
      return this.#dropLoose(starts[0]?.sequence ?? 0);
    return this.#dropUpTo(next.sequence);
  }

  reach(): Reach {
    const { bytes, gaps } = this.#blockSums();
    const stored = this.#number('SELECT coalesce(sum(stored), 0) AS n FROM snapshot');
    const newest = this.#database.prepare('SELECT to_ms FROM block ORDER BY id DESC LIMIT 1').get();
    const [oldest] = this.#starts();
    return {
      ...(oldest &&
        newest && {
          reachesBackToMs: oldest.atMs,
          untilMs: Math.max(oldest.atMs, numberIn(newest, 'to_ms')),
        }),
      bytes: bytes + stored,
      snapshots: this.#number('SELECT count(*) AS n FROM snapshot'),
      gaps,
    };
  }

  #blockSums(): { readonly bytes: number; readonly gaps: number } {
    this.#sums ??= {
      bytes: this.#number('SELECT coalesce(sum(length(payload)), 0) AS n FROM block'),
      gaps: this.#number(
        `SELECT count(*) AS n FROM (SELECT first, lag(last) OVER (ORDER BY id) AS before FROM block)
           WHERE before IS NOT NULL AND first <> before + 1`,
      ),
    };
    return this.#sums;
  }

  /** From where a replay can begin, oldest first: snapshots, and the very first batch. */
  #starts(): readonly { readonly sequence: number; readonly atMs: number }[] {
    const snapshots = this.#database
      .prepare('SELECT sequence, at_ms FROM snapshot ORDER BY sequence LIMIT 2')
      .all()
      .map((row) => ({ sequence: numberIn(row, 'sequence'), atMs: numberIn(row, 'at_ms') }));
    const first = this.#database.prepare('SELECT first, from_ms FROM block ORDER BY id LIMIT 1').get();
    if (!first || numberIn(first, 'first') !== 1) return snapshots;
    return [{ sequence: 0, atMs: numberIn(first, 'from_ms') }, ...snapshots];
  }

  #dropUpTo(sequence: number): boolean {
    return inTransaction(this.#database, () => {
      this.#database.prepare('DELETE FROM snapshot WHERE sequence < ?').run(sequence);
      return this.#dropLoose(sequence) || true;
    });
  }

  /** Blocks and parts before the first start, some at a time. The newest block stays: it says how far we are. */
  #dropLoose(sequence: number): boolean {
    const blocks = this.#database
      .prepare(
        `DELETE FROM block WHERE id IN (SELECT id FROM block WHERE last <= ?
           AND id < (SELECT max(id) FROM block) ORDER BY id LIMIT ?)`,
      )
      .run(sequence, dropBlocksMax);
    const parts = this.#database
      .prepare(
        `DELETE FROM snapshot_part WHERE rowid IN (SELECT rowid FROM snapshot_part
           WHERE sequence < ? AND sequence NOT IN (SELECT sequence FROM snapshot) LIMIT ?)`,
      )
      .run(sequence, dropBlocksMax);
    const dropped = Number(blocks.changes) + Number(parts.changes);
    if (Number(blocks.changes) > 0) this.#sums = undefined;
    if (dropped > 0) this.#database.exec('PRAGMA incremental_vacuum(256)');
    return dropped > 0;
  }

  #hasGap(after: number, until: number): boolean {
    const found = this.#database
      .prepare(
        `SELECT count(*) AS n FROM (SELECT first, lag(last) OVER (ORDER BY id) AS before FROM block
           WHERE last > ? AND first <= ?) WHERE before IS NOT NULL AND first <> before + 1`,
      )
      .get(after, until);
    return numberIn(found ?? {}, 'n') > 0;
  }

  #number(sql: string): number {
    return numberIn(this.#database.prepare(sql).get() ?? {}, 'n');
  }
}
