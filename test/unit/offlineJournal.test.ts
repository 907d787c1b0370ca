// `millrace journal` on folders without a host: what it prints, its exit codes, and that looking changes nothing.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { openJournal } from '../../scheduler/journal/journal.ts';
import { chainStart, seal } from '../../scheduler/journal/record.ts';
import { journalApplicationId, journalMigrations } from '../../scheduler/journal/schema.ts';
import { runJournalCommand } from '../../scheduler/offline/journalCommand.ts';
import type { Verified } from '../../scheduler/offline/journalVerify.ts';
import { queueName } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { taskSpec } from './coreStage.ts';

const threadFile = new URL('../../scheduler/journal/journalThread.ts', import.meta.url);
const base = mkdtempSync(join(tmpdir(), 'millrace-offline-'));
const good = join(base, 'good');
let core = new Core();
let folders = 0;
beforeAll(async () => {
  core = await makeJournal(good);
});
afterAll(() => {
  rmSync(base, { recursive: true, force: true });
});

/** Ten turns of a core, a batch each; a snapshot after the sixth. */
async function makeJournal(folder: string): Promise<Core> {
  const opened = await openJournal({ folder, threadFile, onFailure: () => undefined });
  if (!opened.ok) throw new Error(opened.reason.message);
  const { journal } = opened.value;
  const made = new Core();
  const commands: Command[] = [
    { kind: 'StartEpoch', seed: 1 },
    { kind: 'PutQueue', queue: queueName('default'), change: { weight: 1 }, actor: 'test' },
    ...Array.from({ length: 8 }, (): Command => ({
      kind: 'SubmitTasks',
      specs: [taskSpec()],
      actor: 'test',
    })),
  ];
  for (const [turn, command] of commands.entries()) {
    const { batch } = made.turn(1_700_000_000_000 + turn, [command]);
    if (batch) await journal.append(batch);
    if (turn === 5) await journal.snapshot(made.state.sequence, made.snapshotParts());
  }
  await journal.close();
  return made;
}

/** A copy of the good one, changed. */
function folderWith(sql: string): string {
  folders += 1;
  const folder = join(base, `folder${folders}`);
  cpSync(good, folder, { recursive: true });
  const database = new DatabaseSync(join(folder, 'journal.db'));
  database.exec(sql);
  database.close();
  return folder;
}
const flip = (column: string, id: number): string =>
  `UPDATE row SET ${column} = ${column} + 16 WHERE id = ${id}`;

async function run(...args: string[]): Promise<{ code: number; out: string; said: string }> {
  const ended = { out: '', said: '' };
  const output = {
    out: (text: string): void => {
      ended.out += text;
    },
    say: (text: string): void => {
      ended.said += text;
    },
  };
  const code = await runJournalCommand(args, output, {});
  return { code, ...ended };
}
async function verified(folder: string): Promise<Verified> {
  return JSON.parse((await run('verify', '--json', '--data', folder)).out) as Verified;
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder).map(
    (name) =>
      `${name} ${createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex')}`,
  );

describe('verify', () => {
  test('says what is there and what a start would have, and changes nothing', async () => {
    const before = filesIn(good);
    expect(await run('verify', '--data', good)).toMatchObject({ code: 0 });
    expect(await verified(good)).toMatchObject({
      rows: { count: 10, first: 1, last: 10, formats: { 3: 10 } },
      snapshots: [{ sequence: 6, format: 2, isGood: true }],
      state: { sequence: 10, liveTasks: 8, nodes: 0, digest: core.digest() },
      history: { state: 'missing' },
      damage: [],
    });
    expect(filesIn(good)).toEqual(before);
  });

  test.each([
    ['a row that a start needs', flip('crc', 8), 'row 8 (batches 8 to 8): its checksum does not match', true],
    ['a row that a snapshot covers', flip('crc', 2), 'row 2 (batches 2 to 2)', false],
    [
      'a part',
      `UPDATE snapshot_part SET crc = crc + 16`,
      'snapshot 6 is damaged: the checksum of part 0',
      false,
    ],
    [
      'a head',
      `UPDATE snapshot SET bytes = bytes + 16`,
      'snapshot 6 is damaged: the checksum of its head',
      false,
    ],
  ])('names %s', async (_what, sql, said, isRefused) => {
    const folder = folderWith(sql);
    const { damage, refusal } = await verified(folder);
    expect(damage.join('\n')).toContain(said);
    expect(refusal !== undefined).toBe(isRefused);
    expect(await run('verify', '--data', folder)).toMatchObject({ code: 1 });
  });

  test('reads a journal of the first version without changing it', async () => {
    const folder = join(base, 'old');
    rmSync(folder, { recursive: true, force: true });
    cpSync(good, folder, { recursive: true });
    rmSync(join(folder, 'journal.db'));
    const database = new DatabaseSync(join(folder, 'journal.db'));
    database.exec(`PRAGMA application_id = ${journalApplicationId}; PRAGMA user_version = 1;`);
    database.exec(journalMigrations[0]);
    const payload = Buffer.from('1 1 1\n[[1,1700000000000,[{"kind":"epoch_started","epoch":1,"seed":7}]]]');
    const { crc, chain } = seal(payload, chainStart);
    database.prepare('INSERT INTO row VALUES (1, 1, 1, ?, ?, ?)').run(crc, chain, payload);
    database.close();
    const before = filesIn(folder);
    expect(await verified(folder)).toMatchObject({ rows: { formats: { 1: 1 } }, damage: [] });
    expect(filesIn(folder)).toEqual(before);
  });
});

describe('export', () => {
  test('gives one line for each batch, by number and kind', async () => {
    const all = await run('export', '--data', good);
    expect(all.code).toBe(0);
    expect(all.out.trim().split('\n').length).toBe(10);
    const some = await run('export', '--data', good, '--from', '4', '--to', '5', '--kind', 'task_admitted');
    const lines = some.out.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { sequence: number }).sequence)).toEqual([4, 5]);
    expect(lines[0]).toContain('"at":"2023-11-14T22:13:20.003Z"');
    expect((await run('export', '--data', good, '--kind', 'node_lost')).out).toBe('');
  });

  test('writes a new file, and never over one', async () => {
    const file = join(base, 'out.ndjson');
    expect(await run('export', '--data', good, '--out', file)).toMatchObject({ code: 0, out: '' });
    expect(readFileSync(file, 'utf8').trim().split('\n').length).toBe(10);
    writeFileSync(file, 'mine');
    const refused = await run('export', '--data', good, '--out', file);
    expect(refused).toMatchObject({ code: 6 });
    expect(refused.said).toContain('exists already');
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test('ends at the first damaged row', async () => {
    const { code, out, said } = await run('export', '--data', folderWith(flip('crc', 8)));
    expect(code).toBe(1);
    expect(out.trim().split('\n').length).toBe(7);
    expect(said).toContain('stopped at row 8');
  });
});

describe('repair', () => {
  test('goes on from the newest snapshot, and gives no number again', async () => {
    const folder = folderWith(flip('crc', 8));
    expect(await run('repair', '--data', folder)).toMatchObject({ code: 6 });
    const repaired = await run('repair', '--data', folder, '--yes', '--json');
    expect(repaired.code).toBe(0);
    const figures = JSON.parse(repaired.out) as Record<string, number>;
    expect(figures).toMatchObject({
      lastGoodBatch: 7,
      lostRows: 3,
      lostTasks: 3,
      liveTasks: 5,
      lastSequence: 8,
    });
    // Batches 8 to 10 can still be read in part: they gave out task 8.
    expect(figures['nextTaskId']).toBeGreaterThan(1_000_008);
    const after = await verified(folder);
    expect(after).toMatchObject({ state: { sequence: 8, liveTasks: 5 }, damage: [] });
    expect(existsSync(String(figures['kept']))).toBe(true);
  });

  test('begins with batch 1 where no snapshot is good', async () => {
    const folder = folderWith(`UPDATE snapshot_part SET crc = crc + 16; ${flip('first', 9)}`);
    expect(await run('repair', '--data', folder, '--yes')).toMatchObject({ code: 0 });
    const after = await verified(folder);
    expect(after).toMatchObject({ snapshots: [], state: { sequence: 9, liveTasks: 6 }, damage: [] });
  });

  test('is refused where nothing is left to go on from, and changes nothing', async () => {
    const folder = folderWith('UPDATE snapshot_part SET crc = crc + 16; DELETE FROM row WHERE id < 4');
    const before = filesIn(folder);
    const refused = await run('repair', '--data', folder, '--yes');
    expect(refused).toMatchObject({ code: 6 });
    expect(refused.said).toContain('Restore a backup');
    expect(filesIn(folder)).toEqual(before);
  });

  test('does nothing where a host starts with the journal', async () => {
    const before = filesIn(good);
    const { code, out } = await run('repair', '--data', good, '--yes');
    expect(code).toBe(0);
    expect(out).toContain('nothing to repair');
    expect(filesIn(good)).toEqual(before);
  });
});

describe('words and exit codes', () => {
  test.each([
    [2, ['mend'], 'there is no journal mend'],
    [2, [], 'give one of verify, export, repair'],
    [2, ['verify', '--colour'], "Unknown option '--colour'"],
    [2, ['export', '--from', 'x'], '--from x: it is a whole number'],
    [5, ['verify', '--data', '/none'], 'there is no /none/journal.db'],
  ])('%i for %j', async (code, args, said) => {
    const ended = await run(...args);
    expect(ended.said).toContain(said);
    expect(ended.code).toBe(code);
  });

  test('--help lists all of them', async () => {
    expect((await run('--help')).out).toContain('millrace journal repair [--yes]');
  });

  test('a newer journal is left alone', async () => {
    const folder = folderWith('PRAGMA user_version = 99');
    const before = filesIn(folder);
    for (const word of ['verify', 'export', 'repair']) {
      const ended = await run(word, '--data', folder, '--yes');
      expect(ended).toMatchObject({ code: 6 });
      expect(ended.said).toContain('written by a newer Millrace');
    }
    expect(filesIn(folder)).toEqual(before);
  });
});
