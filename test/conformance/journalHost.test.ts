// What the host does with a journal that it cannot use: words that say what to do, exit code 2, and nothing changed.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { hostExit } from '../../scheduler/protocol/hostLink.ts';
import { change, filesIn, folderWith, newFolder } from './journalStage.ts';

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** The real program. It writes `host.log` beside the stores; all else must stay as it was. */
function hostOn(folder: string, options: { uid?: number; gid?: number } = {}): Promise<Ended> {
  const args = ['scheduler/host/entry.ts', '--data', folder, '--port', '0'];
  const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve({ code, said });
    });
  });
}

const storesIn = (folder: string): Record<string, string> =>
  Object.fromEntries(Object.entries(filesIn(folder)).filter(([name]) => name !== 'host.log'));

test('newer: start the newer version', async () => {
  const folder = await folderWith(3);
  change(folder, (database) => {
    database.exec('PRAGMA user_version = 99');
  });
  const before = storesIn(folder);
  const { code, said } = await hostOn(folder);
  expect(said).toContain(`${join(folder, 'journal.db')} has version 99, written by a newer Millrace`);
  expect(said).toContain('start the newer version');
  expect(code).toBe(hostExit.cannotStart);
  expect(storesIn(folder)).toEqual(before);
});

test('foreign: the database of another program, and a file that is none', async () => {
  const folder = newFolder();
  const foreign = new DatabaseSync(join(folder, 'journal.db'));
  foreign.exec('CREATE TABLE song (title)');
  foreign.close();
  const before = storesIn(folder);
  const refused = await hostOn(folder);
  expect(refused.said).toContain('is a database of another program: move the file away');
  expect(refused.code).toBe(hostExit.cannotStart);
  expect(storesIn(folder)).toEqual(before);
  rmSync(join(folder, 'journal.db'));
  writeFileSync(join(folder, 'journal.db'), 'shopping list');
  const none = await hostOn(folder);
  expect(none.said).toContain('is not a database: move the file away');
  expect(none.code).toBe(hostExit.cannotStart);
  expect(storesIn(folder)['journal.db']).not.toBe(before['journal.db']);
});

const isRoot = process.getuid?.() === 0;

/** A small disk of its own, or undefined where none may be mounted. */
function newDisk(options: string): string | undefined {
  const folder = newFolder();
  if (!isRoot || spawnSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status !== 0)
    return undefined;
  onTestFinished(() => {
    spawnSync('/usr/bin/umount', [folder]);
  });
  return folder;
}

test('read-only folder (needs root to mount one)', async ({ skip }) => {
  const folder = newDisk('ro');
  if (folder === undefined) return skip('tmpfs cannot be mounted here');
  const { code, said } = await hostOn(folder);
  expect(said).toContain(folder);
  expect(said).toMatch(/cannot be (written|used)/);
  expect(code).toBe(hostExit.cannotStart);
});

test('read-only file (needs root to become somebody else)', async ({ skip }) => {
  if (!isRoot) return skip('only root can run the host as another user');
  const nobody = { uid: 65_534, gid: 65_534 };
  const folder = await folderWith(3);
  chmodSync(join(folder, 'journal.db'), 0o444);
  chmodSync(folder, 0o777);
  const before = storesIn(folder);
  const { code, said } = await hostOn(folder, nobody);
  expect(said).toContain(join(folder, 'journal.db'));
  expect(said).toContain('cannot be written: give this user the right to write');
  expect(code).toBe(hostExit.cannotStart);
  expect(storesIn(folder)['journal.db']).toBe(before['journal.db']);
});

test('full disk (needs root to mount a small one)', async ({ skip }) => {
  const folder = newDisk('size=2m');
  if (folder === undefined) return skip('tmpfs cannot be mounted here');
  mkdirSync(join(folder, 'data'));
  // All room but for some bytes.
  spawnSync('/usr/bin/dd', ['if=/dev/zero', `of=${join(folder, 'filler')}`, 'bs=4096']);
  const { code, said } = await hostOn(join(folder, 'data'));
  expect(said).toContain('disk is full: free space, then start again');
  expect(code).toBe(hostExit.cannotStart);
});
