// What a flipped bit, a lost row or a torn write does to a journal: it is found, named, and answered by one known path.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checksum, decodeGroup, recordVersion, seal } from '../../scheduler/journal/record.ts';
import { readRows, recover } from '../../scheduler/journal/recover.ts';
import { journalApplicationId, journalMigrations } from '../../scheduler/journal/schema.ts';
import { readPart } from '../../scheduler/journal/snapshotReader.ts';
import type { Batch } from '../../scheduler/protocol/events.ts';
import { faultOf } from '../../scheduler/sqlite/fault.ts';
import { openDatabase } from '../../scheduler/sqlite/open.ts';
import { batchOf } from './journalBatches.ts';
import {
  change,
  diskIn,
  filesIn,
  flipBit,
  folderWith,
  newFolder,
  partsAt,
  refusalOf,
} from './journalStage.ts';
import { allBatches, appendAll, opened, snapshotOf } from './journalSuite.ts';

/** In the middle: row 3 of 5. */
describe('one bit of a row that is not the last', () => {
  test.each([
    ['payload', 'row 3 (batches 3 to 3): its checksum does not match'],
    ['crc', 'row 3 (batches 3 to 3): its checksum does not match'],
    ['chain', 'row 3 (batches 3 to 3): it does not follow the row before it'],
    ['first', 'row 3 (batches 19 to 3): its numbers do not match'],
    ['last', 'row 3 (batches 3 to 19): its numbers do not match'],
    ['id', 'row 4 (batches 4 to 4): it does not follow the row before it'],
  ])('%s: refused by name, with what to do, and nothing is changed', async (column, said) => {
    const folder = await folderWith(5);
    flipBit(folder, 'row', column, 'id = 3');
    const before = filesIn(folder);
    const { code, message } = await refusalOf(folder);
    expect(code).toBe('storage_failed');
    expect(message).toContain(`${join(folder, 'journal.db')} is damaged: ${said}`);
    expect(message).toContain(`millrace journal repair --data ${folder}`);
    expect(filesIn(folder)).toEqual(before);
  });

  test('the row is refused where it was changed together with its checksum', async () => {
    const folder = await folderWith(5);
    change(folder, (database) => {
      const payload = Buffer.from('1 2 2\n[[2,0,[]]]');
      database.prepare('UPDATE row SET payload = ?, crc = ? WHERE id = 2').run(payload, checksum(payload));
    });
    expect((await refusalOf(folder)).message).toContain('row 2');
  });

  test('a row that is missing is found by the one after it', async () => {
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
});

describe('one bit of the last row', () => {
  test.each([
    ['crc', 'its checksum does not match'],
    ['chain', 'it does not follow the row before it'],
    ['first', 'its numbers do not match'],
    ['last', 'its numbers do not match'],
    ['id', 'it comes after row 4'],
  ])('%s: refused, since the payload is whole and somebody may have been told', async (column, said) => {
    const folder = await folderWith(5, [2]);
    flipBit(folder, 'row', column, 'id = 5');
    const before = filesIn(folder);
    expect((await refusalOf(folder)).message).toContain(said);
    expect(filesIn(folder)).toEqual(before);
  });

  test('payload: as a torn write it is cut, said, kept as evidence, and the journal goes on', async () => {
    const folder = await folderWith(5);
    flipBit(folder, 'row', 'payload', 'id = 5');
    const open = await opened(diskIn(folder));
    expect(open.recovered).toMatchObject({ lastSequence: 4, tornTail: true });
    expect(open.recovered.notices).toEqual(['cut off: row 5 (batches 5 to 5): its checksum does not match']);
    expect((await allBatches(open)).length).toBe(4);
    await appendAll(open, 5, 6);
    await open.journal.close();
    const again = await opened(diskIn(folder));
    expect(again.recovered).toMatchObject({ lastSequence: 6, tornTail: false });
    await again.journal.close();
    change(folder, (database) => {
      expect(database.prepare('SELECT id, first FROM cut').all()).toEqual([{ id: 5, first: 5 }]);
    });
  });

  test('an intact one of a newer format is never cut', async () => {
    const folder = await folderWith(2);
    change(folder, (database) => {
      const payload = Buffer.from(`${recordVersion + 1} 3 3\nwho knows`);
      const before = database.prepare('SELECT chain FROM row WHERE id = 2').get()?.['chain'] as Uint8Array;
      const { crc, chain } = seal(payload, before);
      database.prepare('INSERT INTO row VALUES (3, 3, 3, ?, ?, ?)').run(crc, chain, payload);
    });
    const { message } = await refusalOf(folder);
    expect(message).toContain(`it has format ${recordVersion + 1}, and this Millrace reads formats 1 to`);
    expect(message).toContain('start the newer Millrace');
  });
});

describe('one bit of a snapshot', () => {
  test.each([
    ['snapshot_part', 'payload', 'sequence = 7 AND part = 1', 'the checksum of part 1 does not match'],
    ['snapshot_part', 'crc', 'sequence = 7 AND part = 0', 'the checksum of part 0 does not match'],
    ['snapshot_part', 'part', 'sequence = 7 AND part = 1', 'part 1 is missing'],
    ['snapshot_part', 'sequence', 'sequence = 7 AND part = 1', 'its head names 2 parts, 1 are there'],
    ['snapshot', 'parts', 'sequence = 7', 'its head names 18 parts, 2 are there'],
    ['snapshot', 'crc', 'sequence = 7', 'the checksum of its head does not match'],
    ['snapshot', 'sequence', 'sequence = 7', 'its head names 2 parts, 0 are there'],
    ['snapshot', 'bytes', 'sequence = 7', 'the checksum of its head does not match'],
    ['snapshot', 'format', 'sequence = 7', 'its head names format 18'],
  ])('%s.%s: the older snapshot is used, and the log says so', async (table, column, where, said) => {
    const folder = await folderWith(9, [3, 7], 6);
    flipBit(folder, table, column, where);
    const open = await opened(diskIn(folder));
    const number = column === 'sequence' && table === 'snapshot' ? 7 ^ 16 : 7;
    expect(open.recovered.notices).toEqual([`snapshot ${number} is damaged: ${said}`]);
    expect(await snapshotOf(open)).toEqual({ sequence: 3, bytes: 8, parts: partsAt(3) });
    expect((await allBatches(open)).map((batch) => batch.sequence)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  test('a damaged one counts for nothing: the next two good ones replace it, and rows stay until then', async () => {
    const folder = await folderWith(9, [3, 7], 6);
    flipBit(folder, 'snapshot_part', 'payload', 'sequence = 7 AND part = 0');
    const open = await opened(diskIn(folder));
    await appendAll(open, 10, 12);
    await open.journal.snapshot(12, partsAt(12));
    await open.journal.close();
    change(folder, (database) => {
      const kept = database.prepare('SELECT sequence FROM snapshot ORDER BY sequence').all();
      expect(kept.map((row) => row['sequence'])).toEqual([3, 12]);
      expect(database.prepare('SELECT min(first) AS n FROM row').get()).toEqual({ n: 4 });
    });
  });

  test('both damaged and the rows before them gone: refused, naming all of it', async () => {
    const folder = await folderWith(9, [3, 7], 6);
    flipBit(folder, 'snapshot_part', 'payload', 'sequence = 7 AND part = 0');
    flipBit(folder, 'snapshot_part', 'payload', 'sequence = 3 AND part = 0');
    const { message } = await refusalOf(folder);
    expect(message).toContain('batches 1 to 3 are missing (snapshot 7 is damaged: the checksum of part 0');
    expect(message).toContain('snapshot 3 is damaged');
  });

  test('both damaged and the rows reach back to batch 1: replay begins there', async () => {
    const folder = await folderWith(9, [3]);
    flipBit(folder, 'snapshot_part', 'payload', 'sequence = 3 AND part = 0');
    const open = await opened(diskIn(folder));
    expect(open.recovered.snapshot).toBeUndefined();
    expect((await allBatches(open)).length).toBe(9);
  });
});

describe('one bit of the entry that says up to where rows were pruned', () => {
  test.each(['number', 'bytes', 'crc'])(
    '%s: said, and harmless while rows before the start are there',
    async (column) => {
      const folder = await folderWith(9, [3, 7], 6);
      flipBit(folder, 'meta', column, `key = 'pruned'`);
      const open = await opened(diskIn(folder));
      expect(open.recovered.notices[0]).toContain(
        'entry "pruned" of table meta: its checksum does not match',
      );
      expect(open.recovered.lastSequence).toBe(9);
    },
  );

  test.each(['number', 'bytes', 'crc'])(
    '%s: refused by name where the first row hangs on it',
    async (column) => {
      const folder = await folderWith(9, [3, 7], 6);
      flipBit(folder, 'meta', column, `key = 'pruned'`);
      flipBit(folder, 'snapshot_part', 'payload', 'sequence = 7 AND part = 0');
      const before = filesIn(folder);
      expect((await refusalOf(folder)).message).toContain('entry "pruned" of table meta');
      expect(filesIn(folder)).toEqual(before);
    },
  );
});

/** Where the header of a SQLite file holds them, https://sqlite.org/fileformat.html. */
describe('one bit of the header of the file', () => {
  test.each([
    ['the magic text', 3, 'is not a database'],
    ['the application id', 71, 'is a database of another program'],
    ['the version of the schema', 63, 'written by a newer Millrace'],
  ])('%s: refused, and nothing is changed', async (_what, at, said) => {
    const folder = await folderWith(3);
    const path = join(folder, 'journal.db');
    const bytes = readFileSync(path);
    bytes[at] = (bytes[at] ?? 0) ^ 4;
    writeFileSync(path, bytes);
    const before = filesIn(folder);
    expect((await refusalOf(folder)).message).toContain(said);
    expect(filesIn(folder)).toEqual(before);
  });
});

/** What a thread would find in the file, without the cost of a thread; undefined: it was refused. */
function foundIn(
  folder: string,
): { batches: Batch[]; from: number; to: number; snapshot: string[] } | undefined {
  const path = join(folder, 'journal.db');
  const file = { path, applicationId: journalApplicationId, migrations: journalMigrations };
  const database = openDatabase({ ...file, synchronous: 'FULL' });
  if (!database.ok) return undefined;
  try {
    const recovery = recover(database.value, path, () => undefined);
    if (!recovery.ok) return undefined;
    const { found, snapshot } = recovery.value;
    const { payloads } = readRows(database.value, found, Number.MAX_SAFE_INTEGER);
    const batches = payloads.flatMap((payload) => {
      const group = decodeGroup(payload);
      if (!group.ok) throw new Error(group.reason);
      return group.value.filter((batch) => batch.sequence > (snapshot?.sequence ?? 0));
    });
    return {
      batches,
      from: snapshot?.sequence ?? 0,
      to: found.lastSequence,
      snapshot: Array.from({ length: found.snapshot?.parts ?? 0 }, (_, part) =>
        snapshot ? Buffer.from(readPart(database.value, snapshot, part)).toString() : '',
      ),
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
      expect(found.to).toBeGreaterThanOrEqual(29);
      expect(found.snapshot).toEqual(found.from === 8 ? partsAt(8) : []);
    }),
    {
      numRuns: 500,
      examples: [
        [35_340, 5],
        [36_868, 2], // a page of rows that says it holds four fewer
        [28_661, 0], // a key above the parts of the snapshot: a walk finds them all, a look for one does not
      ],
    },
  );
});
