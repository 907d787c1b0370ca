// Folders with a journal in them, ways to damage it as a disk would, and what opening it says.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { onTestFinished, vi } from 'vitest';
import { type JournalOptions, openJournal } from '../../scheduler/journal/journal.ts';
import type { Refusal } from '../../scheduler/protocol/outcome.ts';
import { batchOf } from './journalBatches.ts';
import { opened } from './journalSuite.ts';

const threadFile = new URL('../../scheduler/journal/journalThread.ts', import.meta.url);
const never = (cause: Refusal): void => {
  throw new Error(`unexpected failure: ${cause.message}`);
};

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-journal-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
export const diskIn =
  (folder: string, more: Partial<JournalOptions> = {}) =>
  () =>
    openJournal({ folder, threadFile, onFailure: never, ...more });

export const partsAt = (sequence: number): string[] => [`state ${sequence}`, '.'];

/** A folder whose journal has rows 1 to `rows`, one batch each; `left`: how many of them pruning leaves. */
export async function folderWith(
  rows: number,
  snapshots: readonly number[] = [],
  left = rows,
): Promise<string> {
  const folder = newFolder();
  const open = await opened(diskIn(folder));
  for (let sequence = 1; sequence <= rows; sequence += 1) {
    await open.journal.append(batchOf(sequence));
    if (snapshots.includes(sequence)) await open.journal.snapshot(sequence, partsAt(sequence));
  }
  await vi.waitFor(() => {
    if (open.journal.stats().rows > left) throw new Error('pruning is under way');
  });
  await open.journal.close();
  return folder;
}

export function change(folder: string, work: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(folder, 'journal.db'));
  work(database);
  database.close();
}

/** Flips one bit of a value, as a disk would. */
export function flipBit(folder: string, table: string, column: string, where: string): void {
  change(folder, (database) => {
    const found = database.prepare(`SELECT ${column} AS value FROM ${table} WHERE ${where}`).get()?.['value'];
    database.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`).run(flipped(found));
  });
}

function flipped(value: unknown): Uint8Array | number {
  if (typeof value === 'number') return value ^ 16;
  if (!(value instanceof Uint8Array)) throw new Error('there is nothing to flip');
  const bytes = Buffer.from(value);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 4;
  return bytes;
}

export async function refusalOf(folder: string): Promise<Refusal> {
  const outcome = await diskIn(folder)();
  if (outcome.ok) await outcome.value.journal.close();
  if (outcome.ok) throw new Error('the journal was opened');
  return outcome.reason;
}

/** All files of a folder with their bytes, to compare. */
export const filesIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  );
