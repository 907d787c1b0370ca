// How batches become one row of the journal and back: version, range, JSON; a CRC32C over all of it, and a hash that
// chains each row to the one before, so that a row which was changed, lost or swapped is found.
import { createHash } from 'node:crypto';
import crc32c from 'crc-32/crc32c.js';
import type { Ms } from '../protocol/brands.ts';
import type { Batch, Event } from '../protocol/events.ts';
import { accepted, type Outcome, refused } from '../protocol/outcome.ts';

/** Raised with every change that an older reader would misread; docs/adr tells what each version holds. */
const recordVersion = 1;

/** Numbers of the first and the last batch of a row. */
export interface Range {
  readonly first: number;
  readonly last: number;
}
/** A row as it is kept on disk. */
export interface StoredRow extends Range {
  readonly id: number;
  readonly crc: number;
  readonly chain: Uint8Array;
  readonly payload: Uint8Array;
}
export interface Seal {
  readonly crc: number;
  readonly chain: Uint8Array;
}

/** The chain before the first row. */
export const chainStart: Uint8Array = new Uint8Array(32);

/** One batch as text; `joinGroup` takes any number of them. */
export function encodeBatch(batch: Batch): string {
  return JSON.stringify([batch.sequence, batch.atMs, batch.events]);
}

/** The payload of a row: a line `version first last`, then the batches. */
export function joinGroup(texts: readonly string[], { first, last }: Range): string {
  return `${recordVersion} ${first} ${last}\n[${texts.join(',')}]`;
}

/** Checksum of bytes, continued from `seed` where a text has several parts. */
export const checksum = (bytes: Uint8Array, seed = 0): number => crc32c.buf(bytes, seed) >>> 0;

/** What guards a payload that follows a row with the chain hash `previous`. */
export function seal(payload: Uint8Array, previous: Uint8Array): Seal {
  return { crc: checksum(payload), chain: createHash('sha256').update(previous).update(payload).digest() };
}

/** `torn`: not as it was written. `newer`: intact, in a version that this program cannot read. */
export interface RowFault {
  readonly kind: 'torn' | 'newer';
  readonly message: string;
}

/** Checks a row against its seal, its columns and the row before it. Undefined: it is as it was written. */
export function faultOfRow(row: StoredRow, previous: Uint8Array): RowFault | undefined {
  if (checksum(row.payload) !== row.crc) return torn('its checksum does not match');
  const header = headerOf(row.payload);
  if (!header) return torn('its header cannot be read');
  if (header.version !== recordVersion)
    return {
      kind: 'newer',
      message: `it has format ${header.version}, and this Millrace reads format ${recordVersion}`,
    };
  if (header.first !== row.first || header.last !== row.last) return torn('its numbers do not match');
  const chain = seal(row.payload, previous).chain;
  return Buffer.compare(chain, row.chain) === 0 ? undefined : torn('it does not follow the row before it');
}

/** The batches of a payload, in order, exactly as they were encoded. Refuses what is not of this version, in words. */
export function decodeGroup(payload: string): Outcome<readonly Batch[], string> {
  const header = parseHeader(payload.slice(0, payload.indexOf('\n')));
  if (!header) return refused('the payload has no header');
  if (header.version !== recordVersion)
    return refused(`the payload has format ${header.version}, and this Millrace reads ${recordVersion}`);
  const tuples = JSON.parse(payload.slice(payload.indexOf('\n') + 1)) as [number, Ms, Event[]][];
  const batches = tuples.map(([sequence, atMs, events]): Batch => ({ sequence, atMs, events }));
  return isRun(batches, header) ? accepted(batches) : refused('the batches are not numbered without gaps');
}

function isRun(batches: readonly Batch[], { first, last }: Range): boolean {
  return (
    batches.length === last - first + 1 && batches.every((batch, place) => batch.sequence === first + place)
  );
}

const torn = (message: string): RowFault => ({ kind: 'torn', message });

interface Header extends Range {
  readonly version: number;
}
/** Longest header line: three whole numbers. */
const headerBytesMax = 64;

function headerOf(payload: Uint8Array): Header | undefined {
  const end = payload.indexOf(0x0a);
  if (end < 0 || end > headerBytesMax) return undefined;
  return parseHeader(Buffer.from(payload.buffer, payload.byteOffset, end).toString('latin1'));
}

function parseHeader(line: string): Header | undefined {
  const match = /^(\d+) (\d+) (\d+)$/.exec(line);
  if (!match) return undefined;
  return { version: Number(match[1]), first: Number(match[2]), last: Number(match[3]) };
}
