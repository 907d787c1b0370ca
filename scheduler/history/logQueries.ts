// Stored output of an attempt, and ends per minute, on the reader's connection.
import { ms, type Token } from '../protocol/brands.ts';
import type { LogPiece } from '../protocol/consoleFrames.ts';
import type { LogPage } from '../protocol/consoleAnswers.ts';
import type { Database } from '../sqlite/driver.ts';
import { numberIn, numberOrNothingIn, type Row, textIn } from '../sqlite/columns.ts';
import { damagedPieceText, sealOfPiece } from './logSeal.ts';
import type { EndedMinute, Questions } from './threadMessages.ts';

/** `isComplete`: nothing more is stored after this page. */
export function readLog(database: Database, { token, after, limit }: Questions['readLog']['asks']): LogPage {
  const rows = database
    .prepare('SELECT * FROM log_piece WHERE token = ? AND piece > ? ORDER BY piece LIMIT ?')
    .all(token, after, limit + 1);
  return { pieces: rows.slice(0, limit).map((row) => pieceIn(row, token)), isComplete: rows.length <= limit };
}

/** A damaged piece keeps its place and says what it is. */
function pieceIn(row: Row, token: Token): LogPiece {
  const droppedBytes = numberOrNothingIn(row, 'dropped_bytes');
  const piece: LogPiece = {
    token,
    piece: numberIn(row, 'piece'),
    stream: textIn(row, 'stream') === 'stdout' ? 'stdout' : 'stderr',
    offset: numberIn(row, 'offset'),
    text: textIn(row, 'text'),
    atMs: ms(numberIn(row, 'at_ms')),
    ...(droppedBytes !== undefined && { droppedBytes }),
  };
  // Without a checksum: stored by a version that made none.
  const crc = numberOrNothingIn(row, 'crc');
  const isSound = crc === undefined || crc === sealOfPiece(piece);
  return isSound ? piece : { ...piece, text: damagedPieceText(piece) };
}

const minuteMs = 60_000;

/** Whole minutes that begin from `sinceMs` on and before `untilMs`, oldest first; minutes without ends are absent. */
export function endedPerMinute(
  database: Database,
  { sinceMs, untilMs }: Questions['endedPerMinute']['asks'],
): readonly EndedMinute[] {
  const rows = database
    .prepare(
      `SELECT minute, sum(n) FILTER (WHERE state = 'succeeded') AS succeeded,
         sum(n) FILTER (WHERE state = 'dead_letter') AS dead_letter,
         sum(n) FILTER (WHERE state = 'cancelled') AS cancelled
       FROM ended_minute WHERE minute >= ? AND minute < ? GROUP BY minute ORDER BY minute`,
    )
    .all(Math.ceil(sinceMs / minuteMs), Math.ceil(untilMs / minuteMs));
  return rows.map(minuteIn);
}

const minuteIn = (row: Row): EndedMinute => ({
  minuteMs: ms(numberIn(row, 'minute') * minuteMs),
  succeeded: numberOrNothingIn(row, 'succeeded') ?? 0,
  deadLettered: numberOrNothingIn(row, 'dead_letter') ?? 0,
  cancelled: numberOrNothingIn(row, 'cancelled') ?? 0,
});
