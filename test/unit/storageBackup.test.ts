// Backups: what is in them, that damage is named, when they are made by themselves, and which of them go.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { hashBeside } from '../../scheduler/offline/hashBeside.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  backupFiles,
  checkBackup,
  manifestText,
  readManifest,
} from '../../scheduler/offline/backupManifest.ts';
import { StorageStage } from './storageStage.ts';

let stage: StorageStage;
beforeEach(() => {
  stage = new StorageStage();
});
afterEach(() => {
  stage.close();
});

const flip = (path: string, at: number, bit: number): void => {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  writeFileSync(path, bytes);
};

describe('a backup', () => {
  test('holds both stores, secrets for the owner only, settings, and a manifest of all', async () => {
    await stage.settings.change({ retention: { tasksMax: 5_000, logBytesMax: 1 } });
    const folder = await stage.backup();
    expect(folder).toBe(join(stage.backups, 'millrace-20261123-104512'));
    expect(readdirSync(folder).sort()).toEqual([...backupFiles, 'manifest.json'].sort());
    expect(readFileSync(join(folder, 'journal.db'), 'utf8')).toContain('journal as of');
    expect(readFileSync(join(folder, 'storage.json'), 'utf8')).toContain('5000');
    expect(statSync(join(folder, 'secrets.json')).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(await checkBackup(folder)).toMatchObject({
      ok: true,
      value: { program: '1.2.3', madeAtMs: stage.clock.nowMs, historySequence: 7, journalSequence: 8 },
    });
    expect((await stage.storage.state()).jobs).toMatchObject([
      { kind: 'backup', actor: 'ann', state: 'done', done: 24, total: 24, path: folder },
    ]);
  });

  test.each(backupFiles)(
    'with one flipped bit in %s is refused by the name of that file alone',
    async (name) => {
      const folder = await stage.backup();
      flip(join(folder, name), 3, 2);
      const checked = await checkBackup(folder);
      expect(checked).toEqual({ ok: false, reason: [expect.stringContaining(join(folder, name))] });
    },
  );

  test('with any one flipped bit in its manifest is refused by the name of that', async () => {
    const folder = await stage.backup();
    const path = join(folder, 'manifest.json');
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at += 1)
      for (let bit = 0; bit < 8; bit += 1) {
        flip(path, at, bit);
        const read = await readManifest(folder);
        // The newline at the end is not of the JSON: a space in its place is the same manifest.
        if (read.ok) expect(at).toBe(whole.length - 1);
        else expect(read.reason).toContain(path);
        writeFileSync(path, whole);
      }
  }, 60_000);

  test('that lacks a file, or a byte of one, or its manifest, is refused with what is missing', async () => {
    const folder = await stage.backup();
    writeFileSync(join(folder, 'journal.db'), 'short');
    expect(await checkBackup(folder)).toMatchObject({ reason: [expect.stringContaining('has 5 bytes')] });
    expect(await readManifest(stage.backups)).toMatchObject({
      reason: expect.stringContaining('it has no manifest.json') as string,
    });
  });

  test('of a newer Millrace is refused as that', async () => {
    const folder = await stage.backup();
    const read = await readManifest(folder);
    if (!read.ok) throw new Error(read.reason);
    writeFileSync(join(folder, 'manifest.json'), manifestText({ ...read.value, version: 3 } as never));
    expect(await readManifest(folder)).toMatchObject({
      reason: expect.stringContaining('written by a newer Millrace') as string,
    });
  });

  test('that fails or is cancelled leaves nothing, and says why', async () => {
    stage.failure = new Error('the disk is gone');
    const failing = await stage.storage.startBackup(stage.backups, 'ann');
    if (!failing.ok) throw new Error(failing.reason.message);
    const failed = await stage.ended(failing.value.jobId);
    expect(failed).toMatchObject({ state: 'failed', message: 'the disk is gone' });
    expect(failed).not.toHaveProperty('path');
    stage.failure = undefined;
    stage.gate = new Promise(() => undefined);
    const held = await stage.storage.startBackup(stage.backups, 'ann');
    if (!held.ok) throw new Error(held.reason.message);
    expect(stage.storage.cancelJob(held.value.jobId, 'bob')).toMatchObject({ ok: true });
    expect(await stage.ended(held.value.jobId)).toMatchObject({ state: 'cancelled' });
    expect(readdirSync(stage.backups)).toEqual([]);
    expect(stage.storage.cancelJob(held.value.jobId, 'bob')).toMatchObject({
      reason: { code: 'wrong_state' },
    });
    expect(stage.storage.cancelJob(99, 'bob')).toMatchObject({ reason: { code: 'wrong_state' } });
  });

  test('is waited for by whoever may let journal rows go, and ends with the host', async () => {
    stage.gate = new Promise(() => undefined);
    const held = await stage.storage.startBackup(stage.backups, 'ann');
    if (!held.ok) throw new Error(held.reason.message);
    let isFree = false;
    const free = stage.storage.noBackup().then(() => (isFree = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isFree).toBe(false);
    await stage.storage.close();
    await free;
    expect(readdirSync(stage.backups)).toEqual([]);
    expect(await stage.storage.startBackup(stage.backups, 'ann')).toMatchObject({
      reason: { code: 'stopping' },
    });
  });
});

test('a large file is hashed on a thread of its own, which ends when it is not wanted any more', async () => {
  const path = join(stage.root, 'large');
  const bytes = Buffer.alloc(80 * 1024 * 1024, 'millrace');
  writeFileSync(path, bytes);
  const told: number[] = [];
  const hashed = await hashBeside(path, (done) => told.push(done), new AbortController().signal);
  expect(hashed).toEqual({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  expect(told).toEqual([64 * 1024 * 1024, bytes.length]);
  const abort = new AbortController();
  const cancelled = hashBeside(path, () => undefined, abort.signal);
  setImmediate(() => {
    abort.abort();
  });
  await expect(cancelled).rejects.toThrow();
  await expect(hashBeside(join(stage.root, 'none'), () => undefined, abort.signal)).rejects.toThrow('ENOENT');
});

describe('by themselves', () => {
  const plan = (more = {}) =>
    stage.storage.setBackupPlan({ folder: stage.backups, everyHours: 24, keep: 2, ...more }, 'ann');
  const made = (): string[] => readdirSync(stage.backups).sort();

  test('one is made a minute after the plan, then each 24 h, and a missed one is made up after a start', async () => {
    expect(await plan()).toMatchObject({ ok: true });
    await stage.storage.check();
    expect(made()).toEqual([]);
    stage.pass(1 / 60);
    await stage.storage.check();
    expect(made()).toEqual(['millrace-20261123-104612']);
    stage.pass(23.9);
    await stage.storage.check();
    expect(made()).toHaveLength(1);
    stage.pass(0.1);
    await stage.storage.check();
    expect(made()).toHaveLength(2);
    expect((await stage.storage.state()).backup).toMatchObject({
      lastAtMs: stage.clock.nowMs,
      nextAtMs: stage.clock.nowMs + 86_400_000,
    });
    stage.pass(60);
    const again = stage.open();
    await again.check();
    expect(made()).toHaveLength(2);
    stage.pass(1 / 60);
    await again.check();
    expect(made()).toHaveLength(2);
    expect(made().at(-1)).toBe('millrace-20261126-224712');
    await again.check();
    expect(made().at(-1)).toBe('millrace-20261126-224712');
  });

  test('the newest are kept; folders of others, unfinished ones and plain ones stay', async () => {
    await plan();
    const foreign = await stage.backup();
    const read = await readManifest(foreign);
    if (!read.ok) throw new Error(read.reason);
    writeFileSync(join(foreign, 'manifest.json'), manifestText({ ...read.value, origin: 'other:/hub' }));
    for (const name of ['millrace-20200101-000000', 'millrace-20200102-000000.part', 'photos'])
      mkdirSync(join(stage.backups, name));
    for (let day = 0; day < 4; day += 1) {
      stage.pass(24);
      await stage.storage.check();
    }
    expect(made()).toEqual([
      'millrace-20200101-000000',
      'millrace-20200102-000000.part',
      'millrace-20261123-104512',
      'millrace-20261126-104512',
      'millrace-20261127-104512',
      'photos',
    ]);
  });

  test('an older one goes only once the newer is complete', async () => {
    await plan({ keep: 1 });
    stage.pass(1);
    await stage.storage.check();
    stage.failure = new Error('no room');
    stage.pass(24);
    await stage.storage.check();
    expect(made()).toEqual(['millrace-20261123-114512']);
    stage.failure = undefined;
    stage.pass(1);
    await stage.storage.check();
    expect(made()).toEqual(['millrace-20261124-124512']);
  });

  test('what a crash left half made is cleared by the next one', async () => {
    await plan();
    const whole = await stage.backup();
    const made = await readManifest(whole);
    if (!made.ok) throw new Error(made.reason);
    const { origin } = made.value;
    const part = join(stage.backups, 'millrace-20261122-000000.part');
    mkdirSync(part);
    writeFileSync(join(part, 'unfinished.json'), JSON.stringify({ origin }));
    stage.pass(24);
    await stage.storage.check();
    expect(existsSync(part)).toBe(false);
  });

  test('a failure is an alarm that says why, tried again after 15 min, cleared by the next success', async () => {
    await plan();
    stage.failure = new Error('no room');
    stage.pass(1);
    await stage.storage.check();
    expect(stage.alarms.rows()).toMatchObject([
      { code: 'BACKUP_FAILED', isActive: true, params: { folder: stage.backups, message: 'no room' } },
    ]);
    stage.failure = undefined;
    await stage.storage.check();
    expect(made()).toEqual([]);
    stage.pass(0.25);
    await stage.storage.check();
    expect(made()).toHaveLength(1);
    expect(stage.alarms.rows()).toMatchObject([{ isActive: false }]);
  });

  test('a folder that has gone is an alarm, too', async () => {
    await plan();
    const gone = join(stage.root, 'gone');
    mkdirSync(gone);
    await stage.storage.setBackupPlan({ folder: gone, everyHours: 1, keep: 1 }, 'ann');
    rmdirSync(gone);
    stage.pass(1);
    await stage.storage.check();
    expect(stage.alarms.rows()[0]?.params['message']).toContain('does not exist');
  });
});
