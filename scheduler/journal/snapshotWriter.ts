// Writes snapshots in parts and drops what they make needless, one small transaction per turn of the thread, so that
// group commits never wait long behind them.
import type { Database } from '../sqlite/driver.ts';
import { numberIn } from '../sqlite/columns.ts';
import { inTransaction } from '../sqlite/open.ts';
import { snapshotsKept } from '../protocol/limits.ts';
import { checksum } from './record.ts';
import type { SnapshotPart } from './threadMessages.ts';

/** One pruning step frees at most this many rows, and stops after the row that passes this many bytes. */
const pruneRowsMax = 500;
const pruneBytesMax = 1024 * 1024;

export interface SnapshotEvents {
  readonly pruned: (rows: number) => void;
  readonly failed: (error: unknown) => void;
}

export class SnapshotWriter {
  readonly #database: Database;
  readonly #events: SnapshotEvents;
  /** The snapshot being written, with the checksum of its parts so far. */
  #open: { readonly sequence: number; crc: number } | undefined;
  #isPruning = false;
  #turn: NodeJS.Immediate | undefined;

  constructor(database: Database, events: SnapshotEvents) {
    this.#database = database;
    this.#events = events;
  }

  /** Writes one part; the last one makes the snapshot count. True: it is complete, and more parts are not needed. */
  put({ sequence, part, text, isLast }: SnapshotPart): boolean {
    if (part === 0 && !this.#begin(sequence)) return true;
    if (this.#open?.sequence !== sequence) throw new Error(`snapshot ${sequence} was not begun`);
    const bytes = Buffer.from(text, 'utf8');
    const crc = checksum(bytes, this.#open.crc);
    this.#open.crc = crc;
    inTransaction(this.#database, () => {
      this.#database.prepare('INSERT INTO snapshot_part VALUES (?, ?, ?)').run(sequence, part, bytes);
      if (isLast)
        this.#database.prepare('INSERT INTO snapshot VALUES (?, ?, ?)').run(sequence, part + 1, crc);
    });
    if (!isLast) return false;
    this.#open = undefined;
    this.prune();
    return true;
  }

  /** Drops what is no longer needed, in turns of its own; also what an earlier life left unfinished. */
  prune(): void {
    this.#isPruning = true;
    this.#nextTurn();
  }

  stop(): void {
    if (this.#turn) clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#isPruning = false;
  }

  /** False where the file has this snapshot already. */
  #begin(sequence: number): boolean {
    if (this.#database.prepare('SELECT 1 FROM snapshot WHERE sequence = ?').get(sequence)) return false;
    this.#database.prepare('DELETE FROM snapshot_part WHERE sequence = ?').run(sequence);
    this.#open = { sequence, crc: 0 };
    return true;
  }

  #nextTurn(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      try {
        this.#pruneOnce();
      } catch (error) {
        this.#events.failed(error);
      }
      if (this.#isPruning) this.#nextTurn();
    });
  }

  #pruneOnce(): void {
    const isDone = inTransaction(
      this.#database,
      () => this.#dropSnapshotHeads() + this.#dropSnapshotPart() + this.#dropRows() === 0,
    );
    if (isDone) this.#isPruning = false;
  }

  #dropSnapshotHeads(): number {
    const result = this.#database
      .prepare(
        'DELETE FROM snapshot WHERE sequence NOT IN (SELECT sequence FROM snapshot ORDER BY sequence DESC LIMIT ?)',
      )
      .run(snapshotsKept);
    return Number(result.changes);
  }

  /** One part of a snapshot without a head: an old one, or one that a crash left unfinished. */
  #dropSnapshotPart(): number {
    const result = this.#database
      .prepare(
        `DELETE FROM snapshot_part WHERE rowid IN (SELECT rowid FROM snapshot_part
           WHERE sequence NOT IN (SELECT sequence FROM snapshot) AND sequence <> ? LIMIT 1)`,
      )
      .run(this.#open?.sequence ?? -1);
    return Number(result.changes);
  }

  /** Rows that the oldest kept snapshot covers, once there are as many snapshots as we keep. */
  #dropRows(): number {
    const kept = this.#database
      .prepare('SELECT count(*) AS n, coalesce(min(sequence), 0) AS oldest FROM snapshot')
      .get();
    if (!kept || numberIn(kept, 'n') < snapshotsKept) return 0;
    const newest = this.#newestOfChunk(numberIn(kept, 'oldest'));
    if (!newest) return 0;
    this.#database
      .prepare(`INSERT OR REPLACE INTO meta SELECT 'pruned', last, chain FROM row WHERE id = ?`)
      .run(newest.id);
    this.#database.prepare('DELETE FROM row WHERE id <= ?').run(newest.id);
    this.#events.pruned(newest.rows);
    return newest.rows;
  }

  #newestOfChunk(sequence: number): { id: number; rows: number } | undefined {
    let bytes = 0;
    let rows = 0;
    let id = 0;
    const oldest = this.#database
      .prepare('SELECT id, last, length(payload) AS bytes FROM row ORDER BY id LIMIT ?')
      .all(pruneRowsMax);
    for (const row of oldest) {
      if (numberIn(row, 'last') > sequence || bytes > pruneBytesMax) break;
      bytes += numberIn(row, 'bytes');
      id = numberIn(row, 'id');
      rows += 1;
    }
    return rows === 0 ? undefined : { id, rows };
  }
}
