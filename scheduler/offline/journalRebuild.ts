// Writes the repaired journal as a new file beside the damaged one, and puts it in its place once it is on the disk.
import { copyFile, link, rename, rm } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { openCopy } from '../journal/copy.ts';
import { chainStart, encodeBatch, headerOf, joinGroup, type Range } from '../journal/record.ts';
import { examine } from '../journal/recover.ts';
import { RowWriter } from '../journal/rowWriter.ts';
import { partsGiven, readPart } from '../journal/snapshotReader.ts';
import { SnapshotWriter } from '../journal/snapshotWriter.ts';
import { bytesIn } from '../sqlite/columns.ts';
import type { Database } from '../sqlite/driver.ts';
import { inTransaction } from '../sqlite/open.ts';
import { stampOf, syncPath } from './durableFiles.ts';
import { CommandEnds, exitCodes, openJournalToRead, replayed } from './journalReading.ts';
import type { RepairPlan } from './journalRepairPlan.ts';

const besideOf = (path: string): string => `${path}.repaired`;

/** Throws where the new file is not what the plan says; the damaged one is only read. */
export function buildRepaired(source: Database, path: string, plan: RepairPlan): void {
  const target = besideOf(path);
  rmSync(target, { force: true });
  const opened = openCopy(target);
  if (!opened.ok) throw new CommandEnds(exitCodes.refused, opened.reason.message);
  try {
    writeSnapshot(opened.value, source, plan);
    const rows = new RowWriter(opened.value, chainStart);
    inTransaction(opened.value, () => {
      if (!plan.stateAhead) copyRows(rows, source, plan);
      const range = { first: plan.sequence, last: plan.sequence };
      const batch = { sequence: plan.sequence, atMs: plan.atMs, events: [plan.event] };
      rows.write(joinGroup([encodeBatch(batch)], range), range);
    });
  } finally {
    opened.value.close();
  }
  check(target, plan);
}

function writeSnapshot(
  target: Database,
  source: Database,
  { snapshot, stateAhead, sequence }: RepairPlan,
): void {
  const writer = new SnapshotWriter(target, []);
  if (stateAhead) {
    for (const [part, text] of stateAhead.entries()) writer.put({ sequence: sequence - 1, part, text });
    writer.end(sequence - 1);
  } else if (snapshot) {
    for (let part = 0; part < partsGiven(snapshot); part += 1) {
      const text = Buffer.from(readPart(source, snapshot, part)).toString('utf8');
      writer.put({ sequence: snapshot.sequence, part, text });
    }
    writer.end(snapshot.sequence);
  }
}

/** Sealed anew, since what the first one hung on may be lost. */
function copyRows(rows: RowWriter, source: Database, { walk }: RepairPlan): void {
  const found = source
    .prepare('SELECT payload FROM row WHERE id > ? AND id <= ? ORDER BY id')
    .iterate(walk.afterId, walk.lastId);
  for (const row of found) {
    const payload = bytesIn(row, 'payload');
    rows.write(Buffer.from(payload).toString('utf8'), rangeOf(payload));
  }
}

function rangeOf(payload: Uint8Array): Range {
  const header = headerOf(payload);
  if (!header) throw new Error('a row that was checked has no header');
  return header;
}

/** As a host would read it. */
function check(target: string, plan: RepairPlan): void {
  const opened = openJournalToRead(target);
  if (!opened.ok) throw new Error(opened.reason.message);
  try {
    const examined = examine(opened.value.database, target, () => undefined);
    if (examined.fault) throw new Error(examined.fault.message);
    const { state } = replayed(opened.value.database, examined);
    if (state.sequence !== plan.sequence || state.tasks.size !== plan.liveTasks)
      throw new Error(`${target} is not what was to be made: nothing was changed`);
  } finally {
    opened.value.close();
  }
}

/** Resolves to where the damaged file is kept, with its log beside it. */
export async function putInPlace(path: string): Promise<string> {
  const kept = `${path}.damaged-${stampOf(Date.now())}`;
  const log = `${path}-wal`;
  await keep(path, kept);
  const hasLog = await keep(log, `${kept}-wal`).then(
    () => true,
    () => false,
  );
  await syncPath(besideOf(path));
  await syncPath(dirname(path), true);
  // The log belongs to the damaged file: beside another one it would be taken for that one's.
  if (hasLog) await rm(log);
  await rm(`${path}-shm`, { force: true });
  await rename(besideOf(path), path);
  await syncPath(dirname(path), true);
  return kept;
}

/** A second name for the same bytes, or a copy where the file system has no such names. */
async function keep(path: string, kept: string): Promise<void> {
  try {
    await link(path, kept);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw error;
    await copyFile(path, kept);
    await syncPath(kept);
  }
}
