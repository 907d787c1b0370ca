// The Linux package: built, installed, started as an ordinary user under the real sandbox, and removed cleanly.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageLinux } from '../../.ci/packageLinux.ts';
import type { TaskDetail } from '../../scheduler/protocol/consoleAnswers.ts';
import { connectConsole, readSecrets } from './consoleClient.ts';
import { root } from './electronApp.ts';
import { countColours, readScreen, writePng } from './framebuffer.ts';
import {
  cannotInstall,
  onScreen,
  installedProcesses,
  makeUser,
  removeUser,
  userFolder,
} from './installedApp.ts';
import { enrolmentToken } from '../enrolmentToken.ts';

const soon = { timeout: 60_000, interval: 250 };
const screens = join(root, 'test-results/screens');
const title = cannotInstall === undefined ? 'the package' : `the package (${cannotInstall})`;

describe.skipIf(cannotInstall)(title, () => {
  let packageName = '';

  beforeAll(async () => {
    const path = await packageLinux();
    packageName = execFileSync('dpkg-deb', ['-f', path, 'Package'], { encoding: 'utf8' }).trim();
    execFileSync('dpkg', ['-i', path], { stdio: 'ignore' });
    makeUser();
  }, 300_000);

  afterAll(() => {
    spawnSync('dpkg', ['--purge', packageName]);
    removeUser();
  });

  test('starts for an ordinary user, sandboxed, runs a task on its own agent, and ends on SIGTERM', async () => {
    const data = userFolder('plant');
    const run = onScreen('console', ['/usr/bin/millrace', '--data', data, '--port', '0']);
    await expect.poll(() => joinAddress(run.output()), soon).toBeDefined();
    const answer = await fetch(joinAddress(run.output()) ?? '');
    expect(answer.status).toBeLessThan(500);
    await expect.poll(() => countColours(readScreen(run.screenFolder)), soon).toBeGreaterThan(20);
    mkdirSync(screens, { recursive: true });
    writePng(join(screens, 'installed.png'), readScreen(run.screenFolder));

    const words = await countWordsOnAgent(data, joinAddress(run.output()) ?? '');
    expect(words).toBe('done\n3 /home/millrace-e2e/three words.txt');
    writePng(join(screens, 'installed-after-task.png'), readScreen(run.screenFolder));

    const processes = installedProcesses();
    expect(processes.filter(({ words }) => words.includes('--no-sandbox'))).toEqual([]);
    const page = processes.find(({ words }) => words.includes('--type=renderer'));
    expect(readFileSync(`/proc/${page?.pid ?? 0}/status`, 'utf8')).toMatch(/Seccomp:\t2/);

    const main = processes.find(({ words }) => !words.includes('--type=') && !words.includes('--agent'));
    process.kill(main?.pid ?? 0, 'SIGTERM');
    for (const { pid, words } of processes)
      if (words.includes('--agent') && !words.includes('--type=')) process.kill(pid, 'SIGTERM');
    expect(await run.ended).toBe(0);
    expect(run.output()).toContain('host: stopped');
    await expect.poll(installedProcesses, soon).toEqual([]);
  });

  test('checks the journal it left by the commands that it carries', async () => {
    const words = ['journal', 'verify', '--json', '--data', userFolder('plant')];
    const run = onScreen('verify', ['/usr/bin/millrace', '--cli', ...words]);
    expect(await run.ended).toBe(0);
    expect(run.output()).toMatch(/"liveTasks":\s*0/);
  });

  test('opens no door to a debugger', async () => {
    const run = onScreen('debug', ['/usr/bin/millrace', '--remote-debugging-port=9333']);
    expect(await run.ended).toBe(2);
    expect(run.output()).toContain('not for released builds');
    const inspected = onScreen('inspect', ['/usr/bin/millrace', '--inspect=9334', '--host=nowhere']);
    expect(await inspected.ended).toBe(2);
    expect(inspected.output()).not.toContain('Debugger listening');
  });

  test('carries a desktop entry and icons, and leaves nothing behind when removed', () => {
    const entry = readFileSync('/usr/share/applications/millrace.desktop', 'utf8');
    expect(entry).toMatch(/^Exec=\/opt\/Millrace\/millrace/m);
    expect(entry).toContain('Icon=millrace');
    expect(existsSync('/usr/share/icons/hicolor/256x256/apps/millrace.png')).toBe(true);
    expect(existsSync('/usr/bin/millrace')).toBe(true);
    execFileSync('dpkg', ['--purge', packageName], { stdio: 'ignore' });
    for (const path of ['/opt/Millrace', '/usr/bin/millrace', '/usr/share/applications/millrace.desktop'])
      expect(existsSync(path), path).toBe(false);
  });
});

const joinAddress = (output: string): string | undefined => /agents join at (\S+)/.exec(output)?.[1];

/** Runs one task on an agent of the same package; returns what the task printed. */
async function countWordsOnAgent(dataFolder: string, address: string): Promise<string> {
  const { consoleToken } = readSecrets(dataFolder);
  const token = await enrolmentToken(address, dataFolder, 1);
  const agentWords = ['--agent', `--hub=${address}`, '--token', token, '--node', 'this-workstation'];
  const agent = onScreen('agent', ['/usr/bin/millrace', ...agentWords]);
  await expect.poll(agent.output, soon).toContain('joined');
  writeFileSync(userFolder('three words.txt'), 'one two three\n');
  const client = await connectConsole(address, consoleToken);
  // The guard is a script that the agent writes: in the package too, an effect goes through it.
  const line = `"$MILLRACE_GUARD" append '${userFolder('effects')}' once && wc -w '${userFolder('three words.txt')}'`;
  const work = { kind: 'command', argv: [line], shell: true };
  const { answers } = await client.call('submitTasks', { specs: [{ name: 'three words', work }] });
  const [answer] = answers;
  if (!answer?.ok) throw new Error(answer?.refusal.message);
  const task = (): Promise<TaskDetail> => client.call('getTask', { taskId: answer.taskId });
  await expect.poll(async () => (await task()).row.state, soon).toBe('succeeded');
  const [attempt] = (await task()).record.attempts;
  if (!attempt) throw new Error('the task ended without an attempt');
  const printed = async (): Promise<string> =>
    (await client.call('readLog', { token: attempt.token })).pieces.map(({ text }) => text).join('');
  await expect.poll(printed, soon).not.toBe('');
  const text = await printed();
  client.close();
  return text.trim();
}
