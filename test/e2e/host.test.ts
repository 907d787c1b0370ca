// The host's life as windows see it: restarted after a crash, stopped in order, and the same inside main.
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  descendants,
  hostPid,
  hostState,
  hubAddress,
  inPage,
  noScreen,
  startConsole,
  takeScreen,
} from './electronApp.ts';

const running = { timeout: 20_000, interval: 100 };

describe.skipIf(noScreen)('the host', () => {
  test('is started again after SIGKILL, and the window says so meanwhile', async () => {
    const console = await startConsole();
    await expect.poll(() => hostState(console), running).toMatchObject({ state: 'running' });
    await inPage(console, `window.seen = []; window.millrace.onHostState((s) => window.seen.push(s)); 0`);
    const first = await hostPid(console);
    process.kill(first, 'SIGKILL');
    await expect.poll(() => hostState(console), running).toMatchObject({ state: 'restarting' });
    await takeScreen(console.window, 'host-killed');
    await expect.poll(() => hostState(console), running).toMatchObject({ state: 'running' });
    expect(await hostPid(console)).not.toBe(first);
    const seen = await inPage<{ state: string; reason?: string }[]>(console, 'window.seen');
    // Between its start and the hub a host may tell how far it is, as often as there is something to tell.
    const states = seen.map((one) => one.state);
    expect([...states.slice(0, 2), ...states.slice(-1)]).toEqual(['restarting', 'starting', 'running']);
    for (const state of states.slice(2, -1)) expect(state).toBe('recovering');
    expect(seen[0]?.reason).toMatch(/killed/);
  });

  test('runs inside main with --host=main, with no process of its own', async () => {
    const console = await startConsole({ args: ['--host=main'] });
    await expect.poll(() => hostState(console), running).toMatchObject({ state: 'running' });
    await expect(hostPid(console)).rejects.toThrow('no host process');
    expect(await fetchStatus(hubAddress(console.dataFolder))).toBeLessThan(500);
    await console.app.close();
    expect(await fetchStatus(hubAddress(console.dataFolder))).toBeUndefined();
  });

  test('stops in order when the console quits, and leaves no process behind', async () => {
    const console = await startConsole();
    await expect.poll(() => hostState(console), running).toMatchObject({ state: 'running' });
    const address = hubAddress(console.dataFolder);
    const below = descendants(console.app.process().pid ?? 0);
    await console.app.close();
    expect(await fetchStatus(address)).toBeUndefined();
    await expect.poll(() => below.filter(isAlive), running).toEqual([]);
  });

  test('does not outlive a console that was killed: two hosts would share one data folder', async () => {
    const console = await startConsole();
    await expect.poll(() => hostState(console), running).toMatchObject({ state: 'running' });
    const host = await hostPid(console);
    console.app.process().kill('SIGKILL');
    await expect.poll(() => isAlive(host), running).toBe(false);
  });

  test('that cannot start is not started again, and the window says why', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      taken.close();
    });
    const { port } = taken.address() as AddressInfo;
    const console = await startConsole({ args: ['--port', String(port)] });
    await expect.poll(() => hostState(console), running).toMatchObject({ state: 'failed' });
    expect((await hostState(console)).reason).toContain(String(port));
    await console.window.getByText(String(port)).first().waitFor();
    await takeScreen(console.window, 'host-cannot-start');
  });

  test('goes on when a window crashes, and the window comes back', async () => {
    const console = await startConsole();
    await expect.poll(() => hostState(console), running).toMatchObject({ state: 'running' });
    const before = await hostPid(console);
    await console.app.evaluate(async ({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      const back = new Promise<void>((resolve) => {
        contents?.once('did-finish-load', () => {
          resolve();
        });
      });
      contents?.forcefullyCrashRenderer();
      await back;
    });
    const heading = (): Promise<unknown> =>
      console.app.evaluate(({ BrowserWindow }) => {
        const contents = BrowserWindow.getAllWindows()[0]?.webContents;
        return contents?.executeJavaScript('document.querySelector("h1")?.textContent') as Promise<unknown>;
      });
    await expect.poll(heading, running).toBe('Overview');
    expect(await hostPid(console)).toBe(before);
  });
});

/** Undefined where nobody answers at all. */
async function fetchStatus(address: string | undefined): Promise<number | undefined> {
  if (address === undefined) throw new Error('the log names no address');
  try {
    return (await fetch(address, { signal: AbortSignal.timeout(2_000) })).status;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
