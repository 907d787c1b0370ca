// Makes what a segment is found by: postings of every key, and its records in compressed blocks.
import { deflateRawSync } from 'node:zlib';
import { hasMissedDeadline, searchTextOf } from '../protocol/taskRow.ts';
import type { EndedRow } from './endedRow.ts';
import { keyOf, labelKey, missedKey, presentKey, trigramKeyAt, trigramLength } from './facets.ts';
import { noName } from './names.ts';
import { encodePlaces, everyPlace, segmentSize } from './postings.ts';
import { blockLine, blockOf, blockRows, recordFrom } from './records.ts';

/** Postings side by side: thousands of small arrays would take longer to send than to make. */
export interface PackedPostings {
  readonly keys: Float64Array;
  readonly counts: Uint16Array;
  /** Where in `bytes` the places of each key end. */
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}
interface Posting {
  readonly key: number;
  readonly places: readonly number[];
}
export interface Block {
  /** Place of its first record, over `blockRows`. */
  readonly number: number;
  readonly body: Uint8Array;
}
/** A part of a build, small enough to be stored in one step. */
export interface BuildPart {
  readonly postings: PackedPostings | undefined;
  readonly blocks: readonly Block[];
}

/** Rows of one step: about 5 ms of the writer. */
const postingsPerPart = 2_500;
const blocksPerPart = 32;

const plainCodes = 2 ** 21;

/** Three characters of seven bits as a number; -1: one has more. */
function plainCodeAt(text: string, at: number): number {
  const a = text.charCodeAt(at);
  const b = text.charCodeAt(at + 1);
  const c = text.charCodeAt(at + 2);
  return (a | b | c) < 0x80 ? (a << 14) | (b << 7) | c : -1;
}
const plainKey = (code: number): number =>
  trigramKeyAt(String.fromCharCode(code >>> 14, (code >>> 7) & 0x7f, code & 0x7f), 0);

export class SegmentBuild {
  /** Places by key, ascending. */
  readonly #places = new Map<number, number[]>([[missedKey, []]]);
  /** Three characters of seven bits, as nearly all are: where in `plain` they stand, from 1. Quicker than a map. */
  readonly #plainAt = new Uint32Array(plainCodes);
  readonly #plain: { readonly code: number; readonly places: number[] }[] = [];
  readonly #blocks: Block[] = [];
  #lines: string[] = [];
  #block = 0;

  /** Tasks come in order. `text`: the record. Of one that is not sound only the columns are keys. */
  add(row: EndedRow, text: string | undefined, isSound: boolean): void {
    const place = row.taskId % segmentSize;
    this.#addKey(presentKey, place);
    this.#addKey(keyOf('state', row.state), place);
    this.#addKey(keyOf('queue', row.queue), place);
    this.#addKey(keyOf('tenant', row.tenant), place);
    if (row.node !== noName) this.#addKey(keyOf('node', row.node), place);
    if (text === undefined) return;
    this.#addLine(place, blockLine(row.taskId, text));
    if (!isSound) return;
    const record = recordFrom(text);
    const { spec } = record;
    if (hasMissedDeadline(record)) this.#addKey(missedKey, place);
    for (const [label, value] of Object.entries(spec.labels)) this.#addKey(labelKey(label, value), place);
    this.#addText(searchTextOf(spec), place);
  }

  /** Nothing can be added afterwards. */
  parts(): BuildPart[] {
    this.#endBlock();
    const present = this.#places.get(presentKey) ?? [];
    const postings = [...this.#places].map(([key, places]): Posting => ({ key, places }));
    for (const { code, places } of this.#plain) postings.push({ key: plainKey(code), places });
    // In the order of their table, so that each is stored behind the one before.
    postings.sort((a, b) => a.key - b.key);
    return [
      ...chunks(this.#blocks, blocksPerPart).map((blocks): BuildPart => ({ postings: undefined, blocks })),
      ...chunks(postings, postingsPerPart).map((some): BuildPart => ({
        postings: packed(some, present),
        blocks: [],
      })),
    ];
  }

  #addText(text: string, place: number): void {
    for (let at = 0; at + trigramLength <= text.length; at += 1) {
      const code = plainCodeAt(text, at);
      if (code < 0) {
        this.#addKey(trigramKeyAt(text, at), place);
        continue;
      }
      const places = this.#plain[(this.#plainAt[code] ?? 0) - 1]?.places;
      if (!places) this.#plainAt[code] = this.#plain.push({ code, places: [place] });
      else if (places[places.length - 1] !== place) places.push(place);
    }
  }

  #addKey(key: number, place: number): void {
    const places = this.#places.get(key);
    if (!places) this.#places.set(key, [place]);
    else if (places[places.length - 1] !== place) places.push(place);
  }

  #addLine(place: number, line: string): void {
    const block = Math.floor(place / blockRows);
    if (block !== this.#block) this.#endBlock();
    this.#block = block;
    this.#lines.push(line);
  }

  #endBlock(): void {
    if (this.#lines.length === 0) return;
    this.#blocks.push({ number: this.#block, body: deflateRawSync(blockOf(this.#lines)) });
    this.#lines = [];
  }
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const parts: Item[][] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}

function packed(postings: readonly Posting[], present: readonly number[]): PackedPostings {
  const encoded = postings.map(({ key, places }) =>
    encodePlaces(places, key === presentKey ? everyPlace : present),
  );
  const ends = new Uint32Array(postings.length);
  let end = 0;
  for (const [at, { length }] of encoded.entries()) ends[at] = end += length;
  const bytes = new Uint8Array(end);
  for (const [at, places] of encoded.entries()) bytes.set(places, (ends[at] ?? 0) - places.length);
  return {
    keys: Float64Array.from(postings, ({ key }) => key),
    counts: Uint16Array.from(postings, ({ places }) => places.length),
    ends,
    bytes,
  };
}
