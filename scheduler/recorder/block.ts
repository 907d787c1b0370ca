// Rows of the journal as one compressed block of the recorder, and back to batches.
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { FedRow } from '../journal/feedMessages.ts';
import { checksum, decodeGroup, type Range } from '../journal/record.ts';
import type { Batch } from '../protocol/events.ts';

/** The fastest: rows are text of few different words, and shrink to an eighth all the same. */
const deflateLevel = 1;

export interface Block extends Range {
  readonly fromMs: number;
  readonly toMs: number;
  /** Before compression. */
  readonly bytes: number;
  readonly crc: number;
  readonly payload: Uint8Array;
}

/** Throws where a row is not what the journal writes. Rows follow each other without a gap. */
export function packBlock(rows: readonly [FedRow, ...FedRow[]]): Block {
  const texts = rows.map(({ payload }) => Buffer.from(payload).toString('utf8'));
  const first = rows[0].first;
  const last = rows.at(-1)?.last ?? first;
  // Each row is two lines, and its JSON holds no line break.
  const raw = Buffer.from(texts.join('\n'), 'utf8');
  const payload = deflateRawSync(raw, { level: deflateLevel });
  const fromMs = batchesOfText(texts[0] ?? '')[0]?.atMs ?? 0;
  const toMs = batchesOfText(texts.at(-1) ?? '').at(-1)?.atMs ?? fromMs;
  const numbers = { first, last, fromMs, toMs };
  return { ...numbers, bytes: raw.byteLength, crc: crcOf(numbers, payload), payload };
}

/** Throws where the block is damaged. */
export function unpackBlock(block: Omit<Block, 'bytes'>): readonly Batch[] {
  const fault = faultOfBlock(block);
  if (fault !== undefined) throw new Error(fault);
  const lines = inflateRawSync(block.payload).toString('utf8').split('\n');
  const batches: Batch[] = [];
  for (let at = 0; at + 1 < lines.length; at += 2)
    for (const batch of batchesOfText(`${lines[at] ?? ''}\n${lines[at + 1] ?? ''}`)) batches.push(batch);
  return batches;
}

/** What is wrong with a block, in words. */
export function faultOfBlock(block: Omit<Block, 'bytes'>): string | undefined {
  if (crcOf(block, block.payload) === block.crc) return undefined;
  return `recorder.db: batches ${block.first} to ${block.last} are damaged: their checksum does not match`;
}

function batchesOfText(text: string): readonly Batch[] {
  const group = decodeGroup(text);
  if (!group.ok) throw new Error(`recorder: ${group.reason}`);
  return group.value;
}

const crcOf = (
  { first, last, fromMs, toMs }: Pick<Block, 'first' | 'last' | 'fromMs' | 'toMs'>,
  payload: Uint8Array,
): number => checksum(Buffer.from(`${first} ${last} ${fromMs} ${toMs}`), checksum(payload));
