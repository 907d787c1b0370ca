// `npm start`: builds, finds an Electron and starts the console; without a display it starts the hub alone.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build } from './build.ts';
import { findElectron } from './electronRuntime.ts';

const root = join(import.meta.dirname, '..');
const passedOn = process.argv.slice(2);

await (hasDisplay() ? startConsole() : startHub());

async function startConsole(): Promise<void> {
  await build();
  const runtime = await findElectron();
  const words = [root, ...passedOn];
  if (process.platform === 'linux' && process.getuid?.() === 0) {
    console.warn('start: you are root, for whom Chromium has no sandbox: --no-sandbox');
    words.push('--no-sandbox');
  }
  console.log(`start: Electron ${runtime.version}`);
  await runToEnd(runtime.executable, words);
}

async function startHub(): Promise<void> {
  await build(); // its pages are the same console, for a browser
  console.log('start: no display, so the hub runs without a window');
  await runToEnd(process.execPath, [join(root, 'scheduler/host/entry.ts'), ...passedOn]);
}

function hasDisplay(): boolean {
  if (process.platform !== 'linux') return true;
  return Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']);
}

/** Passes signals on and ends as the program ended. */
function runToEnd(program: string, words: readonly string[]): Promise<void> {
  const child = spawn(program, words, { stdio: 'inherit', cwd: root });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      child.kill(signal);
    });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.exitCode = code ?? (signal === null ? 1 : 128);
      resolve();
    });
  });
}
