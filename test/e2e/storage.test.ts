// What is kept, as an operator deals with it: bounds, a backup, an export, a search, counts; and a host that returns.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ConsoleClient } from './consoleClient.ts';
import {
  type Console,
  freshFolder,
  hostPid,
  hostState,
  inPage,
  noScreen,
  startConsole,
  takeScreen,
} from './electronApp.ts';
import { appear, axeFaults, connect, enrol, looks, soon } from './steps.ts';

const tasks = 12;

describe.skipIf(noScreen)('storage', () => {
  test('is bounded, copied, exported and searched from the console', async () => {
    const console = await startConsole();
    await enrol(console);
    const client = await connect(console.dataFolder);
    await runSome(client);

    await boundHistory(console, client);
    await backUp(console);
    await narrowDown(console);
    await exportCsv(console);
    expect(await photograph(console)).toEqual([]);
    expect(console.messages.filter((text) => /^(error|warning)/.test(text))).toEqual([]);
    client.close();
  }, 200_000);

  test('comes back after a kill, and the window is told of the recovery and then of what it knew', async () => {
    const console = await startConsole();
    await expect.poll(() => hostState(console), soon).toMatchObject({ state: 'running' });
    // No node has joined: all of them wait.
    const client = await connect(console.dataFolder);
    // A message holds about a thousand.
    for (let times = 0; times < 5; times += 1) await submit(client, 1_000, ['echo', 'later']);
    client.close();
    await inPage(
      console,
      `(window.hostStates = [], window.millrace.onHostState((state) => window.hostStates.push(state)), 0)`,
    );
    process.kill(await hostPid(console), 'SIGKILL');
    await expect.poll(() => statesSeen(console), soon).toContain('running');
    expect(await statesSeen(console)).toContain('recovering');
    const again = await connect(console.dataFolder);
    expect((await again.call('listTasks', { limit: 1 })).total).toBe(5_000);
    again.close();
  }, 120_000);
});

const statesSeen = (console: Console): Promise<string[]> =>
  inPage<string[]>(console, 'window.hostStates.map(({ state }) => state)');

async function submit(client: ConsoleClient, count: number, argv: readonly string[]): Promise<void> {
  const spec = {
    name: `part of order ${count}`,
    tenant: 'paint',
    work: { kind: 'command', argv: [...argv] },
    ask: { cpu: 10, memory: 8 },
    labels: { line: '4' },
  };
  const { answers } = await client.call('submitTasks', { specs: Array.from({ length: count }, () => spec) });
  expect(answers.filter((answer) => answer.ok)).toHaveLength(count);
}

async function runSome(client: ConsoleClient): Promise<void> {
  await submit(client, tasks, ['echo', 'welded and measured']);
  const ended = async (): Promise<number> =>
    (await client.call('listTasks', { filter: { states: ['succeeded'] }, limit: 1 })).total;
  await expect.poll(ended, soon).toBe(tasks);
}

/** A bound that lets nothing go is set at once; one that lets output go is asked for. */
async function boundHistory({ window }: Console, client: ConsoleClient): Promise<void> {
  await window.getByRole('link', { name: 'Settings' }).click();
  await window.getByRole('link', { name: 'Storage' }).click();
  await window.getByText(`${tasks} ended tasks`).waitFor();
  const form = window.getByRole('form', { name: 'Keep the past' });
  await form.getByLabel('Days at most').fill('30');
  await form.getByRole('button', { name: 'Save' }).click();
  const retention = async () => (await client.call('getStorage', {})).retention;
  await expect.poll(retention, soon).toMatchObject({ daysMax: 30 });

  await form.getByLabel('Ended tasks at most', { exact: true }).fill('0');
  await form.getByRole('alert').waitFor();
  expect(await form.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
  await form.getByRole('button', { name: 'Revert' }).click();

  await form.getByLabel('Output at most', { exact: true }).fill('0');
  await form.getByRole('button', { name: 'Save' }).click();
  const dialog = window.getByRole('dialog');
  await dialog.getByText('of output').waitFor();
  await takeScreen(window, 'storage-loss');
  expect((await retention()).logBytesMax).toBeGreaterThan(0);
  await dialog.getByRole('textbox').fill('delete');
  await dialog.getByRole('button', { name: 'Let it go' }).click();
  await expect.poll(retention, soon).toMatchObject({ logBytesMax: 0, daysMax: 30 });
}

async function backUp({ window }: Console): Promise<void> {
  const folder = freshFolder();
  const form = window.getByRole('form', { name: 'Backup' });
  await form.getByLabel('Folder for backups').fill(folder);
  await form.getByRole('button', { name: 'Back up now' }).click();
  await window.getByText('Backup: done').waitFor({ timeout: 30_000 });
  await takeScreen(window, 'storage-copied');
  const [copy = ''] = readdirSync(folder);
  expect(copy).toMatch(/^millrace-\d{8}-\d{6}/);
  expect(readdirSync(join(folder, copy))).toEqual(expect.arrayContaining(['history.db']));
}

/** By tenant and label, then counted by queue, then by a text. */
async function narrowDown({ window }: Console): Promise<void> {
  await window.getByRole('link', { name: 'Tasks', exact: true }).click();
  await window.getByRole('button', { name: 'More' }).click();
  await window.getByLabel('Tenant').fill('paint');
  await window.getByLabel('Tenant').press('Enter');
  await window.getByLabel('Label', { exact: true }).fill('line=4');
  await window.getByLabel('Label', { exact: true }).press('Enter');
  await window.getByText(`${tasks} tasks ·`).waitFor();
  await window.getByLabel('Count by').selectOption('tenant');
  await window.getByRole('button', { name: /^paint/ }).waitFor();
  await window.getByLabel('Count by').selectOption('state');
  await takeScreen(window, 'tasks-grouped');
  await window.getByRole('button', { name: /^succeeded/ }).click();
  await expect
    .poll(
      () => window.getByRole('button', { name: 'Succeeded', exact: true }).getAttribute('aria-pressed'),
      soon,
    )
    .toBe('true');
  await window.getByLabel('Count by').selectOption('');
  await window.getByPlaceholder('Name, program or label').fill('no such part');
  await window.getByText('No task matches this filter.').waitFor();
  await window.getByPlaceholder('Name, program or label').fill('welded');
  await window.getByText(`${tasks} tasks ·`).waitFor();
}

async function exportCsv({ window, dataFolder }: Console): Promise<void> {
  await window.getByRole('button', { name: 'Export…' }).click();
  const dialog = window.getByRole('dialog');
  await dialog.getByText(new RegExp(`${tasks} ended tasks match`)).waitFor();
  await takeScreen(window, 'tasks-export');
  await dialog.getByRole('button', { name: 'Export' }).click();
  await window.getByText('Export: done').waitFor({ timeout: 30_000 });
  await takeScreen(window, 'tasks-exported');
  const folder = join(dataFolder, 'exports');
  const [file = ''] = readdirSync(folder);
  const lines = readFileSync(join(folder, file), 'utf8').trim().split(/\r?\n/);
  expect(file).toMatch(/\.csv$/);
  expect(lines).toHaveLength(tasks + 1);
  expect(lines[1]).toContain('paint');
}

async function photograph(console: Console): Promise<string[]> {
  const found: string[] = [];
  for (const { theme, language } of looks) {
    await appear(console, theme, language);
    await inPage(console, `(location.hash = '#/settings?page=storage', 0)`);
    await console.window.waitForTimeout(700); // a picture wants more than the first frame
    await takeScreen(console.window, `storage-${theme}-${language}`);
    if (language === 'en') found.push(...(await axeFaults(console)).map((fault) => `${theme}: ${fault}`));
  }
  return found;
}
