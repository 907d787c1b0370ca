// The body of a request: JSON, read as it comes, given up at the limit before memory grows.
import type { IncomingMessage } from 'node:http';
import { parseJson } from '../protocol/decode.ts';
import * as limits from '../protocol/limits.ts';
import * as programLimits from '../protocol/programLimits.ts';
import { accepted, type Outcome, refusal, refused } from '../protocol/outcome.ts';
import type { DoorRefusal } from './problem.ts';

/** Absent where the request has none. Refuses `wrong_type`, `too_large`, `bad_message`. */
export async function readJson(request: IncomingMessage): Promise<Outcome<unknown, DoorRefusal>> {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && (length === undefined || length === '0')) return accepted(undefined);
  const type = refusedType(request);
  if (type) return refused(type);
  if (Number(length ?? 0) > programLimits.apiBodyBytesMax) return refused(tooLarge);
  const bytes = await collect(request);
  if (!bytes.ok) return bytes;
  if (bytes.value.length === 0) return accepted(undefined);
  const text = textOf(bytes.value);
  if (text === undefined) return refused(refusal('bad_message', 'the body is not UTF-8'));
  return parseJson(text, programLimits.apiBodyBytesMax, 'the body');
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** How much of memory a body may come to take: by its announced length, or the most where it announces none. */
export function bodyBytesOf({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return programLimits.apiBodyBytesMax;
  return Math.min(Number(headers['content-length'] ?? 0), programLimits.apiBodyBytesMax);
}

function refusedType({ headers }: IncomingMessage): DoorRefusal | undefined {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.map((part) => part.trim()).find((part) => part.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  const isPlain = headers['content-encoding'] === undefined || headers['content-encoding'] === 'identity';
  if (type.trim() === 'application/json' && isUtf8 && isPlain) return undefined;
  const message = 'send the body with Content-Type: application/json, in UTF-8 and uncompressed';
  return { code: 'wrong_type', message, headers: { 'accept-post': 'application/json' } };
}

function collect(request: IncomingMessage): Promise<Outcome<Buffer, DoorRefusal>> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= programLimits.apiBodyBytesMax) {
        chunks.push(chunk);
        return;
      }
      request.off('data', onData);
      resolve(refused(tooLarge));
    };
    request.on('data', onData);
    request.once('end', () => {
      resolve(accepted(Buffer.concat(chunks)));
    });
    // Broken off: nobody reads the answer any more.
    const onBroken = (): void => {
      resolve(refused(refusal('bad_message', 'the body broke off')));
    };
    request.once('error', onBroken);
    request.once('close', onBroken);
  });
}

const tooLarge: DoorRefusal = refusal(
  'too_large',
  `the body has more than ${programLimits.apiBodyBytesMax} bytes; send fewer tasks at a time`,
);
