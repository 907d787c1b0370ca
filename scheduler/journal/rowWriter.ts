// Writes one row per group commit and keeps the chain hash of the newest.
import type { Database, Statement } from '../sqlite/driver.ts';
import { type Range, seal } from './record.ts';

export class RowWriter {
  readonly #insert: Statement;
  #chain: Uint8Array;

  constructor(database: Database, chain: Uint8Array) {
    this.#insert = database.prepare(
      'INSERT INTO row (first, last, crc, chain, payload) VALUES (?, ?, ?, ?, ?)',
    );
    this.#chain = chain;
  }

  /** Durable when it returns, in a transaction of its own. Answers with the bytes of the payload. */
  write(text: string, { first, last }: Range): number {
    const payload = Buffer.from(text, 'utf8');
    const { crc, chain } = seal(payload, this.#chain);
    this.#insert.run(first, last, crc, chain, payload);
    this.#chain = chain;
    return payload.byteLength;
  }
}
