// Logins in the real program: the first administrator, a viewer who can only look, and what is refused to strangers.
import { describe, expect, test } from 'vitest';
import { connectConsole } from './consoleClient.ts';
import { hostState, hubAddress, noScreen, startConsole, takeScreen, type Console } from './electronApp.ts';
import { appear, axeFaults, enrol, looks, soon } from './steps.ts';

const secret = {
  ann: 'three blue wagons roll',
  vera: 'seven green lathes hum',
  veras: 'nine grey belts run late',
};

describe.skipIf(noScreen)('logins', () => {
  test('the first administrator, then a viewer: what the role does not allow is off, and refused when sent raw', async () => {
    const console = await startConsole();
    await enrol(console);
    const { window } = console;
    await expect.poll(() => hostState(console), soon).toMatchObject({ state: 'running' });
    await window.getByRole('button', { name: /local\s*Administrator/ }).waitFor();
    await openUsers(console);
    await newUser(console, 'ann', 'administrator', secret.ann);

    await window.getByLabel('Name').waitFor({ timeout: 20_000 });
    await takeScreen(window, 'login');
    await logIn(console, 'ann', 'not the password at all');
    await window.getByText('Name or password is wrong.').waitFor();
    await logIn(console, 'ann', secret.ann);
    await window.getByRole('button', { name: /ann\s*Administrator/ }).waitFor();
    await openUsers(console);
    await newUser(console, 'vera', 'viewer', secret.vera);
    await window.getByRole('cell', { name: 'vera' }).waitFor();
    await takeScreen(window, 'users');
    await window.getByRole('link', { name: 'API tokens' }).click();
    await takeScreen(window, 'tokens');
    await logOut(console, /ann/);

    await logIn(console, 'vera', secret.vera);
    await window.getByLabel('Present password').fill(secret.vera);
    await window.getByLabel('New password', { exact: true }).fill(secret.veras);
    await window.getByLabel('New password again').fill(secret.veras);
    await window.getByRole('button', { name: 'Change', exact: true }).click();
    await window.getByRole('button', { name: /vera\s*Viewer/ }).waitFor();
    await window.getByRole('link', { name: 'Nodes', exact: true }).click();
    await window.getByText('press-4').first().click();
    const cordon = window.getByRole('button', { name: 'Cordon' });
    await cordon.waitFor();
    expect(await cordon.isDisabled()).toBe(true);
    expect(await cordon.getAttribute('title')).toContain('Needs the role Operator');
    await takeScreen(window, 'viewer-node');

    await rawIsRefused(hubAddress(console.dataFolder) ?? '');
    expect(console.messages.filter((message) => message.startsWith('error'))).toEqual([]);
  }, 120_000);

  test('the login looks right in every theme and language', async () => {
    const console = await startConsole();
    const { window } = console;
    await expect.poll(() => hostState(console), soon).toMatchObject({ state: 'running' });
    await window.getByRole('button', { name: /local\s*Administrator/ }).waitFor();
    await openUsers(console);
    await newUser(console, 'ann', 'administrator', secret.ann);
    await window.getByLabel('Name').waitFor({ timeout: 20_000 });
    const found: string[] = [];
    for (const { theme, language } of looks) {
      await appear(console, theme, language);
      await window.locator('input[name=user]').waitFor();
      await takeScreen(window, `login-${theme}-${language}`);
      const faults = await axeFaults(console);
      found.push(...faults.map((fault) => `${theme}: ${fault}`));
    }
    expect(found).toEqual([]);
  }, 120_000);
});

async function openUsers({ window }: Console): Promise<void> {
  await window.getByRole('link', { name: 'Settings' }).click();
  await window.getByRole('link', { name: 'Users' }).click();
}

async function newUser({ window }: Console, name: string, role: string, password: string): Promise<void> {
  await window.getByRole('button', { name: 'New user' }).click();
  const dialog = window.getByRole('dialog');
  await dialog.getByLabel('User', { exact: true }).fill(name);
  await dialog.getByLabel('Role').selectOption(role);
  await dialog.getByLabel('Password').fill(password);
  await takeScreen(window, `new-user-${name}`);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached', timeout: 20_000 });
}

async function logIn({ window }: Console, user: string, password: string): Promise<void> {
  await window.getByLabel('Name').fill(user);
  await window.getByLabel('Password').fill(password);
  await window.getByRole('button', { name: 'Log in' }).click();
}

async function logOut({ window }: Console, user: RegExp): Promise<void> {
  await window.getByRole('button', { name: user }).first().click();
  await window.getByRole('button', { name: 'Log out' }).click();
  await window.getByLabel('Name').waitFor();
}

async function rawIsRefused(address: string): Promise<void> {
  const cordon = { nodeId: 'press-4', isCordoned: true } as const;
  const client = await connectConsole(address);
  await expect(client.call('setCordon', cordon)).rejects.toThrow('log in first');
  await expect(client.call('getSummary', {})).rejects.toThrow('log in first');
  await client.call('login', { user: 'vera', password: secret.veras });
  await expect(client.call('setCordon', cordon)).rejects.toThrow('needs the role operator; vera is viewer');
  const drain = { queue: 'default', change: { mode: 'draining' } } as const;
  await expect(client.call('putQueue', drain)).rejects.toThrow('needs the role operator; vera is viewer');
  expect(await client.call('getSummary', {})).toMatchObject({ nodes: { total: 1, cordoned: 0 } });
  client.close();
}
