// The checksum of a stored piece of output, and what is shown in the place of a damaged one.
import type { LogPiece } from '../protocol/consoleFrames.ts';
import { checksumOf } from './checksum.ts';

/** Over what is shown: whose piece it is, where it belongs, and its text. */
export const sealOfPiece = (
  piece: Pick<LogPiece, 'token' | 'piece' | 'stream' | 'offset' | 'text'>,
): number => checksumOf(`${piece.token} ${piece.piece} ${piece.stream} ${piece.offset} ${piece.text}`);

export const damagedPieceText = ({ token, piece }: Pick<LogPiece, 'token' | 'piece'>): string =>
  `[millrace: piece ${piece} of the output of attempt ${token} is damaged on disk: restore a backup to have it back]\n`;
