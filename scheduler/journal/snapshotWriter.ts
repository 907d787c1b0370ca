// Writes a snapshot part by part, each in a small transaction of its own, so that group commits never wait long behind
// it. Only the head that ends it must be on the disk: it takes all before it along.
import type { Database } from '../sqlite/driver.ts';
import { inTransaction } from '../sqlite/open.ts';
import { checksum } from './record.ts';
import { snapshotFormat } from './schema.ts';
import { sealOfHead } from './snapshotReader.ts';
import type { SnapshotPart } from './threadMessages.ts';
import { withoutFlush } from './withoutFlush.ts';

interface Open {
  readonly sequence: number;
  crc: number;
  parts: number;
  bytes: number;
}

export class SnapshotWriter {
  readonly #database: Database;
  readonly #badSnapshots: readonly number[];
  #open: Open | undefined;

  /** `badSnapshots` were found damaged: they go with the next one that is written. */
  constructor(database: Database, badSnapshots: readonly number[]) {
    this.#database = database;
    this.#badSnapshots = badSnapshots;
  }

  /** The snapshot that is being written. */
  get openSequence(): number | undefined {
    return this.#open?.sequence;
  }

  /** Writes one part. True: the file has this snapshot already, and more parts are not needed. */
  put({ sequence, part, text }: SnapshotPart): boolean {
    if (part === 0 && !this.#begin(sequence)) return true;
    const open = this.#mustBeOpen(sequence);
    const bytes = Buffer.from(text, 'utf8');
    open.crc = checksum(bytes, open.crc);
    open.parts += 1;
    open.bytes += bytes.byteLength;
    const insert = this.#database.prepare(
      'INSERT INTO snapshot_part (sequence, part, payload, crc) VALUES (?, ?, ?, ?)',
    );
    withoutFlush(this.#database, () => insert.run(sequence, part, bytes, checksum(bytes)));
    return false;
  }

  /** Durable when it returns: the snapshot counts. */
  end(sequence: number): void {
    if (!this.#open && this.#isThere(sequence)) return;
    const { crc, parts, bytes } = this.#mustBeOpen(sequence);
    this.#open = undefined;
    inTransaction(this.#database, () => {
      this.#database.exec(`DELETE FROM snapshot WHERE sequence IN (${this.#badSnapshots.join(', ')})`);
      this.#database
        .prepare('INSERT INTO snapshot (sequence, parts, crc, format, bytes) VALUES (?, ?, ?, ?, ?)')
        .run(sequence, parts, sealOfHead({ sequence, parts, bytes }, crc), snapshotFormat, bytes);
    });
  }

  /** Forgets the one being written; pruning takes its parts away, as those of a crash. */
  drop(): void {
    this.#open = undefined;
  }

  /** False where the file has this snapshot already. */
  #begin(sequence: number): boolean {
    if (this.#isThere(sequence)) return false;
    inTransaction(this.#database, () => {
      this.#database.prepare('DELETE FROM snapshot_part WHERE sequence = ?').run(sequence);
    });
    this.#open = { sequence, crc: 0, parts: 0, bytes: 0 };
    return true;
  }

  #isThere(sequence: number): boolean {
    if (this.#badSnapshots.includes(sequence)) return false;
    return this.#database.prepare('SELECT 1 FROM snapshot WHERE sequence = ?').get(sequence) !== undefined;
  }

  #mustBeOpen(sequence: number): Open {
    if (this.#open?.sequence === sequence) return this.#open;
    throw new Error(`snapshot ${sequence} was not begun`);
  }
}
