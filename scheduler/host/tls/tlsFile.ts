// tls.json in the data folder: the plant's certificate authority, the hub's certificate, and the keys of its session
// tickets. Readable by this user only. Who has the authority's key can pretend to be the hub.
import { renameSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { decode } from '../../protocol/decode.ts';
import type { KeyAndCertificate } from './certificates.ts';

const fileName = 'tls.json';
const ownerOnly = 0o600;
/** The size that OpenSSL takes: name, HMAC key and AES key. */
export const ticketKeyBytes = 48;

const pem = v.pipe(v.string(), v.startsWith('-----BEGIN '));
const pairSchema = v.object({ key: pem, certificate: pem });
const fileSchema = v.object({
  authority: pairSchema,
  /** What is missing here is made anew. */
  hub: v.optional(pairSchema),
  /** Base64. */
  ticketKeys: v.optional(v.string()),
});
/** As it may lie there. */
type FoundTls = v.InferOutput<typeof fileSchema>;
export interface TlsFile {
  readonly authority: KeyAndCertificate;
  readonly hub: KeyAndCertificate;
  readonly ticketKeys: string;
}

/** Undefined where there is none: a folder from before TLS, or a new one. Throws with words where it is damaged. */
export function readTlsFile(folder: string): FoundTls | undefined {
  const path = join(folder, fileName);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const read = decode(fileSchema, parsed(text), path);
  if (!read.ok) throw new Error(read.reason.message);
  return read.value;
}

/** Whole or not at all: a crash in between leaves the old file. */
export function writeTlsFile(folder: string, file: TlsFile): void {
  const path = join(folder, fileName);
  writeFileSync(`${path}.next`, `${JSON.stringify(file, null, 2)}\n`, { mode: ownerOnly, flush: true });
  renameSync(`${path}.next`, path);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the decoder says what is wrong
  }
}
