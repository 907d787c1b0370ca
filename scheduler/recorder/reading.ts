// Reads recorder.db: from which snapshot a time is reached, and the batches after it. What is damaged is named, and is
// gone around where another snapshot leads there.
import { inflateRawSync } from 'node:zlib';
import { checksum } from '../journal/record.ts';
import type { Batch } from '../protocol/events.ts';
import { bytesIn, numberIn, type Row } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { type Block, unpackBlock } from './block.ts';

/** Where a replay begins: after this batch. 0: an empty core, before the first batch. */
export interface Start {
  readonly sequence: number;
  readonly atMs: number;
  readonly parts: number;
  readonly bytes: number;
}

/** What is asked for is not recorded, or cannot be read: in words for people. */
export class NotRecorded extends Error {}

/** Snapshots not later than a time, newest first; at the end the beginning of all, where it is still recorded. */
export function startsBefore(database: Database, atMs: number): readonly Start[] {
  const snapshots = database
    .prepare('SELECT sequence, at_ms, parts, bytes FROM snapshot WHERE at_ms <= ? ORDER BY sequence DESC')
    .all(atMs)
    .map((row) => ({
      sequence: numberIn(row, 'sequence'),
      atMs: numberIn(row, 'at_ms'),
      parts: numberIn(row, 'parts'),
      bytes: numberIn(row, 'bytes'),
    }));
  const first = database.prepare('SELECT first, from_ms FROM block ORDER BY id LIMIT 1').get();
  if (!first || numberIn(first, 'first') !== 1 || numberIn(first, 'from_ms') > atMs) return snapshots;
  return [...snapshots, { sequence: 0, atMs: numberIn(first, 'from_ms'), parts: 0, bytes: 0 }];
}

/** Oldest and newest time that can be shown; undefined while nothing is. */
export function spanOf(
  database: Database,
): { readonly fromMs: number; readonly untilMs: number } | undefined {
  const oldest = startsBefore(database, Number.MAX_SAFE_INTEGER).at(-1);
  const newest = database.prepare('SELECT to_ms FROM block ORDER BY id DESC LIMIT 1').get();
  if (!oldest || !newest) return undefined;
  return { fromMs: oldest.atMs, untilMs: Math.max(oldest.atMs, numberIn(newest, 'to_ms')) };
}

/** One part of a snapshot. Throws `NotRecorded` where it is damaged or has gone. */
export function snapshotPart(database: Database, { sequence }: Start, part: number): string {
  const row = database
    .prepare('SELECT crc, payload FROM snapshot_part WHERE sequence = ? AND part = ?')
    .get(sequence, part);
  if (!row) throw new NotRecorded(`recorder.db: part ${part} of snapshot ${sequence} is missing`);
  const payload = bytesIn(row, 'payload');
  if (checksum(payload) !== numberIn(row, 'crc'))
    throw new NotRecorded(
      `recorder.db: snapshot ${sequence} is damaged: part ${part} does not match its checksum`,
    );
  return inflateRawSync(payload).toString('utf8');
}

/** Bytes of rows after a batch and up to a time: how far a replay has to go. */
export function bytesBetween(database: Database, sequence: number, untilMs: number): number {
  const sum = 'SELECT coalesce(sum(bytes), 0) AS n FROM block WHERE last > ? AND from_ms <= ?';
  return numberIn(database.prepare(sum).get(sequence, untilMs) ?? {}, 'n');
}

export interface ReadBlock {
  readonly batches: readonly Batch[];
  /** Before compression. */
  readonly bytes: number;
}

/**
 * The batches after one up to a time, block by block. Throws `NotRecorded` at a gap and at a block that is damaged.
 * A block is read when it is asked for, so nothing is held between two.
 */
export function* blocksAfter(database: Database, sequence: number, untilMs: number): Generator<ReadBlock> {
  const next = database.prepare('SELECT * FROM block WHERE last > ? AND from_ms <= ? ORDER BY id LIMIT 1');
  for (let last = sequence; ;) {
    const row = next.get(last, untilMs);
    if (!row) return;
    const block = blockIn(row);
    if (block.first > last + 1)
      throw new NotRecorded(`recorder.db: batches ${last + 1} to ${block.first - 1} were not recorded`);
    yield {
      batches: readBatches(block).filter((batch) => batch.sequence > sequence && batch.atMs <= untilMs),
      bytes: block.bytes,
    };
    last = block.last;
  }
}

function readBatches(block: Block): readonly Batch[] {
  try {
    return unpackBlock(block);
  } catch (error) {
    throw new NotRecorded(error instanceof Error ? error.message : String(error));
  }
}

const blockIn = (row: Row): Block => ({
  first: numberIn(row, 'first'),
  last: numberIn(row, 'last'),
  fromMs: numberIn(row, 'from_ms'),
  toMs: numberIn(row, 'to_ms'),
  bytes: numberIn(row, 'bytes'),
  crc: numberIn(row, 'crc'),
  payload: bytesIn(row, 'payload'),
});
