// One stream of an attempt's output: kept in a file up to a bound, handed out in pieces until the hub has stored all.
import { closeSync, existsSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { logBytesPerStreamMax, logChunkBytesMax } from '../scheduler/protocol/limits.ts';

export interface StreamPiece {
  readonly offset: number;
  readonly bytes: number;
  readonly text: string;
  readonly droppedBytes?: number;
}
export interface StreamProgress {
  /** Stored by the hub, up to here. */
  readonly acked: number;
  readonly dropped: number;
  /** The file was given up: `dropped` counts what the hub never got, and has to be told. */
  readonly isGivenUp?: boolean | undefined;
}

/**
 * The file is the only copy, so that what is sent after a reconnect or a restart is what was sent before. All calls
 * are synchronous: 16 KiB to or from the page cache cost some 10 us.
 */
export class StreamLog {
  readonly #path: string;
  #fd: number | undefined;
  #stored = 0;
  #sent = 0;
  #acked = 0;
  #dropped = 0;
  #isFull = false;
  #hasEnded = false;
  #isGivenUp = false;
  #isLossTold = true;
  #isMarkerSent = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** The log of an attempt whose agent died: what is in the file is all there will be. */
  static recover(path: string, progress: StreamProgress): StreamLog {
    const log = new StreamLog(path);
    log.#stored = existsSync(path) ? statSync(path).size : 0;
    log.#dropped = progress.dropped;
    if (progress.isGivenUp === true) {
      log.#stored = progress.acked;
      log.#isGivenUp = true;
      log.#isLossTold = progress.dropped === 0;
    }
    log.#acked = Math.min(progress.acked, log.#stored);
    log.#sent = log.#acked;
    log.#hasEnded = true;
    return log;
  }

  get stored(): number {
    return this.#stored;
  }
  get unsent(): number {
    return this.#stored - this.#sent;
  }
  /** Nothing is left but to tell what was lost. */
  get hasMarker(): boolean {
    return !this.#isLossTold && !this.#isMarkerSent;
  }
  get inFlight(): number {
    return this.#sent - this.#acked;
  }
  get progress(): StreamProgress {
    return { acked: this.#acked, dropped: this.#dropped, ...(this.#isGivenUp && { isGivenUp: true }) };
  }
  /** True when the process is done and the hub has everything. */
  get isSettled(): boolean {
    return this.#hasEnded && this.#acked >= this.#stored && this.#isLossTold;
  }

  /** Keeps what fits and counts the rest. A disk that refuses makes the log shorter, never the attempt fail. */
  write(chunk: Uint8Array): void {
    const room = this.#isFull ? 0 : logBytesPerStreamMax - this.#stored;
    const fits = chunk.length <= room ? chunk.length : wholeCharacters(chunk, room);
    const kept = fits === 0 ? 0 : this.#store(chunk.subarray(0, fits));
    this.#stored += kept;
    this.#dropped += chunk.length - kept;
    if (kept < chunk.length) this.#isFull = true;
  }

  end(): void {
    this.#hasEnded = true;
    this.#close();
  }

  /**
   * The next piece to send, at most `bytesMax` long and ending between characters, or undefined where there is none
   * yet. The last piece of a log that lost bytes is held back until the loss is final, since it carries the count.
   */
  next(bytesMax: number): StreamPiece | undefined {
    const unsent = this.unsent;
    if (unsent === 0) return this.#lossMarker();
    if (bytesMax < Math.min(unsent, logChunkBytesMax)) return undefined;
    const bytes = this.#read(Math.min(unsent, logChunkBytesMax));
    const isLast = bytes.length === unsent;
    if (isLast && this.#isFull && !this.#hasEnded) return undefined;
    const length = isLast && this.#hasEnded ? bytes.length : wholeCharacters(bytes, bytes.length);
    if (length === 0) return undefined;
    const offset = this.#sent;
    this.#sent += length;
    const piece = { offset, bytes: length, text: bytes.toString('utf8', 0, length) };
    return this.unsent === 0 && this.#hasEnded && this.#dropped > 0
      ? { ...piece, droppedBytes: this.#dropped }
      : piece;
  }

  /** The hub may be ahead of us after a restart, never ahead of the file. */
  ack(offset: number): void {
    this.#acked = Math.min(Math.max(this.#acked, offset), this.#stored);
    this.#sent = Math.max(this.#sent, this.#acked);
    if (this.#isMarkerSent) this.#isLossTold = true;
  }

  /** Keeps only the count of what the hub has not stored; its marker is the last piece. Answers the bytes freed. */
  giveUp(): number {
    const lost = this.#stored - this.#acked;
    const freed = this.#stored;
    this.remove();
    this.#stored = this.#acked;
    this.#sent = this.#acked;
    this.#dropped += lost;
    this.#isLossTold = this.#dropped === 0;
    this.#isGivenUp = true;
    return freed;
  }

  /** After a reconnect: what was sent and not stored goes again. */
  rewind(): void {
    this.#sent = this.#acked;
    this.#isMarkerSent = false;
  }

  remove(): void {
    this.#close();
    rmSync(this.#path, { force: true });
  }

  #lossMarker(): StreamPiece | undefined {
    if (!this.hasMarker) return undefined;
    this.#isMarkerSent = true;
    return { offset: this.#acked, bytes: 0, text: '', droppedBytes: this.#dropped };
  }

  #store(bytes: Uint8Array): number {
    try {
      this.#fd ??= openSync(this.#path, 'w+', 0o600);
      return writeSync(this.#fd, bytes, 0, bytes.length, this.#stored);
    } catch {
      return 0;
    }
  }

  #read(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    const fd = this.#fd ?? openSync(this.#path, 'r');
    try {
      return bytes.subarray(0, readSync(fd, bytes, 0, length, this.#sent));
    } finally {
      if (this.#fd === undefined) closeSync(fd);
    }
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** How many of the first `end` bytes are whole UTF-8 characters. Bytes that are no UTF-8 count as characters. */
export function wholeCharacters(bytes: Uint8Array, end: number): number {
  for (let back = 1; back <= Math.min(3, end); back += 1) {
    const byte = bytes[end - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    return byte >= 0xc0 && back < characterLength(byte) ? end - back : end;
  }
  return end;
}

function characterLength(lead: number): number {
  if (lead >= 0xf0) return lead <= 0xf4 ? 4 : 1;
  return lead >= 0xe0 ? 3 : 2;
}
