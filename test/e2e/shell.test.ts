// The shell around the console: every point of the security list, the single instance, and the bridge.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { consoleArgs, hostState, inPage, noScreen, startConsole, takeScreen } from './electronApp.ts';

const run = promisify(execFile);
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "require-trusted-types-for 'script'",
  'trusted-types vue',
];

describe.skipIf(noScreen)('the shell', () => {
  test('shows the console, isolated and sandboxed, without a word of complaint from the browser', async () => {
    const console = await startConsole();
    expect(console.window.url()).toMatch(/^app:\/\/console\//);
    const preferences = await console.app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      // Not in the typings, but the only place that says what is really in force.
      return (
        contents as unknown as { getLastWebPreferences(): Record<string, unknown> }
      ).getLastWebPreferences();
    });
    expect(preferences).toMatchObject({ contextIsolation: true, sandbox: true, nodeIntegration: false });
    expect(preferences).toMatchObject({ nodeIntegrationInSubFrames: false });
    expect(preferences).toMatchObject({ webSecurity: true, webviewTag: false });
    expect(await inPage(console, 'typeof require + typeof process + typeof module')).toBe(
      'undefined'.repeat(3),
    );
    await expect.poll(() => hostState(console), { timeout: 20_000 }).toMatchObject({ state: 'running' });
    await takeScreen(console.window, 'shell-started');
    expect(
      console.messages.filter((text) => /Content Security Policy|TrustedScript|Refused/.test(text)),
    ).toEqual([]);
  });

  test('gives a window named functions and two facts, and no way to Electron', async () => {
    const console = await startConsole();
    const kinds =
      'Object.fromEntries(Object.entries(window.millrace).map(([key, value]) => [key, typeof value]))';
    expect(await inPage(console, kinds)).toEqual({
      version: 'string',
      isPreviewRuntime: 'boolean',
      requestHostPort: 'function',
      startLocalAgent: 'function',
      getHostState: 'function',
      onHostState: 'function',
    });
    const port = `new Promise((resolve) => {
      addEventListener('message', (event) => {
        if (event.data?.millrace === 'host-port') resolve(event.ports.length + ' from ' + event.origin);
      });
      void window.millrace.requestHostPort();
    })`;
    expect(await inPage(console, port)).toBe('1 from app://console');
  });

  test('runs no text as program, and sends the whole policy with each file', async () => {
    const console = await startConsole();
    // A test's own text may pass the policy; what it schedules may not.
    const blocked = (expression: string): string =>
      `new Promise((resolve) => setTimeout(() => {
        try { ${expression}; resolve('ran'); } catch (error) { resolve(error.name); }
      }))`;
    expect(await inPage(console, blocked(`(0, eval)('1 + 1')`))).toMatch(/EvalError|TypeError/);
    expect(await inPage(console, blocked(`new Function('return 1')()`))).toMatch(/EvalError|TypeError/);
    expect(await inPage(console, blocked(`document.body.innerHTML = '<b>x</b>'`))).toBe('TypeError');
    const headers = await inPage<string[]>(
      console,
      `fetch('app://console/index.html').then((answer) =>
        ['content-security-policy', 'x-content-type-options'].map((name) => answer.headers.get(name)))`,
    );
    for (const part of policy) expect(headers[0]).toContain(part);
    expect(headers[1]).toBe('nosniff');
    const outside = `fetch('https://millrace.example/').then(() => 'reached', (error) => error.name)`;
    expect(await inPage(console, outside)).toBe('TypeError');
  });

  test('serves nothing outside of its folder', async () => {
    const console = await startConsole();
    const status = (path: string): Promise<number> =>
      inPage(console, `fetch('app://console/${path}').then((answer) => answer.status)`);
    expect(await status('index.html')).toBe(200);
    expect(await status('..%2f..%2fpackage.json')).toBe(403);
    expect(await status('..%5c..%5cpackage.json')).toBe(403);
    expect(await status('%2e%2e/%2e%2e/package.json')).toBe(404);
    expect(await status('no-such-file.js')).toBe(404);
    expect(
      await inPage(console, `fetch('app://other/index.html').then((a) => a.status, (e) => e.name)`),
    ).toMatch(/TypeError|404/);
  });

  test('goes nowhere else: no other page, no second window, no webview', async () => {
    const console = await startConsole();
    expect(await inPage(console, `String(window.open('https://millrace.example/'))`)).toBe('null');
    await inPage(console, `location.href = 'https://millrace.example/'; 0`);
    await inPage(console, `location.href = 'file:///etc/passwd'; 0`);
    await console.window.waitForTimeout(300);
    expect(console.window.url()).toMatch(/^app:\/\/console\/(#.*)?$/);
    expect(console.app.windows()).toHaveLength(1);
    expect(await inPage(console, `typeof document.createElement('webview').loadURL`)).toBe('undefined');
  });

  test('has none of the rights a page can ask for', async () => {
    const console = await startConsole();
    expect(await inPage(console, 'Notification.requestPermission()')).toBe('denied');
    const camera = `navigator.mediaDevices.getUserMedia({ video: true }).then(() => 'granted', (e) => e.name)`;
    expect(await inPage(console, camera)).toMatch(/NotAllowedError|NotFoundError/);
    const place = `navigator.permissions.query({ name: 'geolocation' }).then((answer) => answer.state)`;
    expect(await inPage(console, place)).toBe('denied');
  });

  test('opens once per data folder: a second start brings the first window to the front and ends', async () => {
    const console = await startConsole();
    await console.app.evaluate(({ app }) => {
      app.on('second-instance', () => {
        Object.assign(globalThis, { secondStarts: 1 });
      });
    });
    const second = await run(console.runtime.executable, consoleArgs(console.dataFolder), {
      timeout: 30_000,
    });
    expect(second.stdout).toContain('already running');
    expect(await console.app.evaluate(() => (globalThis as { secondStarts?: number }).secondStarts)).toBe(1);
    expect(
      await console.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isFocused()),
    ).toBe(true);
  });
});
