// First light: a real task through the real program, then crashes in the middle of 200 running tasks.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort } from './consoleClient.ts';
import {
  freshFolder,
  hostPid,
  hostState,
  killTree,
  noScreen,
  startConsole,
  takeScreen,
  type Console,
} from './electronApp.ts';
import { enrol, everyTaskRanOnce, runMany, soon, submitInWindow } from './steps.ts';

/** Long enough that all are running at the same time, and still are when the host is killed. */
const many = { count: 200, seconds: 15 };

describe.skipIf(noScreen)('first light', () => {
  test.for(['utility', 'main'])('a word count through the window, host in %s', async (place) => {
    const console = await startConsole({ args: [`--host=${place}`] });
    await enrol(console);
    const file = join(freshFolder(), 'shift report.txt');
    writeFileSync(file, 'line 4 stopped twice\nline 5 ran all night\n'.repeat(500));
    await submitInWindow(console, `wc -w "${file}"`, 'words of the shift report');
    const expected = execFileSync('wc', ['-w', file], { encoding: 'utf8' }).trim();
    await console.window.getByRole('log').getByText(expected).waitFor({ timeout: 20_000 });
    await console.window
      .getByText(/^SUCCEEDED/)
      .first()
      .waitFor({ timeout: 20_000 });
    await takeScreen(console.window, `word-count-${place}`);
  });

  test('200 running tasks outlive a killed host and a killed console, each run exactly once', async () => {
    const dataFolder = freshFolder();
    const start = { dataFolder, args: ['--port', String(await freePort())] };
    const first = await startConsole(start);
    const agent = await enrol(first);

    const beforeHost = await runMany(first, agent, many);
    process.kill(await hostPid(first), 'SIGKILL');
    await first.window
      .getByText(/Scheduler host stopped|host restarting/)
      .first()
      .waitFor({ timeout: 10_000 });
    await takeScreen(first.window, 'host-killed-200-running');
    await expect.poll(() => hostState(first), soon).toMatchObject({ state: 'running' });
    await takeScreen(first.window, 'host-back-200-running');
    await everyTaskRanOnce(dataFolder, beforeHost, agent);
    await takeScreen(first.window, 'all-ended-after-host-kill');

    const beforeConsole = await runMany(first, agent, many);
    killTree(first.app.process().pid);
    const second = await startConsole(start);
    await expect.poll(() => hostState(second), soon).toMatchObject({ state: 'running' });
    await everyTaskRanOnce(dataFolder, [...beforeHost, ...beforeConsole], agent);
    await takeScreen(second.window, 'all-ended-after-console-kill');
  }, 240_000);

  test('quitting while tasks run asks first, and what runs on the agent goes on', async () => {
    const console = await startConsole({ asksBeforeQuit: true });
    const agent = await enrol(console);
    const [task = 0] = await runMany(console, agent, { count: 1, seconds: 6 });
    await answerDialogs(console, 0);
    await console.app.evaluate(({ app }) => {
      app.quit();
    });
    await expect.poll(() => questions(console), soon).toEqual(['1 task keeps running on its agent.']);
    expect(await hostState(console)).toMatchObject({ state: 'running' });

    await answerDialogs(console, 1);
    const closed = console.app.waitForEvent('close');
    // Through the window's own button: the last window asks, too.
    void console.app.evaluate(({ BrowserWindow }) => {
      BrowserWindow.getAllWindows()[0]?.close();
    });
    await closed;
    await expect.poll(() => agent.runs().get(task), soon).toEqual({ started: 1, succeeded: 1 });
  });
});

/** Stands in for the person: each question is noted, and answered with this button. */
const answerDialogs = (console: Console, button: number): Promise<void> =>
  console.app.evaluate(({ dialog }, response) => {
    const asked: string[] = [];
    Object.assign(globalThis, { asked });
    dialog.showMessageBox = (options: unknown) => {
      asked.push((options as { message: string }).message);
      return Promise.resolve({ response, checkboxChecked: false });
    };
  }, button);

const questions = (console: Console): Promise<string[]> =>
  console.app.evaluate(() => (globalThis as unknown as { asked: string[] }).asked);
