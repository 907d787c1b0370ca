// Pieces of output -> lines, in order of arrival over both streams, at most a ring of them in memory.
import type { LogPiece } from '../../scheduler/protocol/consoleFrames.ts';

const logLinesMax = 50_000;
/** Let go in one go, so that a fast log does not move the whole array for every line. */
const slack = 5_000;

interface LogLine {
  readonly stream: LogPiece['stream'];
  readonly atMs: number;
  text: string;
  /** Bytes that the agent cut here. */
  readonly cutBytes?: number;
}

export interface LogLines {
  /** Number of the last piece taken, 0 before the first. */
  readonly lastPiece: () => number;
  /** Takes pieces that follow; one that was taken before is passed over. */
  readonly take: (pieces: readonly LogPiece[]) => void;
  readonly count: () => number;
  readonly lineAt: (index: number) => LogLine | undefined;
  /** Lines that fell out of the ring. */
  readonly fallen: () => number;
}

export function createLogLines(linesMax = logLinesMax): LogLines {
  let lines: LogLine[] = [];
  let fallen = 0;
  let last = 0;
  /** Lines without their end yet, per stream. */
  const open = new Map<LogPiece['stream'], LogLine>();

  function takePiece(piece: LogPiece): void {
    last = piece.piece;
    if (piece.droppedBytes !== undefined && piece.droppedBytes > 0) {
      open.delete(piece.stream);
      lines.push({ stream: piece.stream, atMs: piece.atMs, text: '', cutBytes: piece.droppedBytes });
    }
    const parts = piece.text.split('\n');
    parts.forEach((part, at) => {
      const isLast = at === parts.length - 1;
      if (isLast && part === '') return;
      append(piece, part);
      if (!isLast) open.delete(piece.stream);
    });
  }
  function append(piece: LogPiece, part: string): void {
    const unfinished = open.get(piece.stream);
    if (unfinished) {
      unfinished.text += part;
      return;
    }
    const line: LogLine = { stream: piece.stream, atMs: piece.atMs, text: part };
    lines.push(line);
    open.set(piece.stream, line);
  }
  return {
    lastPiece: () => last,
    take(pieces) {
      for (const piece of pieces) if (piece.piece > last) takePiece(piece);
      if (lines.length <= linesMax + Math.min(slack, linesMax)) return;
      fallen += lines.length - linesMax;
      lines = lines.slice(-linesMax);
    },
    count: () => lines.length,
    lineAt: (index) => lines[index],
    fallen: () => fallen,
  };
}
