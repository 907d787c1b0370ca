// The SQLite journal: the common suite, then what only a file can suffer: damage, other programs, full disks, kills.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { JournalFailed, type JournalOptions, openJournal } from '../../scheduler/journal/journal.ts';
import { decodeGroup, checksum, seal } from '../../scheduler/journal/record.ts';
import { readRows, recover } from '../../scheduler/journal/recover.ts';
import { journalApplicationId, journalMigrations } from '../../scheduler/journal/schema.ts';
import type { Batch } from '../../scheduler/protocol/events.ts';
import type { Refusal } from '../../scheduler/protocol/outcome.ts';
import { faultOf } from '../../scheduler/sqlite/fault.ts';
import { openDatabase } from '../../scheduler/sqlite/open.ts';
import { batchOf } from './journalBatches.ts';
import { allBatches, appendAll, describeJournal, opened } from './journalSuite.ts';

const threadFile = new URL('../../scheduler/journal/journalThread.ts', import.meta.url);
const never = (cause: Refusal): void => {
  throw new Error(`unexpected failure: ${cause.message}`);
};

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-journal-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
const diskIn =
  (folder: string, more: Partial<JournalOptions> = {}) =>
  () =>
    openJournal({ folder, threadFile, onFailure: never, ...more });

describeJournal('SQLite', () => diskIn(newFolder()));

/** A folder whose journal has rows 1 to `rows`, one batch each. */
async function folderWith(rows: number, snapshots: readonly number[] = []): Promise<string> {
  const folder = newFolder();
  const open = await opened(diskIn(folder));
  for (let sequence = 1; sequence <= rows; sequence += 1) {
    await open.journal.append(batchOf(sequence));
    if (snapshots.includes(sequence)) await open.journal.snapshot(sequence, `state ${sequence}`);
  }
  await open.journal.close();
  return folder;
}

function change(folder: string, work: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(folder, 'journal.db'));
  work(database);
  database.close();
}

/** Flips one bit of a blob, as a disk would. */
function flipBit(folder: string, table: string, column: string, where: string): void {
  change(folder, (database) => {
    const found = database
      .prepare(`SELECT rowid AS id, ${column} AS bytes FROM ${table} WHERE ${where}`)
      .get();
    const bytes = Buffer.from(found?.['bytes'] as Uint8Array);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 4;
    database.prepare(`UPDATE ${table} SET ${column} = ? WHERE rowid = ?`).run(bytes, found?.['id'] as number);
  });
}

async function refusalOf(folder: string): Promise<Refusal> {
  const outcome = await diskIn(folder)();
  if (outcome.ok) await outcome.value.journal.close();
  if (outcome.ok) throw new Error('the journal was opened');
  return outcome.reason;
}

describe('a damaged journal', () => {
  test('is refused where a bit of a payload flipped, naming the row', async () => {
    const folder = await folderWith(5);
    flipBit(folder, 'row', 'payload', 'id = 3');
    const { code, message } = await refusalOf(folder);
    expect(code).toBe('storage_failed');
    expect(message).toContain('row 3 (batches 3 to 3): its checksum does not match');
    expect(message).toContain(join(folder, 'journal.db'));
  });

  test('is refused where a bit of the chain flipped', async () => {
    const folder = await folderWith(5);
    flipBit(folder, 'row', 'chain', 'id = 2');
    expect((await refusalOf(folder)).message).toContain('row 2 (batches 2 to 2): it does not follow');
  });

  test('is refused where a row was changed together with its checksum', async () => {
    const folder = await folderWith(5);
    change(folder, (database) => {
      const payload = Buffer.from('1 2 2\n[[2,0,[]]]');
      database.prepare('UPDATE row SET payload = ?, crc = ? WHERE id = 2').run(payload, checksum(payload));
    });
    expect((await refusalOf(folder)).message).toContain('row 2');
  });

  test('is refused where a row is missing', async () => {
    const folder = await folderWith(5);
    change(folder, (database) => {
      database.exec('DELETE FROM row WHERE id = 3');
    });
    expect((await refusalOf(folder)).message).toContain('row 4');
    change(folder, (database) => {
      database.exec('DELETE FROM row WHERE id < 3');
    });
    expect((await refusalOf(folder)).message).toContain('row 4');
  });

  test('loses only a torn last row, says so, keeps it as evidence and goes on', async () => {
    const folder = await folderWith(5);
    flipBit(folder, 'row', 'payload', 'id = 5');
    const open = await opened(diskIn(folder));
    expect(open.recovered).toMatchObject({ lastSequence: 4, tornTail: true });
    expect(open.recovered.notices[0]).toContain('row 5');
    expect((await allBatches(open)).length).toBe(4);
    await appendAll(open, 5, 6);
    await open.journal.close();
    const again = await opened(diskIn(folder));
    expect(again.recovered).toMatchObject({ lastSequence: 6, tornTail: false });
    await again.journal.close();
    change(folder, (database) => {
      expect(database.prepare('SELECT count(*) AS n FROM cut').get()).toEqual({ n: 1 });
    });
  });

  test('does not take the numbers of a last row on trust', async () => {
    const folder = await folderWith(5, [2]);
    change(folder, (database) => {
      database.exec('UPDATE row SET last = 1 WHERE id = 5');
    });
    expect((await opened(diskIn(folder))).recovered).toMatchObject({ lastSequence: 4, tornTail: true });
  });

  test('never cuts an intact row of a newer format', async () => {
    const folder = await folderWith(2);
    change(folder, (database) => {
      const payload = Buffer.from('2 3 3\nwho knows');
      const before = database.prepare('SELECT chain FROM row WHERE id = 2').get()?.['chain'] as Uint8Array;
      const { crc, chain } = seal(payload, before);
      database.prepare('INSERT INTO row VALUES (3, 3, 3, ?, ?, ?)').run(crc, chain, payload);
    });
    expect((await refusalOf(folder)).message).toContain('format 2, and this Millrace reads format 1');
  });

  test('falls back to the older snapshot where the newer is damaged', async () => {
    const folder = await folderWith(9, [3, 7]);
    flipBit(folder, 'snapshot_part', 'payload', 'sequence = 7');
    const open = await opened(diskIn(folder));
    expect(open.recovered.snapshot).toEqual({ sequence: 3, payload: 'state 3' });
    expect(open.recovered.notices).toEqual(['snapshot 7 is damaged: its checksum does not match']);
    expect((await allBatches(open)).map((batch) => batch.sequence)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  test('is refused where no snapshot is good and the rows before it are gone', async () => {
    const folder = await folderWith(9, [3, 7]);
    const open = await opened(diskIn(folder));
    await vi.waitFor(() => {
      expect(open.journal.stats().rows).toBe(6);
    });
    await open.journal.close();
    flipBit(folder, 'snapshot_part', 'payload', 'sequence = 7');
    flipBit(folder, 'snapshot_part', 'payload', 'sequence = 3');
    expect((await refusalOf(folder)).message).toContain('batches 1 to 3 are missing (snapshot 7 is damaged');
  });
});

/** What a thread would find in the file, without the cost of a thread; undefined: it was refused. */
function foundIn(
  folder: string,
): { batches: Batch[]; from: number; to: number; snapshot: string } | undefined {
  const path = join(folder, 'journal.db');
  const file = { path, applicationId: journalApplicationId, migrations: journalMigrations };
  const database = openDatabase({ ...file, synchronous: 'FULL' });
  if (!database.ok) return undefined;
  try {
    const recovery = recover(database.value, path);
    if (!recovery.ok) return undefined;
    const { snapshot, lastSequence } = recovery.value.found;
    const { payloads } = readRows(database.value, recovery.value.found, Number.MAX_SAFE_INTEGER);
    const batches = payloads.flatMap((payload) => {
      const group = decodeGroup(payload);
      if (!group.ok) throw new Error(group.reason);
      return group.value.filter((batch) => batch.sequence > (snapshot?.sequence ?? 0));
    });
    return {
      batches,
      from: snapshot?.sequence ?? 0,
      to: lastSequence,
      snapshot: snapshot?.parts.join('') ?? '',
    };
  } catch (error) {
    // Damage that SQLite itself sees; the thread refuses it as well.
    expect(faultOf(error, path).cause).toBe('damaged');
    return undefined;
  } finally {
    database.value.close();
  }
}

test('a bit that flips anywhere in the file never changes what is replayed', async () => {
  const folder = await folderWith(30, [8]);
  const whole = readFileSync(join(folder, 'journal.db'));
  const written = Array.from({ length: 30 }, (_, place) => batchOf(place + 1));
  const copy = newFolder();
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(7), (at, bit) => {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      writeFileSync(join(copy, 'journal.db'), flipped);
      const found = foundIn(copy);
      if (!found) return;
      expect(found.batches).toEqual(written.slice(found.from, found.to));
      expect(found.snapshot).toBe(found.from === 8 ? 'state 8' : '');
    }),
    { numRuns: 500, examples: [[35_340, 5]] },
  );
});

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
    expect(database.prepare('SELECT count(*) AS n FROM snapshot_part').get()).toEqual({ n: 2 });
  });
});

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
    await expect(open.journal.snapshot(1, 'x')).rejects.toThrow('disk is full');
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
  let acknowledged = 0;
  for (const killAfter of [1, 50, 400, 10, 900]) {
    const child = spawn(process.execPath, [new URL('journalChild.ts', import.meta.url).pathname, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout });
    const stopAt = acknowledged + killAfter;
    lines.on('line', (line) => {
      acknowledged = Number(line);
      if (acknowledged >= stopAt) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const open = await opened(diskIn(folder));
    expect(open.recovered.lastSequence).toBeGreaterThanOrEqual(acknowledged);
    const batches = await allBatches(open);
    const from = (open.recovered.snapshot?.sequence ?? 0) + 1;
    expect(batches).toEqual(batches.map((_, place) => batchOf(from + place)));
    expect(batches.at(-1)?.sequence ?? from - 1).toBe(open.recovered.lastSequence);
    await open.journal.close();
  }
});
