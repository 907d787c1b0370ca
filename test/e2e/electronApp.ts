// Starts the real console in a real Electron, with folders of its own, and takes it down again whatever happened.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { findElectron, type ElectronRuntime } from '../../.ci/electronRuntime.ts';

export const root = join(import.meta.dirname, '../..');
const screens = join(root, 'test-results/screens');
const unasked = '--quit-without-asking';

export interface Console {
  readonly app: ElectronApplication;
  readonly window: Page;
  readonly dataFolder: string;
  readonly runtime: ElectronRuntime;
  /** Everything the window wrote to its developer console. */
  readonly messages: readonly string[];
}
export interface ConsoleOptions {
  readonly dataFolder?: string;
  readonly args?: readonly string[];
  /** Quitting while tasks run asks a person; other tests do without. */
  readonly asksBeforeQuit?: boolean;
}

/** Why no window can be opened here; undefined where it can. */
export const noScreen =
  process.platform === 'linux' && !process.env['DISPLAY'] ? 'no display: run `npm test`' : undefined;

export async function startConsole(options: ConsoleOptions = {}): Promise<Console> {
  const runtime = await findElectron();
  const dataFolder = options.dataFolder ?? freshFolder();
  const app = await _electron.launch({
    executablePath: runtime.executable,
    args: consoleArgs(dataFolder, [...(options.asksBeforeQuit ? [] : [unasked]), ...(options.args ?? [])]),
    timeout: 60_000,
  });
  const pid = app.process().pid;
  onTestFinished(() => {
    killTree(pid);
  });
  const window = await app.firstWindow();
  const messages: string[] = [];
  window.on('console', (message) => messages.push(`${message.type()}: ${message.text()}`));
  return { app, window, dataFolder, runtime, messages };
}

export function consoleArgs(dataFolder: string, more: readonly string[] = []): string[] {
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  // Of an option that is given twice the first counts.
  return [root, ...asRoot, '--data', dataFolder, ...more, '--port', '0'];
}

export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-e2e-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return folder;
}

/** A picture of the window for a person to look at, in test-results/screens. */
export async function takeScreen(window: Page, name: string): Promise<void> {
  mkdirSync(screens, { recursive: true });
  await window.screenshot({ path: join(screens, `${name}.png`) });
}

/** Runs an expression in the page and returns its value. */
export const inPage = <Value>(console: Console, expression: string): Promise<Value> =>
  console.window.evaluate<Value>(expression);

export interface HostStateView {
  readonly state: 'starting' | 'recovering' | 'running' | 'restarting' | 'failed';
  readonly reason?: string;
}
export const hostState = (console: Console): Promise<HostStateView> =>
  inPage<HostStateView>(console, 'window.millrace.getHostState()');

export async function hostPid(console: Console): Promise<number> {
  const pid = await console.app.evaluate(
    ({ app }) => app.getAppMetrics().find((process) => process.name === 'millrace-host')?.pid,
  );
  if (pid === undefined) throw new Error('no host process');
  return pid;
}

/** Where agents join, from the newest line of the shell's log. */
export function hubAddress(dataFolder: string): string | undefined {
  const log = readFileSync(join(dataFolder, 'shell.log'), 'utf8');
  return [...log.matchAll(/agents join at (https?:[^\s"]+)/g)].at(-1)?.[1];
}

/** SIGKILL to a process and everything below it, all at once: what a power switch does to a program. */
export function killTree(pid: number | undefined): void {
  if (pid === undefined) return;
  for (const one of [pid, ...descendants(pid)])
    try {
      process.kill(one, 'SIGKILL');
    } catch {
      // It ended by itself in between.
    }
}

export function descendants(pid: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    rows.flatMap(([child, owner]) =>
      owner === parent && child !== undefined ? [child, ...below(child)] : [],
    );
  return below(pid);
}
