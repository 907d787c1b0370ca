// The first thing a newcomer does: a simulated plant, alive in half a minute, that a real agent joins. Every screen is
// photographed in three themes and two languages for a person to look at.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connectConsole, readSecrets } from './consoleClient.ts';
import {
  type Console,
  freshFolder,
  hubAddress,
  inPage,
  noScreen,
  startConsole,
  takeScreen,
} from './electronApp.ts';
import { appear, axeFaults, enrol, looks, soon, submitInWindow } from './steps.ts';

/** What the product promises: from the start of the program, installed, to a living plant. */
const aliveWithin = { timeout: 30_000, interval: 100 };
const nodes = 1_000;

describe.skipIf(noScreen)('a simulated plant', () => {
  test('is alive within 30 s of the start, and a real agent joins it and runs a command', async () => {
    const startedMs = performance.now();
    const console = await startConsole();
    const { window } = console;
    await window.getByText('See it live with a simulated plant').waitFor({ timeout: 20_000 });
    await takeScreen(window, 'first-run');
    await window.getByRole('button', { name: 'Start the simulated plant' }).click();
    await expect.poll(() => online(console), aliveWithin).toBeGreaterThanOrEqual(nodes);
    await expect.poll(() => running(console), aliveWithin).toBeGreaterThan(0);
    await window.getByText('SIMULATED PLANT').first().waitFor({ timeout: 10_000 });
    await open(console, 'heat');
    await expect.poll(() => painted(console), soon).toBeGreaterThan(0);
    expect(performance.now() - startedMs).toBeLessThan(30_000);

    await enrol(console);
    const file = join(freshFolder(), 'shift report.txt');
    writeFileSync(file, 'line 4 stopped twice\n'.repeat(300));
    await submitInWindow(console, `wc -w "${file}"`, 'words of the shift report');
    const expected = execFileSync('wc', ['-w', file], { encoding: 'utf8' }).trim();
    await window.getByRole('log').getByText(expected).waitFor({ timeout: 20_000 });

    expect(await photographAll(console)).toEqual([]);
    const faults = console.messages.filter((message) => /^(error|warning)/.test(message));
    expect(faults).toEqual([]);

    const client = await connect(console);
    await client.call('endSimulation', {});
    await expect.poll(async () => (await client.call('getSimulation', {})).state, soon).toBe('off');
    expect((await client.call('listNodes', { limit: 10 })).rows.map((row) => row.nodeId)).toEqual([
      'press-4',
    ]);
    const left = await client.call('listTasks', { limit: 10 });
    expect(left.rows.map((row) => row.kind)).toEqual(['command']);
    client.close();
  }, 240_000);
});

const connect = (console: Console) =>
  connectConsole(hubAddress(console.dataFolder) ?? '', readSecrets(console.dataFolder).consoleToken);

async function online(console: Console): Promise<number> {
  const client = await connect(console);
  const { total } = await client.call('listNodes', { state: 'online', limit: 1 });
  client.close();
  return total;
}

async function running(console: Console): Promise<number> {
  const client = await connect(console);
  const { total } = await client.call('listTasks', { filter: { states: ['running'] }, limit: 1 });
  client.close();
  return total;
}

async function open(console: Console, screen: string): Promise<void> {
  await inPage(console, `(location.hash = '#/${screen}', 0)`);
  await console.window.waitForTimeout(700); // a picture wants more than the first frame
}

/** Cells of the heat map's canvas that are not ground. */
const painted = (console: Console): Promise<number> =>
  inPage<number>(
    console,
    `(() => {
      const canvas = document.querySelector('canvas');
      const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      let different = 0;
      for (let i = 4; i < data.length; i += 4) if (data[i] !== data[0]) different += 1;
      return different;
    })()`,
  );

const screens = [
  'overview',
  'topology',
  'heat',
  'queues',
  'tasks',
  'tasks?by=queue',
  'schedules',
  'audit',
  'nodes',
  'settings',
  'settings?page=storage',
];
/** Takes all pictures; returns what axe finds against WCAG 2.2 AA, as `screen theme: rule (element)`. */
async function photographAll(console: Console): Promise<string[]> {
  const found: string[] = [];
  for (const { theme, language } of looks) {
    await appear(console, theme, language);
    for (const screen of screens) {
      await open(console, screen);
      await takeScreen(console.window, `${screen.replace(/\W+/g, '-')}-${theme}-${language}`);
      const faults = language === 'en' ? await axeFaults(console) : []; // contrast is the same in both languages
      found.push(...faults.map((fault) => `${screen} ${theme}: ${fault}`));
    }
  }
  return found;
}
