// Drops what snapshots make needless and gives the room back to the disk, one small transaction per turn of the thread,
// so that group commits never wait long behind it.
import { snapshotEveryBytes, snapshotsKept } from '../protocol/limits.ts';
import { numberIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { type Pruned, writePruned } from './pruned.ts';
import { withoutFlush } from './withoutFlush.ts';

/** One step frees at most this many rows, and stops after the row that passes this many bytes. */
const pruneRowsMax = 500;
const pruneBytesMax = 512 * 1024;
/** Pages given back in one step: each may move another page, so this is up to 512 KiB of writing. */
const shrinkPagesMax = 128;
/** Free room that stays in the file: the rows until the next snapshot fill it again. */
const freeBytesKept = snapshotEveryBytes;

export interface PrunerEvents {
  readonly pruned: (rows: number) => void;
  /** After each step. `isDone`: nothing is left to drop. */
  readonly stepped: (isDone: boolean) => void;
  readonly failed: (error: unknown) => void;
}
export interface PrunerParts {
  readonly database: Database;
  /** Snapshots that were found damaged: they count for nothing. */
  readonly badSnapshots: readonly number[];
  /** The snapshot that is being written now. */
  readonly openSequence: () => number | undefined;
  /** Rows above this id are needed by others yet. */
  readonly heldTo: () => number;
  readonly events: PrunerEvents;
}

export class Pruner {
  readonly #parts: PrunerParts;
  readonly #database: Database;
  readonly #badSnapshots: string;
  #isNeeded = false;
  /** The file itself gets shorter when the log is moved into it: once more after the last step. */
  #hasShrunk = false;
  #holds = 0;
  #turn: NodeJS.Immediate | undefined;

  constructor(parts: PrunerParts) {
    this.#parts = parts;
    this.#database = parts.database;
    this.#badSnapshots = parts.badSnapshots.join(', ');
  }

  /** Drops what is no longer needed, in turns of its own; also what an earlier life left unfinished. */
  start(): void {
    this.#isNeeded = true;
    this.#nextTurn();
  }

  /** Nothing goes until as many calls of `release`: somebody copies the file. */
  hold(): void {
    this.#holds += 1;
  }
  release(): void {
    this.#holds -= 1;
    this.#nextTurn();
  }

  stop(): void {
    if (this.#turn) clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#isNeeded = false;
  }

  #nextTurn(): void {
    if (!this.#isNeeded || this.#holds > 0) return;
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      if (this.#holds > 0) return;
      try {
        this.#isNeeded = withoutFlush(this.#database, () => this.#drop()) > 0 || this.#shrink();
        this.#parts.events.stepped(!this.#isNeeded);
      } catch (error) {
        this.#isNeeded = false;
        this.#parts.events.failed(error);
      }
      this.#nextTurn();
    });
  }

  #drop(): number {
    return this.#dropSnapshotHeads() + this.#dropSnapshotPart() + this.#dropRows();
  }

  /** All but the newest good ones, once there are as many as we keep: until then a bad one stays as evidence. */
  #dropSnapshotHeads(): number {
    const kept = this.#kept();
    if (kept.length < snapshotsKept) return 0;
    return Number(
      this.#database.prepare(`DELETE FROM snapshot WHERE sequence NOT IN (${kept.join(', ')})`).run().changes,
    );
  }

  /** The newest good snapshots, as many as we keep. */
  #kept(): readonly number[] {
    return this.#database
      .prepare(
        `SELECT sequence FROM snapshot WHERE sequence NOT IN (${this.#badSnapshots}) ORDER BY sequence DESC LIMIT ?`,
      )
      .all(snapshotsKept)
      .map((row) => numberIn(row, 'sequence'));
  }

  /** One part of a snapshot without a head: an old one, or one that was never finished. */
  #dropSnapshotPart(): number {
    const result = this.#database
      .prepare(
        `DELETE FROM snapshot_part WHERE rowid IN (SELECT rowid FROM snapshot_part
           WHERE sequence NOT IN (SELECT sequence FROM snapshot) AND sequence <> ? LIMIT 1)`,
      )
      .run(this.#parts.openSequence() ?? -1);
    return Number(result.changes);
  }

  /** Rows that the oldest kept snapshot covers, once there are as many snapshots as we keep. */
  #dropRows(): number {
    const kept = this.#kept();
    if (kept.length < snapshotsKept) return 0;
    const newest = this.#newestOfChunk(kept.at(-1) ?? 0);
    if (!newest) return 0;
    writePruned(this.#database, newest);
    this.#database.prepare('DELETE FROM row WHERE id <= ?').run(newest.id);
    this.#parts.events.pruned(newest.rows);
    return newest.rows;
  }

  #newestOfChunk(sequence: number): (Pruned & { id: number; rows: number }) | undefined {
    const heldTo = this.#parts.heldTo();
    let bytes = 0;
    let rows = 0;
    let newest: { id: number; last: number } | undefined;
    const oldest = this.#database
      .prepare('SELECT id, last, length(payload) AS bytes FROM row ORDER BY id LIMIT ?')
      .all(pruneRowsMax);
    for (const row of oldest) {
      const id = numberIn(row, 'id');
      const last = numberIn(row, 'last');
      if (last > sequence || id > heldTo || bytes > pruneBytesMax) break;
      bytes += numberIn(row, 'bytes');
      newest = { id, last };
      rows += 1;
    }
    if (!newest) return undefined;
    const chain = this.#database.prepare('SELECT chain FROM row WHERE id = ?').get(newest.id)?.['chain'];
    return { ...newest, rows, chain: chain as Uint8Array };
  }

  /** Gives pages back to the disk where far more are free than the next rows need. True: there may be more. */
  #shrink(): boolean {
    if (firstNumber(this.#database, 'PRAGMA auto_vacuum') === 0) return false;
    const free = firstNumber(this.#database, 'PRAGMA freelist_count');
    const spare = free - Math.ceil(freeBytesKept / firstNumber(this.#database, 'PRAGMA page_size'));
    if (spare <= 0) {
      if (this.#hasShrunk) this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)');
      this.#hasShrunk = false;
      return false;
    }
    this.#hasShrunk = true;
    withoutFlush(this.#database, () => {
      this.#database.exec(`PRAGMA incremental_vacuum(${Math.min(spare, shrinkPagesMax)})`);
    });
    return true;
  }
}

export function firstNumber(database: Database, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0] ?? 0);
}
