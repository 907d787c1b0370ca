// From a host at work to its backup, and from that to another host: nothing acknowledged is lost, no number comes twice.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runBackupCommand } from '../../scheduler/offline/backupCommand.ts';
import { backupFiles, optionalFiles } from '../../scheduler/offline/backupManifest.ts';
import { ApiHost } from './support/apiHost.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-restore-'));
let host: ApiHost;
let folder = '';
/** Acknowledged before the backup began, and in all. */
let before: number[] = [];
const acknowledged: number[] = [];
const kept = { 'tls.json': '{"authority":"kept"}', 'users.json': '{"version":1,"users":[],"tokens":[]}' };
let newestToken = 0;

async function command(...args: string[]): Promise<{ readonly code: number; readonly told: string }> {
  let told = '';
  const tell = (text: string): void => {
    told += text;
  };
  return { code: await runBackupCommand(args, { out: tell, say: tell }), told };
}

async function tokenOf(of: ApiHost, taskId: number): Promise<number> {
  const { body } = await of.ask('GET', `/tasks/${taskId}`);
  const { attempts } = body['record'] as { attempts: { token: number }[] };
  return Math.max(...attempts.map(({ token }) => token));
}

/** A batch after the other until it is told to stop. */
function load(of: ApiHost): () => Promise<void> {
  const state = { isOn: true };
  const specs = Array.from({ length: 100 }, (_, at) => ({
    work: { kind: 'simulated', runMs: at % 50 },
    labels: { pad: 'x'.repeat(200) },
  }));
  const done = (async () => {
    while (state.isOn) {
      const { body } = await of.ask('POST', '/tasks/batch', { specs });
      for (const answer of body['answers'] as { taskId?: number }[])
        if (answer.taskId !== undefined) acknowledged.push(answer.taskId);
    }
  })();
  return async () => {
    state.isOn = false;
    await done;
  };
}

beforeAll(async () => {
  host = await ApiHost.start();
  await host.addNodes(4, 256);
  // As of a plant that speaks TLS, with accounts.
  for (const [name, text] of Object.entries(kept))
    writeFileSync(join(host.folder, name), text, { mode: 0o600 });
  const stop = load(host);
  while (acknowledged.length < 3_000) await new Promise((resolve) => setTimeout(resolve, 10));
  before = [...acknowledged];
  const { body } = await host.ask('POST', '/storage/backups', { folder: root });
  const job = await host.jobEnded(body['jobId']);
  expect(job).toMatchObject({ kind: 'backup', state: 'done' });
  folder = String(job['path']);
  const during = acknowledged.length;
  while (acknowledged.length < during + 500) await new Promise((resolve) => setTimeout(resolve, 10));
  await stop();
  const last = acknowledged.at(-1) ?? 0;
  await host.waitForState(last, 'succeeded');
  newestToken = await tokenOf(host, last);
}, 60_000);
afterAll(async () => {
  await host.stop();
  rmSync(root, { recursive: true, force: true });
});

test('a backup that was made under load is as it was written', async () => {
  expect(await command('backup', 'verify', folder)).toMatchObject({ code: 0 });
});

const allFiles = [...backupFiles, ...optionalFiles];
test.each(allFiles)('one flipped bit in %s is named, and nothing is restored', async (name) => {
  const path = join(folder, name);
  const whole = readFileSync(path);
  const bad = Buffer.from(whole);
  const at = Math.floor(bad.length / 2);
  bad[at] = (bad[at] ?? 0) ^ 16;
  writeFileSync(path, bad);
  const target = join(root, 'untouched');
  const verified = await command('backup', 'verify', folder);
  const restored = await command('restore', '--from', folder, '--data', target, '--yes');
  writeFileSync(path, whole);
  expect(verified).toMatchObject({ code: 1, told: expect.stringContaining(`${path} is damaged`) as string });
  expect(restored).toMatchObject({ code: 6, told: expect.stringContaining(`${path} is damaged`) as string });
  expect(readdirSync(root)).not.toContain('untouched');
});

test('wrong usage, a folder that is no backup, and a folder in use are refused in words', async () => {
  expect(await command('restore', '--from', folder)).toMatchObject({ code: 2 });
  expect(await command('restore', '--form', folder)).toMatchObject({ code: 2 });
  expect(await command('backup', 'verify')).toMatchObject({ code: 2 });
  const none = await command('restore', '--from', root, '--data', join(root, 'x'), '--yes');
  expect(none).toMatchObject({ code: 6, told: expect.stringContaining('it has no manifest.json') as string });
  const used = await command('restore', '--from', folder, '--data', host.folder, '--yes', '--force');
  expect(used).toMatchObject({ code: 6, told: expect.stringContaining('a host uses') as string });
  const unsaid = await command('restore', '--from', folder, '--data', join(root, 'x'));
  expect(unsaid).toMatchObject({
    code: 2,
    told: expect.stringContaining('nothing was done; add --yes') as string,
  });
  expect(readdirSync(root)).not.toContain('x');
});

test('a host starts from it: all that was acknowledged is there, and no id and no token comes again', async () => {
  const target = join(root, 'restored');
  const done = await command('restore', '--from', folder, '--data', target, '--yes');
  expect(done).toMatchObject({ code: 0, told: expect.stringContaining('is lost') as string });
  expect(readdirSync(target).sort()).toEqual(allFiles.toSorted());
  for (const [name, text] of Object.entries(kept)) {
    expect(readFileSync(join(target, name), 'utf8')).toBe(text);
    expect(statSync(join(target, name)).mode & 0o777).toBe(0o600);
  }
  expect(statSync(join(target, 'secrets.json')).mode & 0o777).toBe(0o600);
  const second = await ApiHost.start(target);
  try {
    expect(second.secrets).toEqual(host.secrets);
    const { body } = await second.ask('POST', '/tasks/states', { taskIds: before });
    const unknown = (body['standings'] as { state: string; taskId: number }[]).filter(
      (one) => one.state === 'unknown',
    );
    expect(unknown).toEqual([]);
    await second.addNodes(1, 256, 'W');
    const fresh = await second.submit(1);
    expect(fresh).toBeGreaterThan(Math.max(...acknowledged));
    await second.waitForState(fresh, 'succeeded');
    expect(await tokenOf(second, fresh)).toBeGreaterThan(newestToken);
    const health = await second.ask('GET', '/health');
    expect(health.body['epoch']).toBeGreaterThan(1_000);
  } finally {
    await second.leave();
  }
  const again = await command('restore', '--from', folder, '--data', target, '--yes');
  expect(again).toMatchObject({ code: 6, told: expect.stringContaining('--force') as string });
  const forced = await command('restore', '--from', folder, '--data', target, '--yes', '--force');
  expect(forced).toMatchObject({ code: 0 });
  const [aside = ''] = readdirSync(target).filter((name) => name.startsWith('replaced-'));
  expect(readdirSync(join(target, aside))).toContain('journal.db');
}, 60_000);
