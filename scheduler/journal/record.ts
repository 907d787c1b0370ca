// How batches become one row of the journal and back: version, range, JSON; a CRC32C over all of it, and a hash that
// chains each row to the one before, so that a row which was changed, lost or swapped is found.
import { createHash } from 'node:crypto';
import crc32c from 'crc-32/crc32c.js';
import type { Ms } from '../protocol/brands.ts';
import type { Batch, Event } from '../protocol/events.ts';
import { accepted, type Outcome, refused } from '../protocol/outcome.ts';
import { upgradedEvents } from './upgrade.ts';

/** Raised with every change that an older reader would misread; upgrade.ts brings what is older up to it. */
export const recordVersion = 3;

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

/**
 * `torn`: neither seal fits the payload, as after a write that did not end. `damaged`: written whole and changed since.
 * `chain`: good by itself, but not what follows the row before. `newer`: intact, in a format that this program cannot
 * read.
 */
export interface RowFault {
  readonly kind: 'torn' | 'damaged' | 'chain' | 'newer';
  readonly message: string;
}

/** Checks a row against its seal, its columns and the row before it. Undefined: it is as it was written. */
export function faultOfRow(row: StoredRow, previous: Uint8Array): RowFault | undefined {
  const { crc, chain } = seal(row.payload, previous);
  const isNext = Buffer.compare(chain, row.chain) === 0;
  if (crc !== row.crc) return { kind: isNext ? 'damaged' : 'torn', message: 'its checksum does not match' };
  const header = headerOf(row.payload);
  if (!header) return damaged('its header cannot be read');
  if (!isRead(header.version))
    return { kind: 'newer', message: `it has format ${header.version}, and ${readsFormats}` };
  if (header.first !== row.first || header.last !== row.last) return damaged('its numbers do not match');
  return isNext ? undefined : { kind: 'chain', message: 'it does not follow the row before it' };
}

const isRead = (version: number): boolean => version >= 1 && version <= recordVersion;
const readsFormats = `this Millrace reads formats 1 to ${recordVersion}`;
const damaged = (message: string): RowFault => ({ kind: 'damaged', message });

/** The batches of a payload, in order, as the present format has them. Refuses what is newer, in words. */
export function decodeGroup(payload: string): Outcome<readonly Batch[], string> {
  const header = parseHeader(payload.slice(0, payload.indexOf('\n')));
  if (!header) return refused('the payload has no header');
  const { version } = header;
  if (!isRead(version)) return refused(`the payload has format ${version}, and ${readsFormats}`);
  const tuples = JSON.parse(payload.slice(payload.indexOf('\n') + 1)) as [number, Ms, Event[]][];
  const batches = tuples.map(([sequence, atMs, events]): Batch => ({
    sequence,
    atMs,
    events: upgradedEvents(events, version, recordVersion),
  }));
  return isRun(batches, header) ? accepted(batches) : refused('the batches are not numbered without gaps');
}

function isRun(batches: readonly Batch[], { first, last }: Range): boolean {
  return (
    batches.length === last - first + 1 && batches.every((batch, place) => batch.sequence === first + place)
  );
}

interface Header extends Range {
  readonly version: number;
}
/** Longest header line: three whole numbers. */
const headerBytesMax = 64;

/** What a payload says of itself; undefined where it says nothing that can be read. */
export function headerOf(payload: Uint8Array): Header | undefined {
  const end = payload.indexOf(0x0a);
  if (end < 0 || end > headerBytesMax) return undefined;
  return parseHeader(Buffer.from(payload.buffer, payload.byteOffset, end).toString('latin1'));
}

function parseHeader(line: string): Header | undefined {
  const match = /^(\d+) (\d+) (\d+)$/.exec(line);
  if (!match) return undefined;
  return { version: Number(match[1]), first: Number(match[2]), last: Number(match[3]) };
}
