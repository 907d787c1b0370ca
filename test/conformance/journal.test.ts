// The SQLite journal: the common suite, then what only a file can suffer: other programs, full disks, kills, growth.
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { JournalFailed, type JournalOptions } from '../../scheduler/journal/journal.ts';
import { chainStart, checksum, encodeBatch, joinGroup, seal } from '../../scheduler/journal/record.ts';
import { journalApplicationId, journalMigrations } from '../../scheduler/journal/schema.ts';
import { snapshotEveryBytes } from '../../scheduler/protocol/limits.ts';
import type { Refusal } from '../../scheduler/protocol/outcome.ts';
import { batchOf } from './journalBatches.ts';
import { change, diskIn, flipBit, folderWith, newFolder, refusalOf } from './journalStage.ts';
import { KilledJournal } from './killedJournal.ts';
import { allBatches, appendAll, describeJournal, opened, snapshotOf } from './journalSuite.ts';

describeJournal(
  'SQLite',
  () => diskIn(newFolder()),
  (path) => diskIn(dirname(path)),
);

test('pruning keeps two snapshots and the rows since the older one', async () => {
  const folder = await folderWith(40, [10, 20, 30]);
  const open = await opened(diskIn(folder));
  await vi.waitFor(() => {
    expect(open.journal.stats().rows).toBe(20);
  });
  expect((await allBatches(open)).length).toBe(10);
  await open.journal.close();
  change(folder, (database) => {
    const kept = database.prepare('SELECT sequence FROM snapshot ORDER BY sequence').all();
    expect(kept.map((row) => row['sequence'])).toEqual([20, 30]);
    expect(database.prepare('SELECT count(*) AS n FROM snapshot_part').get()).toEqual({ n: 4 });
  });
});

test('a journal of the first version: its snapshot is one text, and it goes on in the present format', async () => {
  const folder = newFolder();
  const text = `{"version":1,"text":"${'ü'.repeat(1_000)}"}`;
  change(folder, (database) => {
    database.exec(`PRAGMA application_id = ${journalApplicationId}; PRAGMA user_version = 1`);
    database.exec(journalMigrations[0]);
    let chain = chainStart;
    for (let sequence = 1; sequence <= 4; sequence += 1) {
      const payload = Buffer.from(
        joinGroup([encodeBatch(batchOf(sequence))], { first: sequence, last: sequence }),
      );
      payload.write('1', 0); // the format
      const sealed = seal(payload, chain);
      ({ chain } = sealed);
      database
        .prepare('INSERT INTO row VALUES (?, ?, ?, ?, ?, ?)')
        .run(sequence, sequence, sequence, sealed.crc, chain, payload);
    }
    const parts = [text.slice(0, 700), text.slice(700)].map((cut) => Buffer.from(cut));
    for (const [part, bytes] of parts.entries())
      database.prepare('INSERT INTO snapshot_part VALUES (2, ?, ?)').run(part, bytes);
    database.prepare('INSERT INTO snapshot VALUES (2, 2, ?)').run(checksum(Buffer.from(text)));
  });
  const open = await opened(diskIn(folder));
  expect(await snapshotOf(open)).toEqual({ sequence: 2, bytes: Buffer.byteLength(text), parts: [text] });
  expect(await allBatches(open)).toEqual([batchOf(3), batchOf(4)]);
  await appendAll(open, 5, 6);
  await open.journal.snapshot(6, ['six']);
  await open.journal.close();
  const again = await opened(diskIn(folder));
  expect(await snapshotOf(again)).toEqual({ sequence: 6, bytes: 3, parts: ['six'] });
  await again.journal.close();
  flipBit(folder, 'snapshot', 'crc', 'sequence = 6');
  const older = await opened(diskIn(folder));
  expect((await snapshotOf(older))?.parts).toEqual([text]);
  expect((await allBatches(older)).map(({ sequence }) => sequence)).toEqual([3, 4, 5, 6]);
});

test(
  'a new file gives room back to the disk once snapshots have made its rows needless',
  { timeout: 60_000 },
  async () => {
    const folder = newFolder();
    const open = await opened(diskIn(folder));
    const large = 'x'.repeat(250_000);
    const parts = Array.from({ length: 500 }, () => large);
    await appendAll(open, 1, 3);
    await open.journal.snapshot(1, parts);
    // Told after the snapshot is: the thread looks at the file now and then.
    await vi.waitFor(() => {
      expect(open.journal.stats().fileBytes).toBeGreaterThan(100_000_000);
    });
    await open.journal.snapshot(2, ['small']);
    await open.journal.snapshot(3, ['small']);
    // What the rows until the next snapshot fill again may stay.
    await vi.waitFor(
      () => {
        expect(open.journal.stats().fileBytes).toBeLessThan(snapshotEveryBytes + 16 * 1024 * 1024);
      },
      { timeout: 50_000 },
    );
  },
);

describe('a file that is not ours', () => {
  test('is refused and left alone: no database', async () => {
    const folder = newFolder();
    const path = join(folder, 'journal.db');
    writeFileSync(path, 'shopping list');
    expect((await refusalOf(folder)).message).toContain(`${path} is not a database`);
    expect(readFileSync(path, 'utf8')).toBe('shopping list');
  });

  test('is refused and left alone: the database of another program', async () => {
    const folder = newFolder();
    change(folder, (database) => {
      database.exec('CREATE TABLE song (title)');
    });
    const before = readFileSync(join(folder, 'journal.db'));
    expect((await refusalOf(folder)).message).toContain('database of another program');
    expect(readFileSync(join(folder, 'journal.db')).equals(before)).toBe(true);
  });

  test('is refused and left alone: a newer version', async () => {
    const folder = await folderWith(1);
    change(folder, (database) => {
      database.exec('PRAGMA user_version = 99');
    });
    const before = readFileSync(join(folder, 'journal.db'));
    expect((await refusalOf(folder)).message).toContain('version 99, written by a newer Millrace');
    expect(readFileSync(join(folder, 'journal.db')).equals(before)).toBe(true);
  });

  test('is refused while another host has it open', { timeout: 10_000 }, async () => {
    const folder = newFolder();
    await opened(diskIn(folder));
    expect((await refusalOf(folder)).message).toContain('in use by another process');
  });
});

const isRoot = process.getuid?.() === 0;
const mount = (...more: string[]): boolean =>
  isRoot && spawnSync('/usr/bin/mount', ['-t', 'tmpfs', ...more]).status === 0;

/** A small disk of its own, or undefined where we may not mount one. */
function newDisk(options: string): string | undefined {
  const folder = newFolder();
  if (!mount('-o', options, 'tmpfs', folder)) return undefined;
  onTestFinished(() => {
    spawnSync('/usr/bin/umount', [folder]);
  });
  return folder;
}

describe('a disk that fails', () => {
  test.skipIf(!isRoot)('read only: refused, naming the folder (needs root to mount)', async ({ skip }) => {
    const folder = newDisk('ro');
    if (folder === undefined) return skip('tmpfs cannot be mounted here');
    expect((await refusalOf(folder)).message).toContain(`folder ${folder} cannot be written`);
  });

  async function fill(folder: string, more: Partial<JournalOptions>): Promise<Refusal[]> {
    const failures: Refusal[] = [];
    const onFailure = (cause: Refusal): number => failures.push(cause);
    const open = await opened(diskIn(folder, { onFailure, ...more }));
    let durable = 0;
    let failed = 0;
    const writes = Array.from({ length: 3_000 }, async (_, place) => {
      await open.journal.append(batchOf(place + 1)).then(
        () => (durable += 1),
        (error: unknown) => {
          expect(error).toBeInstanceOf(JournalFailed);
          failed += 1;
        },
      );
    });
    await Promise.all(writes);
    expect(failed).toBeGreaterThan(0);
    await expect(open.journal.append(batchOf(3_001))).rejects.toThrow('disk is full');
    await expect(open.journal.snapshot(1, ['x'])).rejects.toThrow('disk is full');
    await open.journal.close();
    // As after a restart with room again: all that was said to be durable is there.
    const roomy = newFolder();
    for (const file of ['journal.db', 'journal.db-wal'])
      try {
        copyFileSync(join(folder, file), join(roomy, file));
      } catch {
        // The log is gone where the file could still be closed in order.
      }
    expect((await opened(diskIn(roomy))).recovered.lastSequence).toBeGreaterThanOrEqual(durable);
    return failures;
  }

  test('full by a bound on the file: pending and later appends reject, and one failure is told', async () => {
    const failures = await fill(newFolder(), { pagesMax: 40 });
    expect(failures.map((failure) => failure.code)).toEqual(['storage_failed']);
    expect(failures[0]?.message).toContain('disk is full');
  });

  test.skipIf(!isRoot)('really full (needs root to mount)', async ({ skip }) => {
    const folder = newDisk('size=400k');
    if (folder === undefined) return skip('tmpfs cannot be mounted here');
    expect((await fill(folder, {})).length).toBe(1);
  });
});

test('after kill -9 every acknowledged batch is there, five times over', { timeout: 60_000 }, async () => {
  const folder = newFolder();
  const killed = new KilledJournal(folder);
  for (const batches of [1, 50, 400, 10, 900]) {
    await killed.killAfter(batches);
    const open = await opened(diskIn(folder));
    expect(open.recovered.lastSequence).toBeGreaterThanOrEqual(killed.acknowledged);
    const found = await allBatches(open);
    const from = (open.recovered.snapshot?.sequence ?? 0) + 1;
    expect(found).toEqual(found.map((_, place) => batchOf(from + place)));
    expect(found.at(-1)?.sequence ?? from - 1).toBe(open.recovered.lastSequence);
    await open.journal.close();
  }
});
