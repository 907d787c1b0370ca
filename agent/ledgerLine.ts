// One line of the ledger: an entry as JSON with its CRC32C, and what a damaged line may have been.
import crc32c from 'crc-32/crc32c.js';
import * as v from 'valibot';
import { attemptEndSchema } from '../scheduler/protocol/agentWire.ts';
import type { Token } from '../scheduler/protocol/brands.ts';
import { taskIdSchema, tokenSchema, tokensSchema, whole } from './hubMessages.ts';

const attemptFields = { at: whole, token: tokenSchema, taskId: taskIdSchema, attempt: whole };
const entrySchema = v.variant('kind', [
  /** Durable before the work is started. */
  v.object({ kind: v.literal('start'), ...attemptFields }),
  /** Which process group carries it; written at once, not fsynced, since a power cut ends the process as well. */
  v.object({
    kind: v.literal('process'),
    at: whole,
    token: tokenSchema,
    pid: whole,
    startTicks: v.optional(whole),
    boot: v.optional(v.string()),
  }),
  /** Durable before it is reported. Exactly one per attempt. */
  v.object({ kind: v.literal('result'), ...attemptFields, end: attemptEndSchema }),
  /** The hub has the results. */
  v.object({ kind: v.literal('ack'), at: whole, tokens: tokensSchema }),
  /** The hub took the attempts away: nothing more is reported of them. */
  v.object({ kind: v.literal('revoked'), at: whole, tokens: tokensSchema }),
  /** Lines were damaged that may have named tokens up to this one: none of those that are unknown may run. */
  v.object({ kind: v.literal('damage'), at: whole, upTo: tokenSchema }),
]);
export type LedgerEntry = v.InferOutput<typeof entrySchema>;

/** A line that is not as it was written. */
export interface DamagedLine {
  /** From 1, as editors count. */
  readonly line: number;
  /** What it may have been, as far as its text still tells. */
  readonly kind?: string;
  /** Tokens it may have named. */
  readonly tokens: readonly Token[];
}
export interface LineRead {
  readonly entries: readonly LedgerEntry[];
  readonly damaged?: DamagedLine;
}

/** The checksum covers the entry's JSON as it is without it. */
export function ledgerLine(entry: LedgerEntry): string {
  const text = JSON.stringify(entry);
  return `{"crc":"${checksum(text)}",${text.slice(1)}\n`;
}

/**
 * Usually one entry. Where a newline was damaged, two entries share a line: each that is whole is used. Lines of
 * versions before the checksum begin with their kind and are taken as they are. `mayMend`: see `mend`.
 */
export function readLedgerLine(bytes: Buffer, line: number, mayMend: boolean): LineRead {
  const text = bytes.toString();
  const entry = parseLine(text);
  if (entry) return { entries: [entry] };
  const entries: LedgerEntry[] = [];
  const lost: string[] = [];
  for (const piece of text.split(/(?=\{"crc":")/)) {
    const found = parseLine(piece) ?? parseLine(piece.slice(0, -1));
    if (found) entries.push(found);
    else lost.push(piece);
  }
  if (lost.length === 0) return { entries };
  return { entries, damaged: guess(lost.join(''), mayMend ? mend(bytes) : undefined, line) };
}

function parseLine(text: string): LedgerEntry | undefined {
  const sealed = /^\{"crc":"([0-9a-f]{8})",/.exec(text);
  if (!sealed) return text.startsWith('{"kind":"') ? parseEntry(text) : undefined;
  const body = `{${text.slice(sealed[0].length)}`;
  return checksum(body) === sealed[1] ? parseEntry(body) : undefined;
}

function parseEntry(json: string): LedgerEntry | undefined {
  try {
    const read = v.safeParse(entrySchema, JSON.parse(json));
    return read.success ? read.output : undefined;
  } catch {
    return undefined;
  }
}

const checksum = (text: string): string => (crc32c.str(text) >>> 0).toString(16).padStart(8, '0');

/** Both what the text says and, where one flipped bit explains the checksum, what it said before. */
function guess(text: string, mended: string | undefined, line: number): DamagedLine {
  const kind = /"kind":"(\w+)"/.exec(mended ?? text)?.[1];
  const tokens = new Set([...tokensNamed(text), ...tokensNamed(mended ?? '')]);
  return { line, tokens: [...tokens], ...(kind !== undefined && { kind }) };
}

/** Longer lines name many tokens and no start: they are not worth the search, which takes 8 checksums per byte. */
const mendableBytesMax = 400;

/** The only change of one bit after which the checksum is right. Used to name tokens, never as a record. */
function mend(damaged: Buffer): string | undefined {
  if (damaged.length > mendableBytesMax) return undefined;
  const bytes = Buffer.from(damaged);
  for (let place = 0; place < bytes.length * 8; place += 1) {
    const at = place >> 3;
    const before = bytes[at] ?? 0;
    bytes[at] = before ^ (1 << (place & 7));
    const tried = bytes.toString();
    if (parseLine(tried)) return tried;
    bytes[at] = before;
  }
  return undefined;
}

function tokensNamed(text: string): Token[] {
  const found = /"tokens?":\[?([\d,]+)/.exec(text)?.[1] ?? '';
  const numbers = found.split(',').filter((digits) => digits !== '');
  return numbers.map(Number).filter(Number.isSafeInteger) as Token[];
}
