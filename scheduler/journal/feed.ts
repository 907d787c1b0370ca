// Lets one follower on another thread read what is durable: rows as they come, and snapshots that are whole. It asks,
// so that its pace costs no memory here. Rows that it does not hold yet are not pruned, up to a bound.
import type { MessagePort } from 'node:worker_threads';
import { feedLagBytesMax } from '../protocol/limits.ts';
import { bytesIn, numberIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import type { FromFeed, RowPlace, ToFeed } from './feedMessages.ts';
import { prunedChain } from './rowWalk.ts';
import { partsGiven, readPart, snapshotHeads } from './snapshotReader.ts';

/** Payload bytes of one answer: about a millisecond of this thread, so that commits do not wait long behind it. */
const answerBytesMax = 512 * 1024;
const answerRowsMax = 500;

export interface FeedParts {
  readonly database: Database;
  readonly port: MessagePort;
  /** The follower holds more, or has gone: pruning may go on. */
  readonly onHeld: () => void;
}

export class Feed {
  readonly #parts: FeedParts;
  /** Rows up to this id are durable with the follower. */
  #held = 0;
  #isGone = false;
  /** It is so far behind that rows go without it: it will find a gap. */
  #isLeftBehind = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    parts.port.on('message', (ask: ToFeed) => {
      if (!this.#isGone) this.#answer(ask);
    });
    parts.port.on('close', () => {
      this.#gone();
    });
  }

  /** Rows above this id may not be pruned. */
  heldTo(): number {
    return this.#isGone || this.#isLeftBehind ? Number.MAX_SAFE_INTEGER : this.#held;
  }

  /** To be called when rows become needless here. O(rows not held), without reading their payloads. */
  checkLag(): void {
    const sum = 'SELECT coalesce(sum(length(payload)), 0) AS n FROM row WHERE id > ?';
    const bytes = numberIn(this.#parts.database.prepare(sum).get(this.#held) ?? {}, 'n');
    this.#isLeftBehind = bytes > feedLagBytesMax;
  }

  close(): void {
    this.#isGone = true;
    this.#parts.port.close();
  }

  #answer(ask: ToFeed): void {
    try {
      this.#serve(ask);
    } catch (error) {
      // What it cannot read does not hold up the journal.
      this.#post({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
      this.#gone();
    }
  }

  #serve(ask: ToFeed): void {
    const { database } = this.#parts;
    switch (ask.kind) {
      case 'hello':
        this.#post({ kind: 'hello', isSame: isSameJournal(database, ask.at) });
        return;
      case 'rows':
        if (ask.held > this.#held) {
          this.#held = ask.held;
          this.#isLeftBehind = false;
          this.#parts.onHeld();
        }
        this.#postRows(ask.afterId);
        return;
      case 'heads': {
        const heads = snapshotHeads(database).map((head) => ({
          sequence: head.sequence,
          parts: partsGiven(head),
          bytes: head.bytes,
        }));
        this.#post({ kind: 'heads', heads });
        return;
      }
      case 'part': {
        const head = snapshotHeads(database).find(({ sequence }) => sequence === ask.sequence);
        const bytes = head && new Uint8Array(readPart(database, head, ask.part));
        this.#post(bytes ? { kind: 'part', bytes } : { kind: 'part' }, bytes ? [bytes.buffer] : []);
        return;
      }
      case 'bye':
        this.#gone();
    }
  }

  #postRows(afterId: number): void {
    const rows = [];
    let total = 0;
    const found = this.#parts.database
      .prepare('SELECT id, first, last, chain, payload FROM row WHERE id > ? ORDER BY id LIMIT ?')
      .iterate(afterId, answerRowsMax);
    for (const row of found) {
      const payload = new Uint8Array(bytesIn(row, 'payload'));
      const chain = new Uint8Array(bytesIn(row, 'chain'));
      rows.push({
        id: numberIn(row, 'id'),
        first: numberIn(row, 'first'),
        last: numberIn(row, 'last'),
        chain,
        payload,
      });
      total += payload.byteLength;
      if (total >= answerBytesMax) break;
    }
    this.#post(
      { kind: 'rows', rows, isMore: total >= answerBytesMax || rows.length === answerRowsMax },
      rows.map(({ payload }) => payload.buffer),
    );
  }

  #post(answer: FromFeed, moved: readonly ArrayBuffer[] = []): void {
    this.#parts.port.postMessage(answer, moved);
  }

  #gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#parts.port.close();
    this.#parts.onHeld();
  }
}

/** False: this file never had such a row, so what the follower holds belongs to another journal. */
function isSameJournal(database: Database, at: RowPlace): boolean {
  const row = database.prepare('SELECT last, chain FROM row WHERE id = ?').get(at.id);
  if (row) return numberIn(row, 'last') === at.last && isEqual(bytesIn(row, 'chain'), at.chain);
  const pruned = prunedChain(database);
  if (!pruned || pruned.last < at.last) return false;
  // Pruned past it: nobody can tell any more, and the gap is told by the numbers.
  return pruned.last > at.last || isEqual(pruned.chain, at.chain);
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
