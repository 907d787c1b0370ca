// What a power cut leaves of files whose writer was killed: everything that was durable, and of the rest whatever a
// disk may have kept. A kill alone takes nothing, since the system's page cache outlives the process.
import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { PowerCut } from './plan.ts';
import { decodeMark, endOf, frameHeaderBytes, readWal, type WalMark, walHeaderBytes } from './wal.ts';

/** Power cuts that took whole commits or lines: shows that the fault bites. */
export interface Losses {
  journal: number;
  history: number;
  ledger: number;
}

/** Journal and history of a host that is dead. `rigFolder` holds the mark that its preload wrote. */
export function cutHost(
  { dataFolder, rigFolder }: { readonly dataFolder: string; readonly rigFolder: string },
  cut: PowerCut,
  losses: Losses,
): void {
  if (cut === 'kept') return;
  if (cutJournal(join(dataFolder, 'journal.db-wal'), join(rigFolder, 'mark'), cut)) losses.journal += 1;
  if (cutHistory(join(dataFolder, 'history.db'), join(rigFolder, 'history-mark'))) losses.history += 1;
}

/** True where commits went that nobody had been told of. */
function cutJournal(walFile: string, markFile: string, cut: PowerCut): boolean {
  const wal = readWal(walFile);
  if (!wal) return false;
  const mark = readMark(markFile);
  // Another log than the one that was noted: it was begun after the last acknowledged commit, which is in the file.
  const durableBytes = mark?.salts === wal.salts ? endOf(mark) : 0;
  damageTail(walFile, durableBytes, cut, wal.pageBytes + frameHeaderBytes);
  return endOf(wal) > Math.max(durableBytes, walHeaderBytes);
}

const readMark = (file: string): WalMark | undefined =>
  existsSync(file) ? decodeMark(readFileSync(file)) : undefined;

/**
 * history.db is synchronous=NORMAL: its log is synced when a checkpoint begins, and when the host asks for it. The first
 * is in the index of the log (https://sqlite.org/walformat.html), the second noted; the rest may go with the power.
 */
function cutHistory(database: string, markFile: string): boolean {
  const indexFile = `${database}-shm`;
  const walFile = `${database}-wal`;
  if (!existsSync(indexFile) || !existsSync(walFile)) return false;
  const wal = readWal(walFile);
  const synced = Math.max(movedFrames(readFileSync(indexFile), wal), markedFrames(readMark(markFile), wal));
  truncateSync(walFile, synced > 0 && wal ? endOf({ ...wal, frames: synced }) : 0);
  rmSync(indexFile);
  return wal !== undefined && wal.frames > synced;
}

const markedFrames = (mark: WalMark | undefined, wal: WalMark | undefined): number =>
  mark && mark.salts === wal?.salts ? mark.frames : 0;

function movedFrames(index: Buffer, wal: WalMark | undefined): number {
  if (index.length < indexHeaderBytes || wal?.salts !== index.readBigUInt64BE(saltsOffset)) return 0;
  return Math.max(index.readUInt32LE(movedOffset), index.readUInt32LE(attemptedOffset));
}

const indexHeaderBytes = 136;
const saltsOffset = 32;
/** Frames moved into the database, and frames that somebody began to move. */
const movedOffset = 96;
const attemptedOffset = 128;

/** The ledger of an agent that is dead, with all that it began. True where lines went. */
export function cutLedger(ledgerFile: string, rigFolder: string, cut: PowerCut): boolean {
  if (!existsSync(ledgerFile)) return false;
  const markFile = join(rigFolder, 'mark');
  const durableBytes = existsSync(markFile) ? Number(readFileSync(markFile, 'utf8')) : 0;
  const isLoss = cut !== 'kept' && statSync(ledgerFile).size > durableBytes;
  if (cut !== 'kept') damageTail(ledgerFile, durableBytes, cut, tornLineBytes);
  // What the disk still holds now, it holds for good.
  writeFileSync(markFile, String(statSync(ledgerFile).size).padStart(12, '0'));
  return isLoss;
}

const tornLineBytes = 60;

/** Leaves the first `durableBytes` as they are, and does not write them again: the disk may be full. */
function damageTail(file: string, durableBytes: number, cut: PowerCut, tornBytes: number): void {
  if (cut === 'kept') return;
  const bytes = readFileSync(file);
  const tail = bytes.subarray(durableBytes);
  truncateSync(file, Math.min(bytes.length, durableBytes));
  if (cut === 'lost') return;
  try {
    appendFileSync(file, cut === 'torn' ? tornPiece(bytes, tail, tornBytes) : garbled(tail, tornBytes));
  } catch (error) {
    // What does not fit is lost as well.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** The beginning of what was being written; where nothing was, of a write like the one before it. */
function tornPiece(bytes: Buffer, tail: Buffer, tornBytes: number): Buffer {
  if (tail.length > 1) return tail.subarray(0, Math.floor(tail.length / 2));
  const before = bytes.subarray(Math.max(0, bytes.length - tornBytes));
  return bytes.length < walHeaderBytes + tornBytes
    ? Buffer.alloc(0)
    : before.subarray(0, Math.floor(tornBytes / 2));
}

/** The file has grown and its blocks hold what was there before. */
function garbled(tail: Buffer, tornBytes: number): Buffer {
  const length = Math.max(tail.length, tornBytes);
  return Buffer.from(Array.from({ length }, (_, at) => (at * 167 + 13) % 256));
}
