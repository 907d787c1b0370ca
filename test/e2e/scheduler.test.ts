// The scheduler as an operator drives it: a queue's settings and its modes, tenants, why a task waits, and schedules.
import type { Locator } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { ConsoleClient } from './consoleClient.ts';
import { type Console, inPage, noScreen, startConsole, takeScreen } from './electronApp.ts';
import { appear, axeFaults, connect, enrol, looks, soon } from './steps.ts';

describe.skipIf(noScreen)('the scheduler', () => {
  test('queues, tenants and why a task waits are driven from the window', async () => {
    const console = await startConsole();
    await enrol(console);
    const client = await connect(console.dataFolder);
    await open(console, 'queues');
    await makeQueue(console, client);
    await setQueue(console, client);
    await pauseQueue(console, client);
    await drainQueue(console, client);
    await boundTenant(console, client);
    await readWhy(console, client);
    expect(faultsOf(console)).toEqual([]);
    client.close();
  }, 200_000);

  test('a schedule is made, runs every second, is paused, run by hand, changed and removed', async () => {
    const console = await startConsole();
    await enrol(console);
    const client = await connect(console.dataFolder);
    await goByKeys(console);
    await makeCalendar(console, client);
    await makeSchedule(console, client);
    await watchRuns(console, client);
    await pauseSchedule(console, client);
    await changeSchedule(console, client);
    expect(await photograph(console)).toEqual([]);
    await removeSchedule(console, client);
    expect(faultsOf(console)).toEqual([]);
    client.close();
  }, 240_000);
});

const faultsOf = ({ messages }: Console): readonly string[] =>
  messages.filter((text) => /^(error|warning)/.test(text));

async function open({ window }: Console, address: string): Promise<void> {
  await window.evaluate(`(location.hash = '#/${address}', 0)`);
}
const settingsOf = async (client: ConsoleClient, name: string) =>
  (await client.call('getSummary', {})).queues.find(({ queue }) => queue === name)?.settings;

async function makeQueue({ window }: Console, client: ConsoleClient): Promise<void> {
  await window.getByRole('button', { name: 'New queue' }).click();
  const dialog = window.getByRole('dialog');
  await dialog.getByLabel('Queue', { exact: true }).fill('-press');
  await dialog.getByRole('alert').waitFor();
  expect(await dialog.getByRole('button', { name: 'Create the queue' }).isDisabled()).toBe(true);
  await dialog.getByLabel('Queue', { exact: true }).fill('press');
  await dialog.getByLabel('Weight').fill('0');
  await dialog.getByRole('alert').waitFor();
  await takeScreen(window, 'queue-new');
  await dialog.getByLabel('Weight').fill('2');
  await dialog.getByRole('button', { name: 'Create the queue' }).click();
  await expect.poll(() => settingsOf(client, 'press'), soon).toMatchObject({ weight: 2 });
}

/** Saved, taken back, refused where it is wrong, and put back as it was by Revert. */
async function setQueue({ window }: Console, client: ConsoleClient): Promise<void> {
  const pane = window.getByRole('region', { name: 'press', exact: true });
  await pane.getByText('Settings', { exact: true }).click();
  const form = window.getByRole('form', { name: 'Settings' });
  const save = form.getByRole('button', { name: 'Save' });
  expect(await save.isDisabled()).toBe(true);
  await form.getByLabel('Weight').fill('7');
  await form.getByLabel('Active at most').fill('2');
  await form.getByLabel('Started per second').fill('20.5');
  await form.getByLabel('Order').selectOption('slowdown');
  await form.getByLabel('Placement').selectOption('pack');
  await form.getByLabel('Backfill').selectOption('easy');
  await form.getByText('not saved yet').waitFor();
  await form.scrollIntoViewIfNeeded();
  await takeScreen(window, 'queue-settings');
  await save.click();
  const whole = {
    weight: 7,
    runningMax: 2,
    ratePerS: 20.5,
    order: 'slowdown',
    policy: 'pack',
    backfill: 'easy',
  };
  await expect.poll(() => settingsOf(client, 'press'), soon).toMatchObject(whole);

  await form.getByText('not saved yet').waitFor({ state: 'detached' });
  await window.getByRole('button', { name: 'Undo' }).last().click();
  await expect.poll(() => settingsOf(client, 'press'), soon).toEqual({ weight: 2, mode: 'open' });
  await expect.poll(() => form.getByLabel('Active at most').inputValue(), soon).toBe('');

  await form.getByLabel('Weight').fill('0');
  await form.getByRole('alert').waitFor();
  expect(await save.isDisabled()).toBe(true);
  await takeScreen(window, 'queue-settings-bad');
  await form.getByRole('button', { name: 'Revert' }).click();
  expect(await form.getByLabel('Weight').inputValue()).toBe('2');
  await form.getByLabel('Active at most').fill('1');
  await save.click();
  await expect.poll(() => settingsOf(client, 'press'), soon).toMatchObject({ runningMax: 1 });
}

const command = (name: string, argv: string[], more: Record<string, unknown> = {}) => ({
  name,
  work: { kind: 'command', argv },
  ask: { cpu: 10, memory: 8 },
  ...more,
});

async function submit(client: ConsoleClient, spec: unknown): Promise<number> {
  const [answer] = (await client.call('submitTasks', { specs: [spec] })).answers;
  if (answer?.ok !== true) throw new Error(`refused: ${answer?.refusal.message ?? ''}`);
  return answer.taskId;
}
const stateOf = async (client: ConsoleClient, taskId: number) =>
  (await client.call('getStates', { taskIds: [taskId] })).standings[0]?.state;

/** Asked for, and done. */
async function confirm({ window }: Console, button: Locator, verb: string, picture: string): Promise<void> {
  await button.click();
  const dialog = window.getByRole('dialog');
  await dialog.waitFor();
  await takeScreen(window, picture);
  await dialog.getByRole('button', { name: verb, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

async function pauseQueue(console: Console, client: ConsoleClient): Promise<void> {
  const { window } = console;
  const pane = window.getByRole('region', { name: 'press', exact: true });
  await confirm(console, pane.getByRole('button', { name: 'Pause' }), 'Pause', 'queue-pause');
  await pane.getByText('Paused', { exact: true }).waitFor();
  const taskId = await submit(client, command('held back', ['echo', 'pressed'], { queue: 'press' }));
  await pane.getByText('Its queue is paused.').first().waitFor();
  await takeScreen(window, 'queue-paused');
  expect(await stateOf(client, taskId)).toBe('ready');
  await pane.getByRole('button', { name: 'Resume' }).click();
  await expect.poll(() => stateOf(client, taskId), soon).toBe('succeeded');
}

async function drainQueue(console: Console, client: ConsoleClient): Promise<void> {
  const { window } = console;
  const pane = window.getByRole('region', { name: 'press', exact: true });
  const taskId = await submit(client, command('last one', ['sleep', '600'], { queue: 'press' }));
  await expect.poll(() => stateOf(client, taskId), soon).toBe('running');
  await confirm(console, pane.getByRole('button', { name: 'Drain' }), 'Drain', 'queue-drain');
  await pane.getByText('Draining', { exact: true }).waitFor();
  await expect(submit(client, command('too late', ['true'], { queue: 'press' }))).rejects.toThrow(/press/);
  const remove = pane.getByRole('button', { name: 'Remove' });
  expect(await remove.isDisabled()).toBe(true);
  await takeScreen(window, 'queue-draining');
  await client.call('cancelTasks', { taskIds: [taskId] });
  await expect.poll(() => remove.isEnabled(), soon).toBe(true);
  await confirm(console, remove, 'Remove', 'queue-remove');
  await expect.poll(() => settingsOf(client, 'press'), soon).toBeUndefined();
  await pane.waitFor({ state: 'detached' });
}

async function boundTenant({ window }: Console, client: ConsoleClient): Promise<void> {
  const paint = async () =>
    (await client.call('listTenants', {})).tenants.find(({ tenant }) => tenant === 'paint')?.settings;
  await window.getByRole('button', { name: 'Tenants' }).click();
  await window.getByRole('button', { name: 'New tenant settings' }).click();
  const dialog = window.getByRole('dialog');
  await dialog.getByLabel('Tenant', { exact: true }).fill('paint');
  await dialog.getByLabel('Weight').fill('3');
  await dialog.getByRole('group', { name: 'At most' }).getByLabel('CPU', { exact: true }).fill('4');
  await takeScreen(window, 'tenant-dialog');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect.poll(paint, soon).toEqual({ weight: 3, burst: { cpu: 4_000 } });
  await submit(client, command('undercoat', ['sleep', '2'], { tenant: 'paint' }));
  await window.getByRole('button', { name: 'paint', exact: true }).waitFor();
  await takeScreen(window, 'tenants');
  await window.getByRole('button', { name: 'paint', exact: true }).click();
  await dialog.getByRole('button', { name: 'Take all bounds away' }).click();
  await expect.poll(async () => (await paint()) ?? { weight: 1 }, soon).toEqual({ weight: 1 });
}

/** The funnel names the rule that took every node away. */
async function readWhy(console: Console, client: ConsoleClient): Promise<void> {
  const { window } = console;
  const spec = command('nowhere to go', ['true'], { selector: { line: ['L99'] } });
  const taskId = await submit(client, spec);
  await open(console, `tasks?task=${taskId}&since=all`);
  await window.getByText('No node has the labels that it asks for.').waitFor();
  await takeScreen(window, 'task-why');
  expect(await axeFaults(console)).toEqual([]);
  await client.call('cancelTasks', { taskIds: [taskId] });
}

/** `G` then `S`, as the list of keys says. */
async function goByKeys({ window }: Console): Promise<void> {
  await window.getByRole('link', { name: 'Schedules' }).waitFor();
  await window.keyboard.press('g');
  await window.keyboard.press('s');
  await window.getByText('No schedule yet.').waitFor();
  await takeScreen(window, 'schedules-empty');
}

async function makeCalendar({ window }: Console, client: ConsoleClient): Promise<void> {
  await window.getByRole('button', { name: 'Calendars' }).click();
  await window.getByText('No calendar yet.').waitFor();
  await window.getByRole('button', { name: 'New calendar' }).click();
  const dialog = window.getByRole('dialog');
  await dialog.getByLabel('Calendar', { exact: true }).fill('holidays');
  await dialog.getByLabel('Dates, one a line').fill('2099-12-25\n2099-02-30');
  await dialog.getByText('2099-02-30 is a date that there is not').waitFor();
  await takeScreen(window, 'calendar-bad');
  await dialog.getByLabel('Dates, one a line').fill('2099-12-25\n2099-12-26 2099-12-25');
  await dialog.getByText('2 dates').waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  const dates = async () => (await client.call('listCalendars', {})).calendars[0]?.dates;
  await expect.poll(dates, soon).toBe(2);
  await window.getByRole('button', { name: 'holidays', exact: true }).waitFor();
  await takeScreen(window, 'calendars');
  await window.getByRole('button', { name: 'Calendars' }).click();
}

/** What the host finds wrong stands at its field; the next due times are there before it is made. */
async function makeSchedule({ window }: Console, client: ConsoleClient): Promise<void> {
  await window.getByRole('button', { name: 'New schedule' }).click();
  const dialog = window.getByRole('dialog');
  await dialog.getByLabel('Schedule', { exact: true }).fill('shift/report');
  await dialog.getByLabel('Cron').fill('0 6 * * 9');
  const wrong = dialog.getByRole('alert');
  await wrong.waitFor();
  expect(await dialog.getByLabel('Cron').getAttribute('aria-invalid')).toBe('true');
  await takeScreen(window, 'schedule-bad-cron');
  await dialog.getByLabel('Cron').fill('0 6 * * 1-5');
  await dialog.getByLabel('Time zone').fill('Europe/Nowhere');
  await dialog.getByText('there is no time zone Europe/Nowhere').waitFor();
  await dialog.getByLabel('Time zone').fill('Asia/Shanghai');
  await dialog.getByText(/^Next: .* 06:00:00 .* on the clock of Asia\/Shanghai\.$/).waitFor();
  await dialog.getByText('Next due times').click();
  await takeScreen(window, 'schedule-new');
  await dialog.getByLabel('Cron').fill('* * * * * *');
  await dialog.getByLabel('Calendar').selectOption('holidays');
  await dialog.getByLabel('While it still runs').selectOption('skip');
  await dialog.getByLabel('Missed runs').selectOption('skip');
  await dialog.getByLabel('Command line').fill('echo "shift is over"');
  await dialog.getByLabel('Queue').fill('no such queue');
  await dialog.getByRole('button', { name: 'Create the schedule' }).click();
  await wrong.waitFor();
  expect(await dialog.getByLabel('Queue').getAttribute('aria-invalid')).toBe('true');
  await takeScreen(window, 'schedule-bad-queue');
  await dialog.getByLabel('Queue').fill('default');
  await dialog.getByRole('button', { name: 'Create the schedule' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect((await client.call('getSchedule', { scheduleId: 'shift/report' })).spec).toMatchObject({
    cron: '* * * * * *',
    timeZone: 'Asia/Shanghai',
    calendar: { name: 'holidays', rule: 'skip' },
    misfire: 'skip',
    overlap: 'skip',
    task: { queue: 'default', work: { argv: ['echo', 'shift is over'] } },
  });
}

async function watchRuns({ window }: Console, client: ConsoleClient): Promise<void> {
  const succeeded = async () =>
    (await client.call('listTasks', { filter: { states: ['succeeded'] }, limit: 1 })).total;
  await expect.poll(succeeded, soon).toBeGreaterThan(2);
  const pane = window.getByRole('region', { name: 'shift/report', exact: true });
  const links = pane.getByRole('link', { name: /^T-/ });
  await expect.poll(() => links.count(), soon).toBeGreaterThan(2);
  await takeScreen(window, 'schedule-runs');
  await links.nth(1).click();
  await window.getByRole('tab', { name: 'Log' }).click();
  await window.getByRole('log').getByText('shift is over').waitFor();
  await window.goBack();
  await pane.waitFor();
}

async function pauseSchedule({ window }: Console, client: ConsoleClient): Promise<void> {
  const schedule = () => client.call('getSchedule', { scheduleId: 'shift/report' });
  const pane = window.getByRole('region', { name: 'shift/report', exact: true });
  await pane.getByRole('button', { name: 'Pause' }).click();
  await pane.getByText('Due times if it were resumed').waitFor();
  const { fired, spec, nextDueMs } = await schedule();
  expect([spec.isPaused, nextDueMs]).toEqual([true, undefined]);
  await takeScreen(window, 'schedule-paused');
  await pane.getByRole('button', { name: 'Run now' }).click();
  await window.getByText(/shift\/report runs as T-/).waitFor();
  await pane.getByText('by hand').waitFor();
  // By hand is beside its due times, and of these none brought a task since.
  expect((await schedule()).fired).toBe(fired);
}

/** Its rhythm is another one, and what the form does not show has stayed. */
async function changeSchedule({ window }: Console, client: ConsoleClient): Promise<void> {
  const pane = window.getByRole('region', { name: 'shift/report', exact: true });
  await pane.getByRole('button', { name: 'Edit…' }).click();
  const dialog = window.getByRole('dialog');
  expect(await dialog.getByLabel('Command line').inputValue()).toBe(`echo 'shift is over'`);
  await dialog.getByLabel('When').selectOption('every');
  await dialog.getByLabel('Every', { exact: true }).fill('8');
  await dialog.getByLabel('Unit of: Every').selectOption('hours');
  await dialog.getByText(/^Next: /).waitFor();
  await takeScreen(window, 'schedule-edit');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  const { spec } = await client.call('getSchedule', { scheduleId: 'shift/report' });
  expect(spec).toMatchObject({ everyMs: 28_800_000, isPaused: true, overlap: 'skip' });
  await pane.getByRole('button', { name: 'Resume' }).click();
  await pane.getByText('Active', { exact: true }).waitFor();
}

async function removeSchedule(console: Console, client: ConsoleClient): Promise<void> {
  const { window } = console;
  await appear(console, 'night', 'en');
  await open(console, 'schedules?schedule=shift/report');
  const pane = window.getByRole('region', { name: 'shift/report', exact: true });
  const remove = pane.getByRole('button', { name: 'Remove…' });
  await confirm(console, remove, 'Remove the schedule', 'schedule-remove');
  await expect.poll(async () => (await client.call('listSchedules', {})).total, soon).toBe(0);
  await window.getByText('No schedule yet.').waitFor();
  await open(console, 'schedules?calendars');
  await window.getByRole('button', { name: 'Remove' }).click();
  await window.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await window.getByText('No calendar yet.').waitFor();
}

/** How many px the widest detail pane would have to be scrolled to the side. */
const overhang = (console: Console): Promise<number> =>
  inPage<number>(
    console,
    `Math.max(0, ...[...document.querySelectorAll('.detail .body')].map((pane) => pane.scrollWidth - pane.clientWidth))`,
  );

/** Every theme in both languages; what axe finds against WCAG 2.2 AA. */
async function photograph(console: Console): Promise<string[]> {
  const found: string[] = [];
  for (const { theme, language } of looks) {
    await appear(console, theme, language);
    for (const address of ['schedules?schedule=shift/report', 'schedules?calendars', 'schedules?add=1']) {
      await open(console, address);
      await inPage(console, 'document.fonts.ready.then(() => 0)');
      await console.window.waitForTimeout(900); // a picture wants more than the first frame
      await takeScreen(console.window, `${address.replace(/\W+/g, '-')}-${theme}-${language}`);
      expect(await overhang(console), `${address} ${language}`).toBeLessThanOrEqual(0);
      const faults = await axeFaults(console);
      found.push(...faults.map((fault) => `${address} ${theme} ${language}: ${fault}`));
    }
  }
  return found;
}
