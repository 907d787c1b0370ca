// Stores the output of attempts: each byte of a stream once, up to its bound. Works inside a transaction.
import { logBytesPerStreamMax } from '../protocol/limits.ts';
import type { LogAck } from '../protocol/agentWire.ts';
import type { LogPiece } from '../protocol/consoleFrames.ts';
import type { Database, Statement } from '../sqlite/driver.ts';
import { numberIn, numberOrNothingIn } from '../sqlite/columns.ts';
import { sealOfPiece } from './logSeal.ts';
import type { AppendedLog, ArrivedPiece } from './threadMessages.ts';

interface Stream {
  readonly nextOffset: number;
  readonly keptBytes: number;
  readonly droppedBytes: number | undefined;
}
const emptyStream: Stream = { nextOffset: 0, keptBytes: 0, droppedBytes: undefined };
/** The part of a piece that is new and has room. */
interface Kept {
  readonly offset: number;
  readonly bytes: number;
  readonly text: string;
  readonly droppedBytes: number | undefined;
}

export class LogWriter {
  readonly #findStream: Statement;
  readonly #putStream: Statement;
  readonly #lastPiece: Statement;
  readonly #putPiece: Statement;
  readonly #addBytes: Statement;

  constructor(database: Database) {
    this.#findStream = database.prepare('SELECT * FROM log_stream WHERE token = ? AND stream = ?');
    this.#putStream = database.prepare('INSERT OR REPLACE INTO log_stream VALUES (?, ?, ?, ?, ?)');
    this.#lastPiece = database.prepare('SELECT coalesce(max(piece), 0) AS n FROM log_piece WHERE token = ?');
    this.#putPiece = database.prepare('INSERT INTO log_piece VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#addBytes = database.prepare(`UPDATE meta SET number = number + ? WHERE key = 'log_bytes'`);
  }

  append(arrived: readonly ArrivedPiece[]): AppendedLog {
    const offsets = new Map<string, LogAck>();
    const pieces: LogPiece[] = [];
    for (const piece of arrived) {
      const { token, stream } = piece;
      const before = this.#streamOf(piece);
      const kept = newPartOf(piece, before);
      if (kept) pieces.push(this.#store(piece, kept, before));
      const offset = Math.max(before.nextOffset, piece.offset + piece.bytes);
      offsets.set(`${token} ${stream}`, { token, stream, offset });
    }
    return { offsets: [...offsets.values()], pieces };
  }

  #streamOf({ token, stream }: ArrivedPiece): Stream {
    const row = this.#findStream.get(token, stream);
    if (!row) return emptyStream;
    return {
      nextOffset: numberIn(row, 'next_offset'),
      keptBytes: numberIn(row, 'kept_bytes'),
      droppedBytes: numberOrNothingIn(row, 'dropped_bytes'),
    };
  }

  #store(arrived: ArrivedPiece, kept: Kept, before: Stream): LogPiece {
    const { token, stream, atMs } = arrived;
    const piece = numberIn(this.#lastPiece.get(token) ?? {}, 'n') + 1;
    const dropped = kept.droppedBytes ?? null;
    const crc = sealOfPiece({ token, piece, stream, offset: kept.offset, text: kept.text });
    this.#putPiece.run(token, piece, stream, kept.offset, kept.bytes, atMs, dropped, kept.text, crc);
    const next = Math.max(before.nextOffset, arrived.offset + arrived.bytes);
    this.#putStream.run(
      token,
      stream,
      next,
      before.keptBytes + kept.bytes,
      dropped ?? before.droppedBytes ?? null,
    );
    this.#addBytes.run(kept.bytes);
    return {
      token,
      piece,
      stream,
      offset: kept.offset,
      text: kept.text,
      atMs,
      ...(kept.droppedBytes !== undefined && { droppedBytes: kept.droppedBytes }),
    };
  }
}

/**
 * What of a piece is stored, or undefined where nothing of it is new. A piece beyond the next offset is stored as it
 * is: what lies between was lost with the power on one side, and the offsets show the gap.
 */
function newPartOf(piece: ArrivedPiece, stream: Stream): Kept | undefined {
  const end = piece.offset + piece.bytes;
  const isFirstDrop = piece.droppedBytes !== undefined && stream.droppedBytes === undefined;
  if (end <= stream.nextOffset && !isFirstDrop) return undefined;
  const offset = Math.min(Math.max(piece.offset, stream.nextOffset), end);
  const room = Math.max(0, logBytesPerStreamMax - stream.keptBytes);
  const bytes = Math.min(end - offset, room);
  const cutBytes = end - offset - bytes;
  // Later pieces of a stream that is full: said once, with the piece that was cut.
  if (bytes === 0 && cutBytes > 0 && stream.droppedBytes !== undefined) return undefined;
  const droppedBytes = cutBytes > 0 ? cutBytes + (piece.droppedBytes ?? 0) : piece.droppedBytes;
  const isWhole = bytes === piece.bytes;
  const text = isWhole ? piece.text : partOf(piece.text, offset - piece.offset, bytes);
  return { offset, bytes, text, droppedBytes };
}

/** Part of a text by its bytes; a character that is cut in two becomes a replacement character, as in the agent. */
function partOf(text: string, from: number, bytes: number): string {
  return Buffer.from(text, 'utf8')
    .subarray(from, from + bytes)
    .toString('utf8');
}
