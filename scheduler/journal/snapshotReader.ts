// Reads snapshots and checks them: the parts against their checksums, the head against all of them.
import { bytesIn, numberIn, numberOrNothingIn, type Row } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { isDamage } from '../sqlite/fault.ts';
import { checksum } from './record.ts';
import { snapshotFormat } from './schema.ts';

export interface SnapshotHead {
  readonly sequence: number;
  readonly parts: number;
  readonly crc: number;
  readonly format: number;
  /** Sum over the parts. */
  readonly bytes: number;
}

/** Newest first. */
export function snapshotHeads(database: Database): readonly SnapshotHead[] {
  const rows = database.prepare('SELECT * FROM snapshot ORDER BY sequence DESC').all();
  return rows.map((row) => headIn(database, row));
}

function headIn(database: Database, row: Row): SnapshotHead {
  const sequence = numberIn(row, 'sequence');
  // A file of the first version that is only read has no such column.
  const format = 'format' in row ? numberIn(row, 'format') : 1;
  const bytes = format === 1 ? bytesOfParts(database, sequence) : numberIn(row, 'bytes');
  return { sequence, parts: numberIn(row, 'parts'), crc: numberIn(row, 'crc'), format, bytes };
}

function bytesOfParts(database: Database, sequence: number): number {
  const sum = 'SELECT coalesce(sum(length(payload)), 0) AS n FROM snapshot_part WHERE sequence = ?';
  return numberIn(database.prepare(sum).get(sequence) ?? {}, 'n');
}

/** The checksum of a head of the present format, over its numbers and `crc` of its parts in order. */
export function sealOfHead(
  { sequence, parts, bytes }: { readonly sequence: number; readonly parts: number; readonly bytes: number },
  crc: number,
): number {
  return checksum(Buffer.from(`${snapshotFormat} ${sequence} ${parts} ${bytes}`), crc);
}

/** What is wrong with a snapshot, in words; undefined: nothing. `onBytes` is told of each part as it is read. */
export function faultOfSnapshot(
  database: Database,
  head: SnapshotHead,
  onBytes: (bytes: number) => void,
): string | undefined {
  const said = (what: string): string => `snapshot ${head.sequence} is damaged: ${what}`;
  if (head.format < 1 || head.format > snapshotFormat) return said(`its head names format ${head.format}`);
  try {
    const fault = faultOfParts(database, head, onBytes);
    return fault === undefined ? undefined : said(fault);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return said(`it cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
}

function faultOfParts(
  database: Database,
  head: SnapshotHead,
  onBytes: (bytes: number) => void,
): string | undefined {
  const sum = { crc: 0, parts: 0, bytes: 0 };
  // Parts are read by number later: damage to the keys above them hides them from that, and not from a walk.
  const byNumber = database.prepare(
    'SELECT length(payload) AS n FROM snapshot_part WHERE sequence = ? AND part = ?',
  );
  const rows = database
    .prepare('SELECT * FROM snapshot_part WHERE sequence = ? ORDER BY part')
    .iterate(head.sequence);
  for (const row of rows) {
    const bytes = bytesIn(row, 'payload');
    if (numberIn(row, 'part') !== sum.parts) return `part ${sum.parts} is missing`;
    if (head.format > 1 && checksum(bytes) !== numberOrNothingIn(row, 'crc'))
      return `the checksum of part ${sum.parts} does not match`;
    if (byNumber.get(head.sequence, sum.parts) === undefined)
      return `part ${sum.parts} is not found by its number`;
    sum.crc = checksum(bytes, sum.crc);
    sum.parts += 1;
    sum.bytes += bytes.byteLength;
    onBytes(bytes.byteLength);
  }
  if (sum.parts !== head.parts) return `its head names ${head.parts} parts, ${sum.parts} are there`;
  const expected = head.format === 1 ? sum.crc : sealOfHead(head, sum.crc);
  const isWhole = expected === head.crc && sum.bytes === head.bytes;
  return isWhole ? undefined : 'the checksum of its head does not match';
}

/** How many parts a reader is given: those of format 1 are cuts of one text. */
export const partsGiven = ({ format, parts }: SnapshotHead): number => (format === 1 ? 1 : parts);

/** One part as it was given to the writer, in UTF-8. Throws where it is gone: somebody read it too late. */
export function readPart(database: Database, { sequence, format }: SnapshotHead, part: number): Uint8Array {
  const where = format === 1 ? 'sequence = ?' : `sequence = ? AND part = ${part}`;
  const rows = database
    .prepare(`SELECT payload FROM snapshot_part WHERE ${where} ORDER BY part`)
    .all(sequence)
    .map((row) => bytesIn(row, 'payload'));
  const [first] = rows;
  if (!first) throw new Error(`part ${part} of snapshot ${sequence} is no longer there`);
  return rows.length === 1 ? first : Buffer.concat(rows);
}
