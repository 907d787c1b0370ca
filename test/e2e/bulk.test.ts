// Tasks that failed, as an operator deals with many of them at once: found by group and deadline, put back, taken back.
import { describe, expect, test } from 'vitest';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { ConsoleClient } from './consoleClient.ts';
import { type Console, inPage, noScreen, startConsole, takeScreen } from './electronApp.ts';
import { appear, axeFaults, connect, enrol, looks, soon } from './steps.ts';

const plain = 30;
const late = 4;
const elements = 8;
const all = plain + late + elements;

describe.skipIf(noScreen)('many tasks', () => {
  test('that failed go back in line as one, and can be cancelled again as one', async () => {
    const console = await startConsole();
    await enrol(console);
    const client = await connect(console.dataFolder);
    const arrayId = await failMany(client);
    const { window } = console;
    await window.getByRole('link', { name: 'Tasks', exact: true }).click();

    await showLate(console);
    await showArray(console, arrayId);
    await client.call('putQueue', { queue: 'rework', change: { mode: 'paused' } });
    await putBack(console, client);
    await takeBack(console, client);
    expect(await photograph(console)).toEqual([]);
    expect(console.messages.filter((text) => /^(error|warning)/.test(text))).toEqual([]);
    client.close();
  }, 200_000);
});

const countOf = async (
  client: ConsoleClient,
  state: 'dead_letter' | 'ready' | 'cancelled',
): Promise<number> => (await client.call('listTasks', { filter: { states: [state] }, limit: 1 })).total;

/** Each fails once and for all. Gives the id of an array of them. */
async function failMany(client: ConsoleClient): Promise<TaskId> {
  await client.call('putQueue', { queue: 'rework' });
  const spec = {
    name: 'check seam',
    queue: 'rework',
    work: { kind: 'command', argv: ['false'] },
    ask: { cpu: 10, memory: 8 },
    retry: { attemptsMax: 1 },
  };
  const specs = [
    ...Array.from({ length: plain }, () => spec),
    ...Array.from({ length: late }, () => ({ ...spec, name: 'seal door', deadlineMs: Date.now() + 1 })),
    { ...spec, name: 'measure body', array: { count: elements } },
  ];
  const { answers } = await client.call('submitTasks', { specs });
  const array = answers.at(-1);
  if (array?.ok !== true) throw new Error('the array was refused');
  // Its own record is among them.
  await expect.poll(() => countOf(client, 'dead_letter'), soon).toBe(all + 1);
  return array.taskId;
}

async function showLate({ window }: Console): Promise<void> {
  await window.getByRole('button', { name: 'More' }).click();
  await window.getByLabel('Missed deadline').check();
  await window.getByText(`${late} tasks ·`).waitFor();
  await window.getByText('seal door').first().click();
  await window.getByText(/^Missed its deadline/).waitFor();
  expect(
    await window
      .getByRole('gridcell')
      .filter({ hasText: / late$/ })
      .count(),
  ).toBe(late);
  await takeScreen(window, 'tasks-late');
  await window.getByRole('button', { name: 'Close', exact: true }).last().click();
  await window.getByRole('button', { name: 'Remove the filter Missed deadline' }).click();
  await window.getByText(`${all + 1} tasks ·`).waitFor();
}

async function showArray({ window }: Console, arrayId: TaskId): Promise<void> {
  await window.getByPlaceholder('Name, program or label').fill('measure');
  await window.getByText(`${elements + 1} tasks ·`).waitFor();
  await window.getByText('measure body').nth(1).click();
  await window.getByRole('button', { name: 'All tasks of this array' }).click();
  await window.getByText(`${elements} tasks ·`).waitFor();
  expect(window.url()).toContain(`group=${arrayId}`);
  await takeScreen(window, 'tasks-array');
  await window.getByRole('button', { name: /^Remove the filter Group/ }).click();
  await window.getByRole('button', { name: 'Close', exact: true }).last().click();
}

/** By keyboard alone, from the button on. */
async function putBack(console: Console, client: ConsoleClient): Promise<void> {
  const { window } = console;
  await window.getByLabel('Queue', { exact: true }).selectOption('rework');
  await window.getByRole('button', { name: `All ${all + 1} matching…` }).focus();
  await window.keyboard.press('Enter');
  const dialog = window.getByRole('dialog');
  await dialog.getByText(`${all + 1} tasks match: ${all + 1} failed`).waitFor();
  const go = dialog.getByRole('button', { name: `Requeue ${all + 1} tasks` });
  expect(await go.isDisabled()).toBe(true);
  await dialog.getByLabel(/^Type/).focus();
  await window.keyboard.type(String(all + 1));
  await takeScreen(window, 'tasks-bulk');
  await window.keyboard.press('Enter');
  await window.getByText('Requeue of tasks: done').waitFor({ timeout: 30_000 });
  await window.getByText(`${all} requeued · 1 skipped (1 of arrays, gangs or workflows)`).waitFor();
  expect(await countOf(client, 'ready')).toBe(all);
  expect(await countOf(client, 'dead_letter')).toBe(1);
  await takeScreen(window, 'tasks-bulk-done');
}

async function takeBack({ window }: Console, client: ConsoleClient): Promise<void> {
  await window.getByRole('button', { name: 'Cancel these…' }).click();
  const dialog = window.getByRole('dialog');
  await dialog.getByRole('textbox').fill(String(all));
  await dialog.getByRole('button', { name: `Cancel ${all} tasks` }).click();
  await window.getByText('Cancel of tasks: done').waitFor({ timeout: 30_000 });
  await window.getByText(`${all} cancelled`).waitFor();
  await expect.poll(() => countOf(client, 'cancelled'), soon).toBe(all);
}

async function photograph(console: Console): Promise<string[]> {
  const found: string[] = [];
  for (const { theme, language } of looks) {
    await appear(console, theme, language);
    await inPage(console, `(location.hash = '#/tasks?queue=rework', 0)`);
    await console.window.getByRole('button', { name: /^(All \d+ matching|全部 \d+ 个符合)…$/ }).click();
    await console.window.waitForTimeout(700); // a picture wants more than the first frame
    await takeScreen(console.window, `tasks-bulk-${theme}-${language}`);
    if (language === 'en') found.push(...(await axeFaults(console)).map((fault) => `${theme}: ${fault}`));
  }
  return found;
}
