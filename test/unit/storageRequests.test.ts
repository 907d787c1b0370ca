// What is asked of the storage: folders it takes and refuses, exports, settings, bounds, and the alarm of a full disk.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HistoryFailed } from '../../scheduler/history/thread.ts';
import { StorageFile } from '../../scheduler/host/storageFile.ts';
import { Bounds } from '../../scheduler/host/upkeep.ts';
import { LowDisk } from '../../scheduler/observe/lowDisk.ts';
import { lowDiskBytes } from '../../scheduler/protocol/limits.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import { diskReserveBytes, jobsListedMax, jobsRunningMax } from '../../scheduler/protocol/limits.ts';
import { defaultRetention } from '../../scheduler/protocol/storage.ts';
import { StorageStage } from './storageStage.ts';

let stage: StorageStage;
beforeEach(() => {
  stage = new StorageStage();
});
afterEach(() => {
  stage.close();
});
const csv = { filter: {}, format: 'csv' } as const;

describe('a folder', () => {
  test.each<[string, () => string, string]>([
    ['that is not absolute', () => 'backups', 'is not an absolute path'],
    ['that does not exist', () => join(stage.root, 'none'), 'does not exist'],
    ['that is a file', () => join(stage.dataFolder, 'secrets.json'), 'is no folder'],
    ['below a file', () => join(stage.dataFolder, 'secrets.json', 'x'), 'cannot be looked at'],
    ['that nobody can write', () => '/proc', 'cannot be written'],
    ['that is the data folder', () => stage.dataFolder, 'in the data folder'],
    ['in the data folder', () => made(join(stage.dataFolder, 'copies')), 'in the data folder'],
    ['that leads into the data folder', () => linked(stage.dataFolder), 'in the data folder'],
  ])('%s is refused, with what to do, for each kind of work', async (_name, folderOf, words) => {
    const folder = folderOf();
    const refusals = [
      await stage.storage.startBackup(folder, 'ann'),
      await stage.storage.startExport({ ...csv, folder }, 'ann'),
      await stage.storage.setBackupPlan({ folder, everyHours: 1, keep: 1 }, 'ann'),
    ];
    for (const refusal of refusals)
      expect(refusal).toMatchObject({
        ok: false,
        reason: { code: 'bad_message', field: 'folder', message: expect.stringContaining(words) as string },
      });
    expect(stage.settings.backup).not.toHaveProperty('folder');
    expect((await stage.storage.state()).jobs).toEqual([]);
  });

  test('with too little room for what is needed and the reserve is refused, with all three sizes', async () => {
    stage.freeBytes = diskReserveBytes + 49_151;
    const refused = await stage.storage.startBackup(stage.backups, 'ann');
    expect(refused).toMatchObject({ reason: { code: 'wrong_state', field: 'folder' } });
    expect(refused.ok ? '' : refused.reason.message).toMatch(
      /about 1 MiB are needed and 256 MiB must stay free, 257 MiB/,
    );
    stage.freeBytes += 1;
    expect(await stage.storage.startBackup(stage.backups, 'ann')).toMatchObject({ ok: true });
    await stage.storage.noBackup();
  });

  test('that holds what would be made is refused, and what is there stays', async () => {
    const there = made(join(stage.backups, 'millrace-20261123-104512'));
    expect(await stage.storage.startBackup(stage.backups, 'ann')).toMatchObject({
      reason: { code: 'wrong_state', message: expect.stringContaining('exists already') as string },
    });
    const file = join(stage.backups, 'millrace-tasks-20261123-104512.csv');
    writeFileSync(file, 'mine');
    expect(await stage.storage.startExport({ ...csv, folder: stage.backups }, 'ann')).toMatchObject({
      reason: { code: 'wrong_state' },
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(readdirSync(there)).toEqual([]);
  });

  test('is asked for where neither the call nor the plan has one', async () => {
    expect(await stage.storage.startBackup(undefined, 'ann')).toMatchObject({ reason: { field: 'folder' } });
    await stage.storage.setBackupPlan({ folder: stage.backups, everyHours: 1, keep: 1 }, 'ann');
    expect(await stage.storage.startBackup(undefined, 'ann')).toMatchObject({ ok: true });
    await stage.storage.noBackup();
  });

  const made = (path: string): string => {
    mkdirSync(path, { recursive: true });
    return path;
  };
  const linked = (to: string): string => {
    symlinkSync(to, join(stage.root, 'link'));
    return join(stage.root, 'link');
  };
});

describe('an export', () => {
  test('goes into exports in the data folder, with the filter for ended tasks, and tells rows and bytes', async () => {
    const filter = { states: ['running', 'cancelled'] as never, text: '', tenant: 'a' };
    const started = await stage.storage.startExport({ filter, format: 'parquet' }, 'ann');
    if (!started.ok) throw new Error(started.reason.message);
    const path = join(stage.dataFolder, 'exports', 'millrace-tasks-20261123-104512.parquet');
    expect(await stage.ended(started.value.jobId)).toMatchObject({ state: 'done', path, bytes: 4, done: 2 });
    expect(existsSync(path)).toBe(true);
    expect(stage.asked).toEqual([{ filter: { states: ['cancelled'], tenant: 'a' }, format: 'parquet' }]);
  });

  test('of live tasks alone is refused; a cancelled one leaves nothing', async () => {
    const live = await stage.storage.startExport({ filter: { states: ['ready'] }, format: 'csv' }, 'ann');
    expect(live).toMatchObject({ reason: { field: 'filter.states' } });
    stage.gate = new Promise(() => undefined);
    const held = await stage.storage.startExport(csv, 'ann');
    if (!held.ok) throw new Error(held.reason.message);
    stage.storage.cancelJob(held.value.jobId, 'ann');
    expect(await stage.ended(held.value.jobId)).toMatchObject({ state: 'cancelled' });
    expect(readdirSync(join(stage.dataFolder, 'exports'))).toEqual([]);
  });
});

describe('jobs', () => {
  test('run a few at a time, one backup among them; the others are told to wait', async () => {
    stage.gate = new Promise(() => undefined);
    expect(await stage.storage.startBackup(stage.backups, 'ann')).toMatchObject({ ok: true });
    expect(await stage.storage.startBackup(stage.backups, 'ann')).toMatchObject({
      reason: { code: 'too_many', message: expect.stringContaining('being made already') as string },
    });
    for (let more = 1; more < jobsRunningMax; more += 1) {
      expect(await stage.storage.startExport(csv, 'ann')).toMatchObject({ ok: true });
      stage.pass(1);
    }
    expect(await stage.storage.startExport(csv, 'ann')).toMatchObject({ reason: { code: 'too_many' } });
    await stage.storage.close();
  });

  test('are listed newest first, the last so many', async () => {
    for (let made = 0; made < jobsListedMax + 3; made += 1) {
      stage.pass(1);
      await stage.backup();
    }
    const { jobs } = await stage.storage.state();
    expect(jobs).toHaveLength(jobsListedMax);
    expect(jobs[0]?.jobId).toBe(jobsListedMax + 3);
  });
});

describe('storage.json', () => {
  const path = (): string => join(stage.dataFolder, 'storage.json');

  test('keeps what was set, for the owner only', async () => {
    const retention = { tasksMax: 5_000, daysMax: 30, logBytesMax: 7 };
    await stage.storage.setRetention(retention, 'ann');
    const plan = { folder: stage.backups, everyHours: 6, keep: 3 };
    await Promise.all([
      stage.storage.setBackupPlan(plan, 'ann'),
      stage.storage.setRetention(retention, 'bob'),
    ]);
    const again = StorageFile.open(stage.dataFolder);
    expect(again).toMatchObject({ ok: true, value: { retention, backup: plan } });
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  test('where there is none, the defaults hold and nothing is written', () => {
    expect(stage.settings.retention).toEqual(defaultRetention);
    expect(existsSync(path())).toBe(false);
  });

  test.each([
    ['{', 'cannot be used'],
    ['7', 'to go on with at most 10000000 ended tasks'],
    ['{"version":1,"retention":{"tasksMax":1,"logBytesMax":1},"backup":{}}', 'retention.tasksMax'],
    ['{"version":1,"retention":{"tasksMax":1000,"logBytesMax":1},"backup":{},"more":1}', 'more'],
    ['{"version":2,"anything":true}', 'written by a newer Millrace'],
  ])('%s is refused with its path and left as it is', (text, words) => {
    writeFileSync(path(), text);
    const opened = StorageFile.open(stage.dataFolder);
    expect(opened.ok ? '' : opened.reason.message).toContain(path());
    expect(opened.ok ? '' : opened.reason.message).toContain(words);
    expect(readFileSync(path(), 'utf8')).toBe(text);
  });

  test('that cannot be written leaves the old settings in force', async () => {
    mkdirSync(`${path()}.next`);
    const changed = await stage.storage.setRetention({ tasksMax: 5_000, logBytesMax: 7 }, 'ann');
    expect(changed).toMatchObject({ ok: false, reason: { code: 'storage_failed' } });
    expect(stage.settings.retention).toEqual(defaultRetention);
  });
});

describe('bounds', () => {
  const dropped = (isDone: boolean) => ({ tasksDropped: 1, piecesDropped: 0, isDone });

  test('are kept chunk by chunk until nothing is beyond them, with those that hold then', async () => {
    const asked: unknown[] = [];
    const retention = { tasksMax: 9_000, logBytesMax: 1 };
    const history = {
      retain: (...ask: unknown[]) => {
        asked.push(ask);
        return Promise.resolve(dropped(asked.length === 3));
      },
    };
    const bounds = new Bounds(
      history,
      () => retention,
      () => ms(77),
    );
    await Promise.all([bounds.keep(), bounds.keep()]);
    expect(asked).toEqual(Array(3).fill([retention, 77]));
  });

  test('end with the host, and with a store that failed', async () => {
    let chunks = 0;
    const endless = {
      retain: () => {
        chunks += 1;
        if (chunks === 2) bounds.stop();
        return Promise.resolve(dropped(false));
      },
    };
    const bounds = new Bounds(
      endless,
      () => defaultRetention,
      () => ms(1),
    );
    await bounds.keep();
    expect(chunks).toBe(2);
    const fault = { cause: 'disk_full', message: 'full' } as const;
    const failing = { retain: () => Promise.reject(new HistoryFailed(fault)) };
    await new Bounds(
      failing,
      () => defaultRetention,
      () => ms(1),
    ).keep();
    const broken = { retain: () => Promise.reject(new Error('bug')) };
    await expect(
      new Bounds(
        broken,
        () => defaultRetention,
        () => ms(1),
      ).keep(),
    ).rejects.toThrow('bug');
  });
});

test('DISK_LOW is raised after 10 s below its bound, and cleared after a minute well above', () => {
  const disk = new LowDisk(stage.alarms, '/data');
  const check = (freeBytes: number, atS: number): unknown => {
    disk.check(freeBytes, atS * 1_000);
    return stage.alarms.rows()[0]?.isActive;
  };
  expect([check(lowDiskBytes - 1, 0), check(lowDiskBytes, 5), check(lowDiskBytes - 1, 6)]).toEqual(
    Array(3).fill(undefined),
  );
  expect(check(lowDiskBytes / 2, 16)).toBe(true);
  expect(stage.alarms.rows()[0]).toMatchObject({
    code: 'DISK_LOW',
    priority: 2,
    params: { freeMiB: 512, limitMiB: 1_024, folder: '/data' },
  });
  expect([
    check(lowDiskBytes * 1.4, 100),
    check(lowDiskBytes * 2, 101),
    check(lowDiskBytes * 2, 160),
  ]).toEqual(Array(3).fill(true));
  expect(check(lowDiskBytes * 2, 161)).toBe(false);
});
