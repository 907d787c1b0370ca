// SQLite's write-ahead log as bytes: how far it holds whole commits, so that a trial knows what a power cut may take.
// Format: https://sqlite.org/fileformat.html#the_write_ahead_log
import { closeSync, openSync, readSync } from 'node:fs';

export const walHeaderBytes = 32;
export const frameHeaderBytes = 24;

export interface WalMark {
  /** Changes whenever the log begins anew. */
  readonly salts: bigint;
  readonly pageBytes: number;
  /** Frames up to the end of the last whole commit. */
  readonly frames: number;
}

export const endOf = ({ frames, pageBytes }: WalMark): number =>
  walHeaderBytes + frames * (frameHeaderBytes + pageBytes);

/** Undefined where there is no log, or none that has begun. Goes on from `before` where that is of the same log. */
export function readWal(path: string, before?: WalMark): WalMark | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    return walk(file, before);
  } finally {
    closeSync(file);
  }
}

function walk(file: number, before: WalMark | undefined): WalMark | undefined {
  const header = Buffer.alloc(walHeaderBytes);
  if (readSync(file, header, 0, walHeaderBytes, 0) < walHeaderBytes) return undefined;
  const salts = header.readBigUInt64BE(16);
  const pageBytes = header.readUInt32BE(8);
  let frames = before?.salts === salts ? before.frames : 0;
  const frame = Buffer.alloc(frameHeaderBytes);
  for (let at = frames; ; at += 1) {
    const offset = walHeaderBytes + at * (frameHeaderBytes + pageBytes);
    if (readSync(file, frame, 0, frameHeaderBytes, offset) < frameHeaderBytes) break;
    if (frame.readBigUInt64BE(8) !== salts) break;
    // A frame that ends a commit holds the size of the database after it.
    if (frame.readUInt32BE(4) > 0) frames = at + 1;
  }
  return { salts, pageBytes, frames };
}

const markBytes = 16;

export function encodeMark({ salts, pageBytes, frames }: WalMark): Buffer {
  const bytes = Buffer.alloc(markBytes);
  bytes.writeBigUInt64BE(salts, 0);
  bytes.writeUInt32BE(pageBytes, 8);
  bytes.writeUInt32BE(frames, 12);
  return bytes;
}

export function decodeMark(bytes: Buffer): WalMark | undefined {
  if (bytes.length < markBytes) return undefined;
  return {
    salts: bytes.readBigUInt64BE(0),
    pageBytes: bytes.readUInt32BE(8),
    frames: bytes.readUInt32BE(12),
  };
}
