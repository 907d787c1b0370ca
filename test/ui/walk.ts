// Walks through a real hub as an operator would: first node, a task with output, one that waits, one that fails.
// TOKEN=... ENROL=... node test/ui/walk.ts http://127.0.0.1:7555 /tmp/walk
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [base = 'http://127.0.0.1:7443', folder = '/tmp/walk'] = process.argv.slice(2);
const [token = '', enrol = ''] = [process.env['TOKEN'], process.env['ENROL']];
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
page.on('console', (message) => {
  if (['error', 'warning'].includes(message.type())) console.log('console:', message.text());
});
page.on('pageerror', (error) => {
  console.log('error:', error.message);
});
const shot = (name: string) => page.screenshot({ path: `${folder}/${name}.png` });

async function submit(line: string, fill: Readonly<Record<string, string>> = {}): Promise<void> {
  await page.locator('main').click({ position: { x: 3, y: 3 } });
  await page.keyboard.press('n');
  const dialog = page.locator('[role=dialog]');
  await dialog.locator('input').first().fill(line);
  for (const [label, value] of Object.entries(fill)) await dialog.getByLabel(label).fill(value);
  await dialog.locator('.primary').click();
  await page.waitForTimeout(1_500);
}

await page.goto(`${base}/#token=${token}`);
await page.waitForTimeout(1_500);
await shot('1-onboarding');
await submit(`/bin/sh -c 'for i in 1 2 3 4 5 6 7 8; do echo line $i; echo oops $i >&2; sleep 0.5; done'`, {
  Name: 'counts to eight',
});
await shot('2-no-node');
const agent = spawn(
  process.execPath,
  [
    'agent/main.ts',
    '--hub',
    base,
    '--token',
    enrol,
    '--node',
    'BOD-L08-C03-N07',
    '--area',
    'BOD',
    '--data',
    `${folder}/agent`,
  ],
  { cwd: join(import.meta.dirname, '../..'), stdio: 'inherit' },
);
await page.waitForTimeout(4_000);
await shot('3-log');
await submit('/bin/false', { Name: 'fails', 'Attempts at most': '1' });
await page.waitForTimeout(1_500);
await page.locator('[role=tab]').nth(2).click();
await page.waitForTimeout(500);
await shot('4-failed');
await submit('/bin/echo big', { Name: 'too big', 'CPU cores': '900' });
await page.locator('[role=tab]').nth(0).click();
await page.waitForTimeout(1_200);
await shot('5-why');
await submit('/bin/echo x', { Name: 'refused', Queue: 'bad queue!' });
await shot('6-refused');
await page.keyboard.press('Escape');
await page.keyboard.press('g');
await page.keyboard.press('o');
await page.waitForTimeout(1_000);
await shot('7-overview');
await page.goto(`${base}/#/nodes?node=BOD-L08-C03-N07`);
await page.waitForTimeout(1_000);
await page.getByRole('button', { name: 'Cordon', exact: true }).click();
await page.waitForTimeout(700);
await shot('8-cordoned');
agent.kill('SIGKILL');
await page.waitForTimeout(17_000);
await shot('9-lost');
await browser.close();
